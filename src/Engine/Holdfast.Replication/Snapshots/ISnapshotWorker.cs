using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>
/// Does the slow part of snapshots, away from the loops: a background thread in production, inline in the simulator. Jobs are carried out in the order in
/// which they are posted.
/// </summary>
public interface ISnapshotWorker
{
    /// <summary>Takes a job. Never blocks: each replica posts only a few at a time and waits for their end.</summary>
    void Post(SnapshotJob job);
}

/// <summary>A piece of snapshot work. The worker calls <see cref="Carry"/> on its own thread; the loop then learns of its end.</summary>
public abstract class SnapshotJob
{
    private readonly GroupLoop loop;

    private protected SnapshotJob(GroupLoop loop) => this.loop = loop;

    /// <summary>Whether the work failed: the disk is full or broken, or what was read is damaged. Nothing of the group is lost by that.</summary>
    internal Exception? Failure { get; private set; }

    /// <summary>Does the work and tells the loop.</summary>
    public void Carry(SnapshotStore store)
    {
        try
        {
            Work(store);
        }
        catch (IOException failure)
        {
            Failure = failure;
        }

        loop.OnJobDone(this);
    }

    private protected abstract void Work(SnapshotStore store);

    /// <summary>On the loop, after <see cref="Carry"/>.</summary>
    internal abstract void Done();
}

/// <summary>Carries out each job at once, in the caller's thread: for the simulator and for tests.</summary>
public sealed class InlineSnapshotWorker(SnapshotStore store) : ISnapshotWorker
{
    /// <inheritdoc/>
    public void Post(SnapshotJob job) => job.Carry(store);
}
