using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>A log of another make: batches as they came, in memory that outlives the node. What it would say on a machine with a battery under it.</summary>
internal sealed class MemoryLog
{
    private readonly Lock gate = new();
    private readonly List<byte[]> batches = [];

    public int Batches
    {
        get
        {
            lock (gate) return batches.Count;
        }
    }

    public (INodeLog Log, WalRecovery Recovery) Open(ClusterId cluster, IWalCompletions completions, Action<WalRecovery>? judge)
    {
        lock (gate)
        {
            var replay = new RecordReplay();
            foreach (var batch in batches) replay.Take(batch);
            var recovery = replay.Finish();
            judge?.Invoke(recovery);
            batches.Clear();
            batches.Add(RecordReplay.Restate(recovery).Encoded.ToArray());
            return (new Opened(this, completions), recovery);
        }
    }

    private sealed class Opened(MemoryLog owner, IWalCompletions completions) : INodeLog
    {
        private bool isClosed;

        public IReadOnlyList<GroupHoldingBack> HoldingBack => [];

        public TimeSpan ProgressAge => TimeSpan.Zero;

        public void Submit(WalBatch batch)
        {
            lock (owner.gate)
            {
                if (isClosed) return;
                owner.batches.Add(batch.Encoded.ToArray());
            }

            completions.OnBatchDurable(batch);
        }

        public void Dispose()
        {
            lock (owner.gate) isClosed = true;
        }
    }
}
