using System.Diagnostics;
using System.Globalization;
using Qdrant.Client.Grpc;

namespace Holdfast.VectorBench.Serving;

/// <summary>
/// A data set's points through all nodes in batches of 100, some clients at once, while others search twenty times a second: when everything is acknowledged, when it is found, when graphs hold it, and the p95
/// of the searches meanwhile.
/// </summary>
internal sealed class UpsertCase(ServedNodes nodes, DataSet set, int shards, int clients)
{
    private const int Batch = 100;

    /// <summary>Longer than any run that would be worth reporting; what is indexed by then is told.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Nothing more is indexed when nothing was for so long.</summary>
    private static readonly TimeSpan Still = TimeSpan.FromSeconds(3);

    /// <summary>Searches are begun this often.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs it, and leaves the collection there.</summary>
    public async Task RunAsync()
    {
        await ServedNodes.CallAsync(nodes.Rest[0], HttpMethod.Put, $"/collections/{ServedNodes.Collection}", string.Create(CultureInfo.InvariantCulture,
            $$$"""{"vectors":{"size":{{{set.Dims}}},"distance":"{{{(set.IsCosine ? "Cosine" : "Euclid")}}}"},"shard_number":{{{shards}}},"replication_factor":{{{nodes.Rest.Length}}}}"""));
        var batches = new List<PointStruct[]>();
        for (var from = 0; from < set.Rows; from += Batch)
            batches.Add([.. Enumerable.Range(from, Math.Min(Batch, set.Rows - from)).Select(row => new PointStruct { Id = (ulong)row, Vectors = set.Vectors.AsSpan(row * set.Dims, set.Dims).ToArray(), Payload = { ["n"] = row } })]);
        var (whileLoading, whileIndexing) = (new Latencies(), new Latencies());
        var now = whileLoading;
        using var done = new CancellationTokenSource();
        var begun = Stopwatch.GetTimestamp();
        var searching = SearchAsync(() => Volatile.Read(ref now), done.Token);
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            while (Interlocked.Increment(ref next) is var at && at < batches.Count) await nodes.Grpc[client % nodes.Grpc.Length].UpsertAsync(ServedNodes.Collection, batches[at]);
        }));
        var acknowledged = Stopwatch.GetElapsedTime(begun);
        await IsFoundAsync();
        var found = Stopwatch.GetElapsedTime(begun);
        Volatile.Write(ref now, whileIndexing);
        var everything = await IndexedAsync(begun);
        await done.CancelAsync();
        var failures = await searching;
        var counters = await nodes.CountersAsync();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"upsert nodes {nodes.Rest.Length} shards {shards} clients {clients}: {set.Rows} x {set.Dims} acknowledged {acknowledged.TotalSeconds:F1} s ({set.Rows / acknowledged.TotalSeconds:F0}/s), found {found.TotalSeconds:F1} s, indexed {everything.TotalSeconds:F1} s ({counters.Indexed} of {counters.Points}, {counters.Status})"));
        Console.WriteLine($"search while loading: {whileLoading}; while indexing: {whileIndexing}; failed {failures}");
    }

    /// <summary>When the last vector that is going to be indexed was: a tail of fewer than two thousand rows of a shard is scanned, and stays as it is.</summary>
    private async Task<TimeSpan> IndexedAsync(long begun)
    {
        var (indexed, changed) = (-1L, Stopwatch.GetElapsedTime(begun));
        while (Stopwatch.GetElapsedTime(begun) is var now && now < Patience)
        {
            var counters = await nodes.CountersAsync();
            if (counters.Indexed != indexed || counters.Status != "green") (indexed, changed) = (counters.Indexed, now);
            else if (now - changed > Still) break;
            await Task.Delay(100);
        }

        return changed;
    }

    /// <summary>Every point is counted, and the last one is its own nearest.</summary>
    private async Task IsFoundAsync()
    {
        for (var node = 0; node < nodes.Grpc.Length; node++)
        {
            var count = await nodes.Grpc[node].CountAsync(ServedNodes.Collection);
            if (count != (ulong)set.Rows) throw new InvalidOperationException($"node {node} counts {count} of {set.Rows} points that were acknowledged");
            var last = set.Vectors.AsSpan((set.Rows - 1) * set.Dims, set.Dims).ToArray();
            var nearest = await nodes.Grpc[node].QueryAsync(ServedNodes.Collection, query: last, limit: 1);
            if (nearest[0].Id.Num != (ulong)set.Rows - 1) throw new InvalidOperationException($"node {node} does not find the last point by its own vector");
        }
    }

    private async Task<int> SearchAsync(Func<Latencies> into, CancellationToken done)
    {
        var (asking, failures) = (new Asking(nodes, set), 0);
        using var pace = new PeriodicTimer(Pace);
        try
        {
            for (var query = 0; await pace.WaitForNextTickAsync(done); query++)
            {
                try
                {
                    into().Add((await asking.AskAsync(isGrpc: true, query % nodes.Grpc.Length, query % set.QueryCount)).Took);
                }
                catch (Grpc.Core.RpcException)
                {
                    failures++;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }

        return failures;
    }
}
