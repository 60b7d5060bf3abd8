using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// The thread that makes batches durable. It takes what all loops have queued as one group commit: one write, one fsync. When more is queued than a commit
/// holds, loops take turns, so that a loop with much to write does not hold up one with little.
/// </summary>
public sealed class WalThread : IWalQueue, IDisposable
{
    private static readonly Mark CommitFull = new("storage: a commit was full and loops took turns");

    private readonly Lock gate = new();
    private readonly AutoResetEvent work = new(false);
    private readonly WriteAheadLog log;
    private readonly IWalCompletions completions;
    private readonly int commitBytesMax;
    private readonly List<Queue<(WalBatch Batch, long Since)>> byLoop = [];
    private readonly List<WalBatch> commit = [];
    private readonly Thread thread;
    private IReadOnlyList<GroupHoldingBack> holdingBack;
    private long commitSince = long.MaxValue;
    private int nextLoop;
    private bool sleeping;
    private bool stopping;
    private bool failed;

    /// <summary>Starts the thread. It owns the log from here on and closes it at the end.</summary>
    public WalThread(WriteAheadLog log, IWalCompletions completions, int commitBytesMax)
    {
        this.log = log;
        this.completions = completions;
        this.commitBytesMax = commitBytesMax;
        holdingBack = log.HoldingBack;
        thread = new Thread(Run) { Name = "wal", IsBackground = true, Priority = ThreadPriority.AboveNormal };
        thread.Start();
    }

    /// <inheritdoc/>
    public IReadOnlyList<GroupHoldingBack> HoldingBack => Volatile.Read(ref holdingBack);

    /// <summary>How long the oldest batch that is not yet durable has waited; zero when nothing waits. The beat thread vouches for the log by it (S2).</summary>
    public TimeSpan ProgressAge
    {
        get
        {
            lock (gate)
            {
                var since = commitSince;
                foreach (var queue in byLoop)
                    if (queue.TryPeek(out var first)) since = Math.Min(since, first.Since);
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
            while (byLoop.Count <= batch.Loop) byLoop.Add(new Queue<(WalBatch, long)>());
            byLoop[batch.Loop].Enqueue((batch, Stopwatch.GetTimestamp()));
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
        work.Dispose();
    }

    private void Run()
    {
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
                if (!failed) commitSince = long.MaxValue;
        }

        log.Dispose();
    }

    private void MakeDurable()
    {
        try
        {
            log.Write(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(commit));
            log.Sync();
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
    }

    /// <summary>Takes one batch of each loop in turn until nothing is left or the commit is full.</summary>
    private bool TakeCommit()
    {
        commit.Clear();
        lock (gate)
        {
            var bytes = 0;
            var emptyInARow = 0;
            while (byLoop.Count > 0 && emptyInARow < byLoop.Count)
            {
                nextLoop = (nextLoop + 1) % byLoop.Count;
                var queue = byLoop[nextLoop];
                if (!queue.TryPeek(out var first))
                {
                    emptyInARow++;
                    continue;
                }

                if (commit.Count > 0 && bytes + first.Batch.Bytes > commitBytesMax)
                {
                    CommitFull.Hit();
                    nextLoop = (nextLoop + byLoop.Count - 1) % byLoop.Count;
                    break;
                }

                queue.Dequeue();
                commit.Add(first.Batch);
                bytes += first.Batch.Bytes;
                commitSince = Math.Min(commitSince, first.Since);
                emptyInARow = 0;
            }

            // Seen under the gate that nothing waits: whoever submits from here on wakes the thread.
            sleeping = commit.Count == 0;
        }

        return commit.Count > 0;
    }
}
