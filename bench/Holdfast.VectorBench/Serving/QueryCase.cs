using System.Diagnostics;
using System.Globalization;

namespace Holdfast.VectorBench.Serving;

/// <summary>A loaded collection asked by some clients without a pause, through every node in turn: latency from end to end, and the recall of ten.</summary>
internal sealed class QueryCase(ServedNodes nodes, DataSet set, int clients, int seconds)
{
    /// <summary>Asks by REST, then by gRPC.</summary>
    public async Task RunAsync()
    {
        var asking = new Asking(nodes, set);
        foreach (var isGrpc in new[] { false, true }) await WarmAsync(asking, isGrpc);
        foreach (var isGrpc in new[] { false, true }) await MeasureAsync(asking, isGrpc);
    }

    private async Task WarmAsync(Asking asking, bool isGrpc)
    {
        for (var query = 0; query < 600; query++) await asking.AskAsync(isGrpc, query % nodes.Rest.Length, query % set.QueryCount);
    }

    private async Task MeasureAsync(Asking asking, bool isGrpc)
    {
        var times = new Latencies();
        var (begun, next) = (Stopwatch.GetTimestamp(), -1);
        var found = new int[set.QueryCount * DataSet.Wanted];
        Array.Fill(found, -1);
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(begun).TotalSeconds < seconds)
            {
                var number = Interlocked.Increment(ref next);
                var query = number % set.QueryCount;
                var (took, ids) = await asking.AskAsync(isGrpc, number % nodes.Rest.Length, query);
                times.Add(took);
                ids.CopyTo(found, query * DataSet.Wanted);
            }
        })));
        var asked = Math.Min(times.Count, set.QueryCount);
        var recall = set.Recall(found) * set.QueryCount / Math.Max(1, asked);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"query {(isGrpc ? "grpc" : "rest")} nodes {nodes.Rest.Length} clients {clients}: {times} {times.Count / Stopwatch.GetElapsedTime(begun).TotalSeconds:F0}/s recall@10 {recall:F3}"));
    }
}
