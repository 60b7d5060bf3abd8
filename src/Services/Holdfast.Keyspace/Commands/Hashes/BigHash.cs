using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large hash: a table of <see cref="FieldRecord"/>s. A field that changes gets a new record, so that the old one can be put back (S20).</summary>
internal sealed unsafe class BigHash(Keyspace owner) : TableValue(owner)
{
    private const byte Added = 1;
    private const byte Replaced = 2;
    private const byte Removed = 3;

    private RecordTable fields;
    private long bytes;

    public override long Bytes => bytes + fields.Bytes;

    /// <summary>No field expires before this date, which may be too soon.</summary>
    public long Soonest { get; set; } = long.MaxValue;

    public override ref readonly RecordTable Table => ref fields;

    /// <summary>Makes a large hash of a small one.</summary>
    public static BigHash Of(Keyspace owner, ReadOnlySpan<byte> run)
    {
        var hash = new BigHash(owner);
        for (var at = HashRun.FirstOf(run); HashRun.TryNext(run, ref at, out var field);) hash.Put(field.Name, field.Value, field.Date);
        return hash;
    }

    /// <summary>The record of a field, or null.</summary>
    public byte* Find(ReadOnlySpan<byte> name) => fields.Find(KeyHash.Of(name, Owner.Seed), name);

    /// <summary>Sets a field; true when it is new.</summary>
    public bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
    {
        var hash = KeyHash.Of(name, Owner.Seed);
        Announce(hash);
        var before = fields.Find(hash, name);
        var made = FieldRecord.Make(Owner.Arena, hash, name, value, date);
        bytes += FieldRecord.SizeOf(made);
        if (date >= 0) Soonest = Math.Min(Soonest, date);
        if (before is null)
        {
            fields.Add(made);
            Tell(Added, made, 0);
            return true;
        }

        bytes -= FieldRecord.SizeOf(before);
        fields.Replace(before, made);
        if (!Tell(Replaced, made, (nint)before)) FieldRecord.Free(Owner.Arena, before);
        return false;
    }

    /// <summary>Removes a field; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> name)
    {
        var record = Find(name);
        if (record is null) return false;
        Announce(RecordHead.Hash(record));
        bytes -= FieldRecord.SizeOf(record);
        fields.Remove(record);
        if (!Tell(Removed, null, (nint)record)) FieldRecord.Free(Owner.Arena, record);
        return true;
    }

    public override BigValue MakeEmpty() => new BigHash(Owner);

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
        FieldRecord.Free(Owner.Arena, now);
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Before != 0) FieldRecord.Free(Owner.Arena, (byte*)image.Before);
    }

    public override void WriteElement(SpanWriter writer, byte* record)
    {
        writer.WriteBlock(RecordHead.KeyOf(record));
        writer.WriteBlock(FieldRecord.ValueOf(record));
        writer.WriteUInt64((ulong)FieldRecord.DateOf(record));
    }

    public override long Free(int elementsMax)
    {
        var visitor = new Freeing { Arena = Owner.Arena };
        return fields.Drain(elementsMax, ref visitor);
    }

    protected override void ReadElement(ref SpanReader reader)
    {
        var name = reader.ReadBlock();
        var value = reader.ReadBlock();
        var date = (long)reader.ReadUInt64();
        if (reader.IsWhole) Put(name, value, date);
    }

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => FieldRecord.Free(Arena, record);
    }
}
