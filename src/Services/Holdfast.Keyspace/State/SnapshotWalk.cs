using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A consistent view of a shard, walked slot by slot while writes go on. Its beginning is a number: records that carry it are in the view already, or not part of it. A write to a key that
/// the walk has not passed first puts the old content aside; that is the only work a write does for it.
/// </summary>
internal sealed unsafe class SnapshotWalk : ISnapshotView
{
    private const int ChunkBytes = 192 * 1024;

    private static readonly Mark SavedAhead = new("keyspace: a key was saved for a snapshot before it was changed");

    private readonly ShardState state;
    private readonly Keyspace keyspace;
    private readonly ByteBuffer saved = new();
    private readonly ByteBuffer head = new();
    private int slot;
    private ulong cursor;
    private bool isHeadWritten;
    private int savedSent;

    public SnapshotWalk(ShardState state)
    {
        this.state = state;
        keyspace = state.Keyspace;
        keyspace.Epoch++;
        SnapshotCodec.WriteHead(new SpanWriter(head), state);
        state.Walk = this;
    }

    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        var writer = new SpanWriter(chunk);
        var budget = ChunkBytes;
        if (!isHeadWritten)
        {
            isHeadWritten = true;
            writer.WriteBytes(head.Written);
        }

        budget -= SendSaved(writer, budget);
        var visitor = new Visitor { Walk = this, Chunk = chunk };
        for (var looked = 0; budget - visitor.Bytes > 0 && slot < KeySlot.Count && looked < 4096; looked++)
        {
            cursor = keyspace.Table(slot).Walk(cursor, ref visitor);
            if (cursor == 0) slot++;
        }

        return slot < KeySlot.Count || savedSent < saved.Length;
    }

    /// <summary>A key is about to be changed.</summary>
    public void Save(in KeyPlace place)
    {
        if (place.Record is null || place.Slot < slot || KeyRecord.Epoch(place.Record) == keyspace.Epoch) return;
        SavedAhead.Hit();
        SnapshotCodec.WriteRecord(new SpanWriter(saved), place.Record, keyspace, place.Slot);
        KeyRecord.Epoch(place.Record) = keyspace.Epoch;
    }

    public void Dispose()
    {
        if (state.Walk == this) state.Walk = null;
    }

    /// <summary>What was put aside, whole records only; the restoring side sorts them in by their slots.</summary>
    private int SendSaved(SpanWriter writer, int budget)
    {
        var count = Math.Min(budget, saved.Length - savedSent);
        if (count <= 0) return 0;
        count = SnapshotCodec.WholeRecords(saved.Written[savedSent..], count);
        writer.WriteBytes(saved.Written.Slice(savedSent, count));
        savedSent += count;
        if (savedSent == saved.Length)
        {
            saved.Clear();
            savedSent = 0;
        }

        return count;
    }

    private struct Visitor : IRecordVisitor
    {
        public SnapshotWalk Walk;
        public IBufferWriter<byte> Chunk;
        public int Bytes;

        public void Visit(byte* record)
        {
            if (KeyRecord.Epoch(record) == Walk.keyspace.Epoch) return;
            KeyRecord.Epoch(record) = Walk.keyspace.Epoch;
            Bytes += SnapshotCodec.WriteRecord(new SpanWriter(Chunk), record, Walk.keyspace, Walk.slot);
        }
    }
}
