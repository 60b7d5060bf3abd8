using System.Collections.Concurrent;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>The thread that reads and writes snapshots, behind the loops and the log where the processor is short (<see cref="ThreadRank"/>). Not behind everything: a node that restores waits for it.</summary>
internal sealed class SnapshotThread : ISnapshotWorker, IDisposable
{
    private readonly BlockingCollection<SnapshotJob> jobs = [];
    private readonly SnapshotStore store;
    private readonly Thread thread;
    private readonly Action<Exception> onFatal;

    public SnapshotThread(SnapshotStore store, Action<Exception> onFatal)
    {
        this.store = store;
        this.onFatal = onFatal;
        thread = new Thread(Run) { Name = "snapshots", IsBackground = true };
        thread.Start();
    }

    public void Post(SnapshotJob job)
    {
        // After the end nobody waits for a job any more.
        if (!jobs.IsAddingCompleted) jobs.Add(job);
    }

    public void Dispose()
    {
        jobs.CompleteAdding();
        thread.Join();
        jobs.Dispose();
    }

    private void Run()
    {
        try
        {
            foreach (var job in jobs.GetConsumingEnumerable()) job.Carry(store);
        }
        catch (Exception fault) when (fault is InvariantBrokenException or InvalidOperationException)
        {
            onFatal(fault);
        }
    }
}
