using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>
/// Batches that wait for the log, by the loop that wrote them, and the choice of what the next commit takes: one batch of each loop in turn, until nothing is
/// left or the commit is full, so that a loop with much to write does not hold up one with little. Not synchronised: its owner is the WAL thread, or the
/// simulator's stand-in for it.
/// </summary>
internal sealed class CommitQueue(int commitBytesMax)
{
    private static readonly Mark CommitFull = new("storage: a commit was full and loops took turns");

    private readonly List<Queue<(WalBatch Batch, long Since)>> byLoop = [];
    private long commitSince = long.MaxValue;
    private int nextLoop;

    /// <summary>Since when the oldest batch that is not yet durable waits, by the clock of <see cref="Add"/>; <see cref="long.MaxValue"/> when nothing waits.</summary>
    public long OldestSince
    {
        get
        {
            var since = commitSince;
            foreach (var queue in byLoop)
                if (queue.TryPeek(out var first)) since = Math.Min(since, first.Since);
            return since;
        }
    }

    /// <summary>A batch has come.</summary>
    public void Add(WalBatch batch, long since)
    {
        while (byLoop.Count <= batch.Loop) byLoop.Add(new Queue<(WalBatch, long)>());
        byLoop[batch.Loop].Enqueue((batch, since));
    }

    /// <summary>Fills the next commit; false when nothing waits.</summary>
    public bool TryTake(List<WalBatch> commit)
    {
        commit.Clear();
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

        return commit.Count > 0;
    }

    /// <summary>The commit that was taken is durable.</summary>
    public void OnDurable() => commitSince = long.MaxValue;
}
