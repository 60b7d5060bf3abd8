using System.Diagnostics;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>How much of the machine the building of graphs may take.</summary>
internal sealed record IndexWorkerOptions
{
    /// <summary>Threads of the whole node. Half of the processors, so that consensus and searches keep the others.</summary>
    public int Threads { get; init; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <summary>The share of its time that a thread works while there is something to do; it rests for the remainder.</summary>
    public double Share { get; init; } = 0.9;

    /// <summary>Rows of a segment below which no graph is built: they are measured one by one in less time than a walk takes.</summary>
    public int RowsMin { get; init; } = 2000;

    /// <summary>Rows of a growing segment from which on it is sealed, when nothing else is to be done: fewer are cheap to index again after a restart, and many small segments are slow to search.</summary>
    public int SealRowsMin { get; init; } = 10_000;

    /// <summary>Rows beyond which segments are not merged.</summary>
    public int SegmentRowsMax { get; init; } = int.MaxValue;

    /// <summary>The share of a sealed segment's rows that may be dead before it is written anew. Qdrant's default.</summary>
    public double DeadShareMax { get; init; } = 0.2;

    /// <summary>Dead rows below which a sealed segment is left alone. Qdrant's default.</summary>
    public int DeadRowsMin { get; init; } = 1000;

    /// <summary>Whether nothing is indexed and merged.</summary>
    public bool IsOff { get; init; }

    /// <summary>The same, with what a collection asks for.</summary>
    public IndexWorkerOptions Under(CollectionConfig collection)
    {
        var rules = collection.Optimizers;
        return this with
        {
            DeadShareMax = rules.IsDeadShareUsual ? DeadShareMax : rules.DeadShareMax,
            DeadRowsMin = rules.IsDeadRowsUsual ? DeadRowsMin : (int)Math.Min(int.MaxValue, rules.DeadRowsMin),
            SegmentRowsMax = rules.SegmentKilobytesMax is { } kilobytes ? (int)Math.Clamp(Math.Min(kilobytes, long.MaxValue >> 10) * 1024 / Math.Max(1, collection.Columns.Sum(column => (long)column.RowBytes)), 1, SegmentRowsMax) : SegmentRowsMax,
            IsOff = rules.Threads == 0,
        };
    }

    /// <summary>Rows from which on a segment gets a graph of a column; more than there can be for never.</summary>
    public int RowsMinOf(OptimizerRules rules, VectorParams column) =>
        rules.IsGraphMinUsual ? RowsMin : rules.GraphKilobytesMin == 0 ? int.MaxValue : (int)Math.Clamp(Math.Min(rules.GraphKilobytesMin, long.MaxValue >> 10) * 1024 / column.RowBytes, 1, int.MaxValue);
}

/// <summary>
/// Builds graphs behind the log, mends those that lead to the dead, reads them back after a restart, and merges segments into larger ones that are kept in files. A row is found before its turn, by the scan of
/// the tail; this only makes it fast.
/// In the simulator <see cref="RunOnce"/> is called inline instead.
/// </summary>
internal sealed class IndexWorkers : IDisposable
{
    private readonly IndexWorkerOptions options;
    private readonly Dictionary<ShardMachine, ShardIndexing> shards = [];
    private readonly Lock gate = new();
    private readonly SemaphoreSlim work = new(0);
    private readonly Action<Exception> onFatal;
    private Thread[] threads = [];
    private volatile bool isStopping;

    /// <summary>Threads begin with the first shard: a node without any has none.</summary>
    public IndexWorkers(IndexWorkerOptions options, Action<Exception> onFatal) => (this.options, this.onFatal) = (options, onFatal);

    /// <summary>Looks after a shard from now on.</summary>
    public void Add(ShardMachine machine)
    {
        lock (gate)
        {
            shards[machine] = new ShardIndexing(machine, options) { Invite = Wake };
            if (threads.Length == 0) Begin();
        }

        machine.Changed = _ => Wake();
        Wake();
    }

    /// <summary>Looks after it no more.</summary>
    public void Remove(ShardMachine machine)
    {
        lock (gate) shards.Remove(machine);
        machine.Changed = null;
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
        threads = [.. Enumerable.Range(0, options.Threads).Select(number => new Thread(Run) { Name = $"vector-index-{number}", IsBackground = true, Priority = ThreadPriority.BelowNormal })];
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
                work.Wait();
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
            var begun = Stopwatch.GetTimestamp();
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

            // Resting in proportion bounds the share whatever a batch costs.
            if (didSomething && options.Share < 1) Thread.Sleep(Stopwatch.GetElapsedTime(begun) * ((1 - options.Share) / options.Share));
        }

        return didSomething;
    }
}
