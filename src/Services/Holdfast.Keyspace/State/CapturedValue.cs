using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A large value on its way into a snapshot, a part at a time. What it shows is the value as it was when the snapshot began: an element that is changed before the capture has come to it is written first, all those with
/// the same hash together, and passed over later.
/// </summary>
internal sealed unsafe class CapturedValue : ICapture
{
    private const int PartBytes = 32 * 1024;
    private const int HomesPerPart = 2048;

    private readonly TableValue value;
    private readonly byte[] key;
    private readonly int slot;
    private readonly byte kind;
    private readonly byte encoding;
    private readonly long expiry;
    private readonly long moment;
    private readonly HashSet<uint> written = [];
    private ulong cursor;

    public CapturedValue(TableValue value, byte* record, int slot)
    {
        (this.value, this.slot, moment) = (value, slot, value.Moment);
        key = RecordHead.KeyOf(record).ToArray();
        (kind, encoding, expiry) = ((byte)KeyRecord.Kind(record), (byte)KeyRecord.Encoding(record), KeyRecord.Expiry(record));
        value.Holders++;
    }

    public BigValue Value => value;

    public bool IsOneRecord => false;

    public void LetGo() => value.Holders--;

    public bool WriteNext(ByteBuffer target)
    {
        var begin = BeginPart(target);
        var passing = new Passing { Capture = this, Writer = new SpanWriter(target), From = Order(cursor) };
        var homes = 0;
        do
        {
            passing.From = Order(cursor);
            cursor = value.Table.Walk(cursor, ref passing);
        }
        while (cursor != 0 && target.Length - begin < PartBytes && ++homes < HomesPerPart);
        EndPart(target, begin, passing.Count);
        return cursor != 0;
    }

    /// <summary>Elements with this hash are about to change: those that the capture has not come to are written as they are.</summary>
    public void Save(uint hash, ByteBuffer target)
    {
        if (Order(hash) < Order(cursor) || !written.Add(hash)) return;
        var begin = BeginPart(target);
        var saving = new Saving { Capture = this, Writer = new SpanWriter(target) };
        value.Table.WalkHash(hash, ref saving);
        EndPart(target, begin, saving.Count);
    }

    /// <summary>Where a hash, or a cursor, stands in the order of the walk.</summary>
    private static ulong Order(ulong hash) => RecordTable.Reverse(hash);

    private int BeginPart(ByteBuffer target)
    {
        var begin = target.Length;
        var writer = new SpanWriter(target);
        SnapshotCodec.WritePartHead(writer, slot, kind, encoding, expiry, key);
        writer.WriteUInt64(0);
        return begin;
    }

    private static void EndPart(ByteBuffer target, int begin, long count)
    {
        if (count == 0) target.TruncateTo(begin);
        else SnapshotCodec.EndPart(target, begin, count);
    }

    private ref struct Passing : IRecordVisitor
    {
        public CapturedValue Capture;
        public SpanWriter Writer;
        public ulong From;
        public long Count;

        public void Visit(byte* record)
        {
            // A table that has shrunk shows again what was passed when it was larger.
            var hash = RecordHead.Hash(record);
            if (Order(hash) < From || (Capture.written.Count > 0 && Capture.written.Contains(hash)) || !Capture.value.Shows(record, Capture.moment)) return;
            Capture.value.WriteElement(Writer, record);
            Count++;
        }
    }

    private ref struct Saving : IRecordVisitor
    {
        public CapturedValue Capture;
        public SpanWriter Writer;
        public long Count;

        public void Visit(byte* record)
        {
            if (!Capture.value.Shows(record, Capture.moment)) return;
            Capture.value.WriteElement(Writer, record);
            Count++;
        }
    }
}
