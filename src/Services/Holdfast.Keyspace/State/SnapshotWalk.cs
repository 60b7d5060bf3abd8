using System.Buffers;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A consistent view of a shard, walked slot by slot while writes go on. Its beginning is a number: records that carry it are in the view already, or not part of it. A write to a key that
/// the walk has not passed first puts the old content into the snapshot; that is the only work a write does for it. Chunks are cut anywhere; who restores joins them.
/// </summary>
internal sealed unsafe class SnapshotWalk : ISnapshotView
{
    private const int ChunkBytes = 192 * 1024;
    private const int HomesPerChunk = 4096;
    private const int HomesPerPart = 1024;
    private const int AsideKept = 4096;

    private static readonly Mark SavedAhead = new("keyspace: a key was saved for a snapshot before it was changed");

    private readonly ShardState state;
    private readonly Keyspace keyspace;
    private readonly ByteBuffer written = new();
    private readonly ByteBuffer aside = new(256);
    private readonly Queue<ICapture> pending = new();
    private readonly Dictionary<BigValue, CapturedValue> captured = [];
    private bool isWithinRecord;
    private int sent;
    private int slot;
    private ulong cursor;

    public SnapshotWalk(ShardState state, bool hasMoves = true)
    {
        this.state = state;
        keyspace = state.Keyspace;
        keyspace.Epoch++;
        keyspace.Hold();
        SnapshotCodec.WriteHead(new SpanWriter(written), state, hasMoves);
        state.Walk = this;
    }

    /// <summary>Bytes that it holds room for: what it has met and not handed on yet.</summary>
    public int Room => written.Capacity;

    /// <summary>What is walked: another than the state's own after FLUSHALL.</summary>
    public Keyspace Keyspace => keyspace;

    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        var visitor = new Visitor { Walk = this };
        for (var looked = 0; written.Length - sent < ChunkBytes && (pending.Count > 0 || slot < KeySlot.Count) && looked < HomesPerChunk; looked++)
        {
            if (pending.Count > 0)
            {
                WritePart();
                looked += HomesPerPart;
                continue;
            }

            cursor = keyspace.Table(slot).Walk(cursor, ref visitor);
            if (cursor == 0) slot++;
        }

        var count = Math.Min(ChunkBytes, written.Length - sent);
        new SpanWriter(chunk).WriteBytes(written.Written.Slice(sent, count));
        sent += count;
        if (sent >= written.Length / 2)
        {
            // What was sent goes: a walk that kept it would hold the whole snapshot in memory before it is done.
            written.DropFirst(sent);
            sent = 0;
        }

        return slot < KeySlot.Count || pending.Count > 0 || written.Length > 0;
    }

    /// <summary>A key is about to be changed: what the walk has not passed is put into the snapshot first.</summary>
    public void Save(in KeyPlace place)
    {
        if (place.Record is null || place.Slot < slot || KeyRecord.Epoch(place.Record) == keyspace.Epoch) return;
        SavedAhead.Hit();
        Write(place.Record, place.Slot);
    }

    /// <summary>Elements of a large value are about to change: what its capture has not passed is put into the snapshot first.</summary>
    public void Save(TableValue value, uint hash)
    {
        if (captured.TryGetValue(value, out var capture)) capture.Save(hash, Target);
    }

    public void Dispose()
    {
        foreach (var capture in pending) capture.LetGo();
        keyspace.LetGo();
        if (state.Walk == this) state.Walk = null;
    }

    /// <summary>Where whatever comes may be written: not into the midst of a record.</summary>
    private ByteBuffer Target => isWithinRecord ? aside : written;

    /// <summary>Puts a record into the snapshot; a large value is captured a part at a time from now on.</summary>
    private void Write(byte* record, int recordSlot)
    {
        KeyRecord.Epoch(record) = keyspace.Epoch;
        switch (KeyRecord.Has(record, KeyRecord.IsBig) ? keyspace.BigOf(record) : null)
        {
            case TableValue table:
                var capture = new CapturedValue(table, record, recordSlot);
                pending.Enqueue(capture);
                captured.Add(table, capture);
                break;
            case BlockValue { Bytes: > CapturedBlocks.PartBytes, IsLent: false } blocks:
                pending.Enqueue(new CapturedBlocks(blocks, record, recordSlot));
                break;
            default:
                SnapshotCodec.WriteRecord(new SpanWriter(Target), record, keyspace, recordSlot);
                break;
        }
    }

    private void WritePart()
    {
        var capture = pending.Peek();
        isWithinRecord = capture.IsOneRecord;
        if (capture.WriteNext(written)) return;
        pending.Dequeue();
        captured.Remove(capture.Value);
        capture.LetGo();
        isWithinRecord = false;
        new SpanWriter(written).WriteBytes(aside.Written);
        aside.Clear();
        aside.Trim(AsideKept);
    }

    private struct Visitor : IRecordVisitor
    {
        public SnapshotWalk Walk;

        public readonly void Visit(byte* record)
        {
            if (KeyRecord.Epoch(record) != Walk.keyspace.Epoch) Walk.Write(record, Walk.slot);
        }
    }
}
