using System.Buffers;
using System.Buffers.Binary;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Bench.Core;

/// <summary>As little state as a group can have: how many entries, and a hash over them. What is measured beside it is the log and the protocol.</summary>
internal sealed class CountingMachine : IStateMachine
{
    private ulong count;

    public ulong StateHash { get; private set; }

    public ApplyResult Apply(in CommittedEntry entry)
    {
        count++;
        StateHash = StateHash * 31 + Crc32C.Of(entry.Command);
        return ApplyResult.Done();
    }

    public ISnapshotView CaptureSnapshot() => new View(count, StateHash);

    public ISnapshotBuilder BeginRestore() => new Builder(this);

    private sealed class View(ulong count, ulong hash) : ISnapshotView
    {
        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            var span = chunk.GetSpan(16);
            BinaryPrimitives.WriteUInt64LittleEndian(span, count);
            BinaryPrimitives.WriteUInt64LittleEndian(span[8..], hash);
            chunk.Advance(16);
            return false;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Builder(CountingMachine owner) : ISnapshotBuilder
    {
        private ulong count;
        private ulong hash;

        public void ReadNext(ReadOnlySpan<byte> chunk) => (count, hash) = (BinaryPrimitives.ReadUInt64LittleEndian(chunk), BinaryPrimitives.ReadUInt64LittleEndian(chunk[8..]));

        public void Complete() => (owner.count, owner.StateHash) = (count, hash);

        public void Dispose()
        {
        }
    }
}
