using System.Diagnostics;
using System.Globalization;
using Qdrant.Client.Grpc;

namespace Holdfast.VectorBench.Serving;

/// <summary>
/// Two clients ask and another writes a hundred times a second, through the nodes that stay, while the node that leads a shard is killed with -9: queries that failed, the longest time without an acknowledged write, and, once the script has
/// started the node again, when its replicas are as the others'.
/// </summary>
internal sealed class KillCase(ServedNodes nodes, DataSet set, int[] processes)
{
    private const ulong FirstWritten = 10_000_000;

    private const int OpenMost = 1000;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Before = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan After = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Kills; its last line says which node, for the script to start it again.</summary>
    public async Task KillAsync()
    {
        var victim = await LeaderAsync();
        int[] staying = [.. Enumerable.Range(0, nodes.Rest.Length).Where(node => node != victim)];
        using var done = new CancellationTokenSource();
        var (asking, times, failures, gaps) = (new Asking(nodes, set), new Latencies(), new List<string>(), new WriteGaps());
        var readers = Enumerable.Range(0, 2).Select(client => Task.Run(async () =>
        {
            for (var query = client; !done.IsCancellationRequested; query += 2)
            {
                try
                {
                    times.Add((await asking.AskAsync(isGrpc: client == 1, staying[query / 2 % staying.Length], query % set.QueryCount)).Took);
                }
                catch (Exception failed) when (failed is HttpRequestException or Grpc.Core.RpcException or TaskCanceledException)
                {
                    lock (failures) failures.Add(failed.Message);
                }
            }
        })).ToArray();
        var writer = Task.Run(() => WriteAsync(staying, gaps, done.Token));
        await Task.Delay(Before);
        using (var process = Process.GetProcessById(processes[victim]))
        {
            gaps.Killed();
            process.Kill();
        }

        await Task.Delay(After);
        await done.CancelAsync();
        await Task.WhenAll(readers);
        await writer;
        foreach (var failure in failures.Take(3)) Console.WriteLine($"failed: {failure}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"kill: queries {times}; failed {failures.Count}; longest without an acknowledged write {gaps.Longest.TotalMilliseconds:F0} ms, {gaps.Acknowledged} acknowledged, {gaps.Unknown} of unknown fate or refused"));
        Console.WriteLine($"victim {victim}");
    }

    /// <summary>Waits until every replica has applied the same entry of every group and none was seen to differ.</summary>
    public async Task SettleAsync()
    {
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < Patience)
        {
            var applied = await Task.WhenAll(Enumerable.Range(0, nodes.Rest.Length).Select(node => nodes.GroupGaugeAsync(node, "holdfast_group_applied_index")));
            var groups = applied.SelectMany(each => each.Keys).Distinct().ToArray();
            if (groups.Length > 0 && groups.All(group => applied.Select(each => each.GetValueOrDefault(group, -1)).Distinct().Count() == 1))
            {
                var took = Stopwatch.GetElapsedTime(begun);
                await Task.Delay(2000); // State hashes are exchanged every second.
                var diverged = (await Task.WhenAll(Enumerable.Range(0, nodes.Rest.Length).Select(node => nodes.GroupGaugeAsync(node, "holdfast_group_diverged")))).Sum(each => each.Values.Sum());
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"return: {groups.Length} groups at the same entry on {nodes.Rest.Length} nodes after {took.TotalSeconds:F1} s; replicas that differ {diverged:F0}"));
                return;
            }

            await Task.Delay(100);
        }

        Console.WriteLine("return: replicas did not come to the same entry in two minutes");
    }

    private async Task<int> LeaderAsync()
    {
        for (var node = 0; node < nodes.Rest.Length; node++)
            if ((await nodes.GroupGaugeAsync(node, "holdfast_group_is_leader")).Values.Any(value => value > 0)) return node;
        throw new InvalidOperationException("no node leads a shard");
    }

    /// <summary>A write begins a hundred times a second, whatever became of those before: one whose fate is open when the leader dies is waited for, and others go on.</summary>
    private async Task WriteAsync(int[] staying, WriteGaps gaps, CancellationToken done)
    {
        var open = new List<Task>();
        using var pace = new PeriodicTimer(Pace);
        try
        {
            for (var number = 0; await pace.WaitForNextTickAsync(done); number++)
            {
                open.RemoveAll(static write => write.IsCompleted);
                if (open.Count < OpenMost) open.Add(WriteOneAsync(staying[number % staying.Length], number, gaps));
            }
        }
        catch (OperationCanceledException)
        {
        }

        await Task.WhenAll(open);
    }

    private async Task WriteOneAsync(int node, int number, WriteGaps gaps)
    {
        try
        {
            await nodes.Grpc[node].UpsertAsync(ServedNodes.Collection, [new PointStruct { Id = FirstWritten + (ulong)number, Vectors = set.Vectors.AsSpan(number % set.Rows * set.Dims, set.Dims).ToArray() }]);
            gaps.Acknowledge();
        }
        catch (Grpc.Core.RpcException)
        {
            gaps.Fail();
        }
    }

    private sealed class WriteGaps
    {
        private readonly Lock gate = new();
        private long last = Stopwatch.GetTimestamp();
        private bool isCounting;

        public TimeSpan Longest { get; private set; }

        public int Acknowledged { get; private set; }

        public int Unknown { get; private set; }

        public void Killed()
        {
            lock (gate) isCounting = true;
        }

        public void Acknowledge()
        {
            lock (gate)
            {
                var gap = Stopwatch.GetElapsedTime(last);
                if (isCounting && gap > Longest) Longest = gap;
                last = Stopwatch.GetTimestamp();
                Acknowledged++;
            }
        }

        public void Fail()
        {
            lock (gate) Unknown++;
        }
    }
}
