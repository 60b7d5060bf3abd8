using System.Diagnostics;
using Holdfast.Storage;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>
/// Builds graphs behind the log, mends those that lead to the dead, reads them back after a restart, and merges segments into larger ones that are kept in files. A row is found before its turn, by the scan of
/// the tail; this only makes it fast.
/// In the simulator <see cref="RunOnce"/> is called inline instead.
/// </summary>
internal sealed class IndexWorkers : IDisposable
{
    private static readonly TimeSpan LooksEvery = TimeSpan.FromMilliseconds(100);

    private readonly IndexWorkerOptions options;
    private readonly Dictionary<ShardMachine, ShardIndexing> shards = [];
    private readonly Lock gate = new();
    private readonly SemaphoreSlim work = new(0);
    private readonly Action<Exception> onFatal;
    private readonly SharingParts sharing;
    private Thread[] threads = [];
    private volatile bool isStopping;

    /// <summary>Threads begin with the first shard: a node without any has none.</summary>
    public IndexWorkers(IndexWorkerOptions options, Action<Exception> onFatal)
    {
        (this.options, this.onFatal) = (options, onFatal);
        sharing = new SharingParts { Invite = Wake };
    }

    /// <summary>What indexing has done.</summary>
    public GraphMeters Meters => sharing.Meters;

    /// <summary>Looks after a shard from now on.</summary>
    /// <param name="machine">The shard.</param>
    /// <param name="peers">Its other replicas; null where there are none.</param>
    public void Add(ShardMachine machine, IGraphPeers? peers = null)
    {
        lock (gate)
        {
            shards[machine] = new ShardIndexing(machine, options, peers, sharing) { Invite = Wake };
            if (threads.Length == 0) Begin();
        }

        machine.Changed = _ => Wake();
        Wake();
    }

    /// <summary>Looks after it no more.</summary>
    public void Remove(ShardMachine machine)
    {
        ShardIndexing? gone;
        lock (gate) shards.Remove(machine, out gone);
        gone?.Close();
        machine.Changed = null;
    }

    /// <summary>Answers another replica of a shard; null when there is nothing to be had here.</summary>
    public GraphTold? Tell(ShardMachine machine, GraphAsk ask)
    {
        ShardIndexing? indexing;
        lock (gate) indexing = shards.GetValueOrDefault(machine);
        return indexing?.Tell(ask);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        isStopping = true;
        if (threads.Length > 0) work.Release(threads.Length);
        foreach (var thread in threads) thread.Join();
        work.Dispose();
    }

    private void Begin()
    {
        threads = [.. Enumerable.Range(0, options.Threads).Select(number => new Thread(Run) { Name = $"vector-index-{number}", IsBackground = true })];
        foreach (var thread in threads) thread.Start();
    }

    private void Wake()
    {
        if (!isStopping && work.CurrentCount < options.Threads) work.Release();
    }

    private void Run()
    {
        try
        {
            while (!isStopping)
            {
                // Whoever waits for another node's graph looks at the time now and then.
                work.Wait(IsWaiting ? LooksEvery : Timeout.InfiniteTimeSpan);
                while (!isStopping && RunOnce())
                {
                }
            }
        }
        catch (Exception fault)
        {
            // A graph whose building failed is not known any more; what is on disk is whole.
            onFatal(fault);
        }
    }

    /// <summary>One batch of one shard; false when no shard has anything to do.</summary>
    public bool RunOnce()
    {
        KeyValuePair<ShardMachine, ShardIndexing>[] all;
        lock (gate) all = [.. shards];
        var didSomething = false;
        foreach (var (machine, indexing) in all)
        {
            var (begun, ran) = (Stopwatch.GetTimestamp(), ThreadTime.OnProcessor);
            if (indexing.TryEnter())
            {
                try
                {
                    didSomething |= indexing.Work();
                }
                finally
                {
                    indexing.Leave();
                }
            }
            else
            {
                didSomething |= indexing.TryHelp();
            }

            if (didSomething && options.Share < 1) Rest(Stopwatch.GetElapsedTime(begun), ThreadTime.OnProcessor - ran);
        }

        return didSomething;
    }

    private bool IsWaiting
    {
        get
        {
            lock (gate)
                foreach (var indexing in shards.Values)
                    if (indexing.IsWaiting) return true;
            return false;
        }
    }

    private void Rest(TimeSpan took, TimeSpan? onProcessor) => Thread.Sleep(IndexPace.RestAfter(took, onProcessor ?? took, options.Share));
}
