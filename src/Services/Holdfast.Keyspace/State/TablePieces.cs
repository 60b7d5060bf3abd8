using System.Buffers.Binary;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A hash, set or sorted set as pieces: how many elements, and the elements.</summary>
internal sealed unsafe class TablePieces(TableValue value) : IValuePieces
{
    private ulong cursor;

    public bool WriteNext(ByteBuffer target, int bytesMax)
    {
        var begin = target.Length;
        var writing = new Writing { Value = value, Writer = new SpanWriter(target) };
        writing.Writer.WriteUInt64(0);
        do cursor = value.Table.Walk(cursor, ref writing);
        while (cursor != 0 && target.Length - begin < bytesMax);
        BinaryPrimitives.WriteUInt64LittleEndian(target.Patch(begin, 8), (ulong)writing.Count);
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
