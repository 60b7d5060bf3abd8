using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// The thread that makes batches durable. It takes what all loops have queued as one group commit: one write, one fsync. When more is queued than a commit
/// holds, loops take turns, so that a loop with much to write does not hold up one with little.
/// </summary>
public sealed class WalThread : INodeLog
{
    private readonly Lock gate = new();
    private readonly AutoResetEvent work = new(false);
    private readonly WriteAheadLog log;
    private readonly IWalCompletions completions;
    private readonly CommitQueue queue;
    private readonly List<WalBatch> commit = [];
    private readonly Thread thread;
    private readonly SpareThread spares;
    private IReadOnlyList<GroupHoldingBack> holdingBack;
    private bool sleeping;
    private bool stopping;
    private bool failed;

    /// <summary>Starts the thread. It owns the log from here on and closes it at the end.</summary>
    public WalThread(WriteAheadLog log, IWalCompletions completions, int commitBytesMax)
    {
        this.log = log;
        this.completions = completions;
        queue = new CommitQueue(commitBytesMax);
        holdingBack = log.HoldingBack;
        Meters.OnOpened(log.SegmentCount);
        spares = new SpareThread(log);
        thread = new Thread(Run) { Name = "wal", IsBackground = true };
        thread.Start();
    }

    /// <summary>What was written, and how long it took.</summary>
    public WalMeters Meters { get; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<GroupHoldingBack> HoldingBack => Volatile.Read(ref holdingBack);

    /// <inheritdoc/>
    public TimeSpan ProgressAge
    {
        get
        {
            lock (gate)
            {
                var since = queue.OldestSince;
                return since == long.MaxValue ? TimeSpan.Zero : Stopwatch.GetElapsedTime(since);
            }
        }
    }

    /// <inheritdoc/>
    public void Submit(WalBatch batch)
    {
        bool wakes;
        lock (gate)
        {
            Invariant.Holds(!stopping, "a batch was submitted to a write-ahead log that is closing");
            queue.Add(batch, Stopwatch.GetTimestamp());
            (wakes, sleeping) = (sleeping, false);
        }

        // While a commit is being written its end brings the next one: only a sleeping thread costs a wake-up.
        if (wakes) work.Set();
    }

    /// <summary>Makes durable what is queued, then stops the thread and closes the log.</summary>
    public void Dispose()
    {
        lock (gate) stopping = true;
        work.Set();
        thread.Join();
        spares.Dispose();
        work.Dispose();
    }

    private void Run()
    {
        ThreadRank.TakeFirst();
        while (true)
        {
            if (!TakeCommit())
            {
                lock (gate)
                    if (stopping) break;
                work.WaitOne();
                continue;
            }

            if (!failed) MakeDurable();
            lock (gate)
                if (!failed) queue.OnDurable();
        }

        log.Dispose();
    }

    private void MakeDurable()
    {
        try
        {
            var begun = Stopwatch.GetTimestamp();
            log.Write(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(commit));
            var written = Stopwatch.GetTimestamp();
            log.Sync();
            Count(Stopwatch.GetElapsedTime(begun, written), Stopwatch.GetElapsedTime(written));
        }
        catch (IOException failure)
        {
            // Never retried: an fsync that failed may have dropped the pages and would succeed the second time (S7).
            failed = true;
            completions.OnWalFailed(failure);
            return;
        }

        Volatile.Write(ref holdingBack, log.HoldingBack);
        foreach (var batch in commit) completions.OnBatchDurable(batch);
        if (log.WantsSpare()) spares.Ask();
    }

    private void Count(TimeSpan write, TimeSpan sync)
    {
        long bytes = 0;
        foreach (var batch in commit) bytes += batch.Bytes;
        Meters.OnCommit(write, sync, bytes, log.SegmentCount);
    }

    private bool TakeCommit()
    {
        lock (gate)
        {
            // Seen under the gate that nothing waits: whoever submits from here on wakes the thread.
            sleeping = !queue.TryTake(commit);
            return !sleeping;
        }
    }
}
