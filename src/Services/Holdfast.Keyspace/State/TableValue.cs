using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A big value whose elements are records of a table. It tells of each that it changes, so that changes can be undone (S20) and it can be captured a part at a time while writes go on (S10): its elements have an order that no
/// change disturbs, that of their hashes read from the lowest bit up, and a capture is somewhere in that order.
/// </summary>
internal abstract unsafe class TableValue(Keyspace owner) : BigValue
{
    /// <summary>Homes of the table whose elements are copied by way of one buffer.</summary>
    private const int CopiedTogether = 256;

    public override long Count => Table.Count;

    /// <summary>The elements, for walks and draws.</summary>
    public abstract ref readonly RecordTable Table { get; }

    /// <summary>Grows when elements go that stay in the table until they are freed, a few at a time.</summary>
    public virtual long Moment => 0;

    /// <summary>Whether a record of the table was an element at a moment; at the greatest, whether it is one.</summary>
    public virtual bool Shows(byte* record, long moment) => true;

    /// <summary>Frees some of what is in the table and is no element any more; true while there is more.</summary>
    public virtual bool Tidy(int elementsMax) => false;

    /// <summary>Whose memory it takes.</summary>
    protected Keyspace Owner => owner;

    public sealed override void Write(SpanWriter writer)
    {
        writer.WriteUInt64((ulong)Count);
        var visitor = new Writing { Writer = writer, Value = this };
        Table.WalkAll(ref visitor);
    }

    /// <summary>Writes one element.</summary>
    public abstract void WriteElement(SpanWriter writer, byte* record);

    public sealed override IValuePieces ToPieces() => new TablePieces(this);

    /// <summary>Reads elements that <see cref="BigValue.Write"/>, a piece or a part of a capture wrote, and adds them; false when they are none.</summary>
    public sealed override bool TryReadMore(ref SpanReader reader)
    {
        for (var left = reader.ReadUInt64(); left > 0 && reader.IsWhole; left--) ReadElement(ref reader);
        return reader.IsWhole;
    }

    /// <summary>Reads a value back into one that is new; null, and nothing is left of it, when the bytes are none.</summary>
    public static TValue? Read<TValue>(TValue made, ref SpanReader reader)
        where TValue : TableValue
    {
        if (made.TryReadMore(ref reader)) return made;
        made.FreeAll();
        return null;
    }

    public sealed override ulong CopySome(BigValue source, ulong cursor, int elementsMax, int bytesMax)
    {
        var table = (TableValue)source;
        var part = new ByteBuffer();
        var visitor = new Writing { Writer = new SpanWriter(part), Value = table };
        for (var copied = 0; elementsMax > 0 && bytesMax > 0; (elementsMax, bytesMax) = (elementsMax - CopiedTogether, bytesMax - copied))
        {
            part.Clear();
            var homes = CopiedTogether;
            do cursor = table.Table.Walk(cursor, ref visitor);
            while (cursor != 0 && --homes > 0 && part.Length < bytesMax);
            copied = part.Length;
            for (var reader = new SpanReader(part.Written); reader.Rest.Length > 0;) ReadElement(ref reader);
            if (cursor == 0) break;
        }

        return cursor;
    }

    public sealed override void Abandon() => owner.Discard(this);

    /// <summary>Frees it at once: for one that no key holds.</summary>
    public void FreeAll()
    {
        while (Free(int.MaxValue) > 0)
        {
            // In one slice, mostly.
        }
    }

    /// <summary>Reads one element and adds it, if it is whole.</summary>
    protected abstract void ReadElement(ref SpanReader reader);

    /// <summary>An element with this hash is about to be added, changed or removed.</summary>
    protected void Announce(uint hash)
    {
        if (IsKept) owner.BeforeElement(this, hash);
    }

    /// <summary>An element was added, changed or removed; true when what was before must be kept, and not freed.</summary>
    protected bool Tell(byte change, byte* now, nint before) => IsKept && owner.OnElement(new ElementImage(this, change, (nint)now, before));

    private ref struct Writing : IRecordVisitor
    {
        public SpanWriter Writer;
        public TableValue Value;

        public readonly void Visit(byte* record)
        {
            if (Value.Shows(record, long.MaxValue)) Value.WriteElement(Writer, record);
        }
    }
}
