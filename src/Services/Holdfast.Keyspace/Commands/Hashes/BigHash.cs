using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large hash: a table of <see cref="FieldRecord"/>s. A field that changes gets a new record, so that the old one can be put back (S20).</summary>
internal sealed unsafe class BigHash(Keyspace owner) : BigValue
{
    private const byte Added = 1;
    private const byte Replaced = 2;
    private const byte Removed = 3;

    private RecordTable fields;
    private long bytes;

    public override long Count => fields.Count;

    public override long Bytes => bytes + fields.Bytes;

    public override bool TellsElements => true;

    /// <summary>No field expires before this date, which may be too soon.</summary>
    public long Soonest { get; set; } = long.MaxValue;

    /// <summary>The fields, for walks and draws.</summary>
    public ref readonly RecordTable Fields => ref fields;

    /// <summary>Makes a large hash of a small one.</summary>
    public static BigHash Of(Keyspace owner, ReadOnlySpan<byte> run)
    {
        var hash = new BigHash(owner);
        for (var at = HashRun.FirstOf(run); HashRun.TryNext(run, ref at, out var field);) hash.Put(field.Name, field.Value, field.Date);
        return hash;
    }

    /// <summary>The record of a field, or null.</summary>
    public byte* Find(ReadOnlySpan<byte> name) => fields.Find(KeyHash.Of(name, owner.Seed), name);

    /// <summary>Sets a field; true when it is new.</summary>
    public bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
    {
        var hash = KeyHash.Of(name, owner.Seed);
        var before = fields.Find(hash, name);
        var made = FieldRecord.Make(owner.Arena, hash, name, value, date);
        bytes += FieldRecord.SizeOf(made);
        if (date >= 0) Soonest = Math.Min(Soonest, date);
        if (before is null)
        {
            fields.Add(made);
            if (IsKept) owner.OnElement(new ElementImage(this, Added, (nint)made, 0));
            return true;
        }

        bytes -= FieldRecord.SizeOf(before);
        fields.Replace(before, made);
        if (!IsKept || !owner.OnElement(new ElementImage(this, Replaced, (nint)made, (nint)before))) FieldRecord.Free(owner.Arena, before);
        return false;
    }

    /// <summary>Removes a field; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> name)
    {
        var record = Find(name);
        if (record is null) return false;
        bytes -= FieldRecord.SizeOf(record);
        fields.Remove(record);
        if (!IsKept || !owner.OnElement(new ElementImage(this, Removed, 0, (nint)record))) FieldRecord.Free(owner.Arena, record);
        return true;
    }

    public override void TakeBack(in ElementImage image)
    {
        var now = (byte*)image.Now;
        var before = (byte*)image.Before;
        if (image.Change == Replaced) fields.Replace(now, before);
        else if (image.Change == Added) fields.Remove(now);
        else fields.Add(before);
        if (before is not null)
        {
            bytes += FieldRecord.SizeOf(before);
            if (FieldRecord.DateOf(before) is >= 0 and var date) Soonest = Math.Min(Soonest, date);
        }

        if (now is null) return;
        bytes -= FieldRecord.SizeOf(now);
        FieldRecord.Free(owner.Arena, now);
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Before != 0) FieldRecord.Free(owner.Arena, (byte*)image.Before);
    }

    public override void Write(SpanWriter writer)
    {
        writer.WriteUInt64((ulong)fields.Count);
        var visitor = new Writing { Writer = writer };
        fields.WalkAll(ref visitor);
    }

    /// <summary>Reads back what <see cref="Write"/> wrote; null when it is no such thing.</summary>
    public static BigHash? Read(ref SpanReader reader, Keyspace owner)
    {
        var hash = new BigHash(owner);
        for (var left = reader.ReadUInt64(); left > 0 && reader.IsWhole; left--)
        {
            var name = reader.ReadBlock();
            var value = reader.ReadBlock();
            var date = (long)reader.ReadUInt64();
            if (reader.IsWhole) hash.Put(name, value, date);
        }

        if (reader.IsWhole) return hash;
        hash.FreeAll();
        return null;
    }

    public override long Free(int elementsMax)
    {
        var visitor = new Freeing { Arena = owner.Arena };
        return fields.Drain(elementsMax, ref visitor);
    }

    /// <summary>Frees it at once: for one that was never kept.</summary>
    public void FreeAll() => Free(int.MaxValue);

    private ref struct Writing : IRecordVisitor
    {
        public SpanWriter Writer;

        public readonly void Visit(byte* record)
        {
            Writer.WriteBlock(RecordHead.KeyOf(record));
            Writer.WriteBlock(FieldRecord.ValueOf(record));
            Writer.WriteUInt64((ulong)FieldRecord.DateOf(record));
        }
    }

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => FieldRecord.Free(Arena, record);
    }
}
