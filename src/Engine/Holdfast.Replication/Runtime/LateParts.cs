using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication;

/// <summary>The log of a node whose loops run before the log is open: nothing is asked of it until then, because there is no group yet.</summary>
internal sealed class LateWal : IWalQueue
{
    private volatile IWalQueue? queue;

    public IReadOnlyList<GroupHoldingBack> HoldingBack => queue?.HoldingBack ?? [];

    public void Submit(WalBatch batch) => (queue ?? throw new InvariantBrokenException("something was logged before the log was open")).Submit(batch);

    /// <summary>The log is open.</summary>
    public void Begin(IWalQueue opened) => queue = opened;
}

/// <summary>The same for snapshots.</summary>
internal sealed class LateSnapshots : ISnapshotWorker
{
    private volatile ISnapshotWorker? worker;

    public void Post(SnapshotJob job) => (worker ?? throw new InvariantBrokenException("snapshot work was begun before the store was open")).Post(job);

    /// <summary>The store is open.</summary>
    public void Begin(ISnapshotWorker opened) => worker = opened;
}
