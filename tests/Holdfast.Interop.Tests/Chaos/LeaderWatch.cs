using System.Collections.Concurrent;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Asks all nodes again and again who they are, and remembers everybody who said "I lead" in a term: two of them in one term would be split brain.</summary>
internal sealed class LeaderWatch : IAsyncDisposable
{
    private readonly ProcessCluster cluster;
    private readonly ConcurrentDictionary<ulong, ConcurrentDictionary<ulong, bool>> leadersByTerm = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    public LeaderWatch(ProcessCluster cluster)
    {
        this.cluster = cluster;
        running = Task.WhenAll(Enumerable.Range(0, cluster.Nodes).Select(node => Task.Run(() => AskAsync(node))));
    }

    public async Task AssertNoSplitBrainAsync()
    {
        await stop.CancelAsync();
        await running;
        Assert.NotEmpty(leadersByTerm);
        foreach (var (term, leaders) in leadersByTerm) Assert.True(leaders.Count == 1, $"{leaders.Count} nodes led in term {term}");
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }

    private async Task AskAsync(int node)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!stop.IsCancellationRequested)
        {
            if (cluster.IsRunning(node) && await cluster.StatusAsync(node) is { Leader: not 0 } status && status.Leader == status.Header.MemberId)
                leadersByTerm.GetOrAdd(status.RaftTerm, _ => new())[status.Leader] = true;
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
