using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A large hash, set or sorted set on its way to another shard, a piece a time. It is one state of the value: when the key changes before the last piece, what was sent is worth nothing, and the key is sent again.
/// </summary>
internal sealed unsafe class PiecewiseCopy
{
    private readonly TableValue value;
    private readonly int slot;
    private readonly byte kind;
    private readonly byte encoding;
    private readonly long expiry;
    private ulong cursor;
    private bool hasBegun;

    public PiecewiseCopy(byte* record, TableValue value, int slot)
    {
        (this.value, this.slot) = (value, slot);
        (Key, kind, encoding, expiry) = (RecordHead.KeyOf(record).ToArray(), (byte)KeyRecord.Kind(record), (byte)KeyRecord.Encoding(record), KeyRecord.Expiry(record));
    }

    public byte[] Key { get; }

    /// <summary>The value to be copied so; null for one that is sent whole.</summary>
    public static TableValue? Of(Keyspace keyspace, byte* record) =>
        KeyRecord.Has(record, KeyRecord.IsBig) && keyspace.BigOf(record) is TableValue { Bytes: > StageCodec.WholeBytesMax } table ? table : null;

    /// <summary>Writes the next piece; false when it was the last.</summary>
    public bool WriteNext(ByteBuffer target)
    {
        var begin = target.Length;
        SnapshotCodec.WritePartHead(new SpanWriter(target), slot, hasBegun ? (byte)(kind | StageCodec.GoesOn) : kind, encoding, expiry, Key);
        hasBegun = true;
        var writing = new Writing { Value = value, Writer = new SpanWriter(target) };
        do cursor = value.Table.Walk(cursor, ref writing);
        while (cursor != 0 && target.Length - begin < StageCodec.PieceBytes);
        SnapshotCodec.EndPart(target, begin, writing.Count);
        return cursor != 0;
    }

    private ref struct Writing : IRecordVisitor
    {
        public TableValue Value;
        public SpanWriter Writer;
        public long Count;

        public void Visit(byte* record)
        {
            if (!Value.Shows(record, long.MaxValue)) return;
            Value.WriteElement(Writer, record);
            Count++;
        }
    }
}
