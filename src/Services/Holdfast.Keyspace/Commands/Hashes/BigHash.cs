using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>
/// A large hash: a table of <see cref="FieldRecord"/>s, and an <see cref="OrderTree"/> of those that expire, by their dates. A field that changes gets a new record, so that the old one can be put back (S20).
/// </summary>
internal sealed unsafe class BigHash(Keyspace owner) : TableValue(owner)
{
    private const byte Added = 1;
    private const byte Replaced = 2;
    private const byte Removed = 3;

    private const int ElementsPerLeaf = 32;

    private RecordTable fields;
    private OrderTree dates;
    private long bytes;

    public override long Bytes => bytes + fields.Bytes + ((long)dates.Nodes * OrderNode.Bytes);

    /// <summary>When its first field expires; the greatest number for never.</summary>
    public long Soonest => dates.Count == 0 ? long.MaxValue : FieldRecord.DateOf(OrderTree.RecordAt(dates.At(0)));

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

    /// <summary>How many fields have expired.</summary>
    public long CountOver(long now) => dates.CountBefore(new ScoreBound(now, isIncluded: false));

    /// <summary>Adds the names of fields whose dates are before a moment, the first to expire first, up to so many; when the first of the others expires.</summary>
    public long GatherOver(long moment, int namesMax, GatheredStrings into)
    {
        if (dates.Count == 0) return long.MaxValue;
        var place = dates.At(0);
        do
        {
            var record = OrderTree.RecordAt(place);
            if (FieldRecord.DateOf(record) is var date && (date >= moment || into.Count == namesMax)) return date;
            into.Add(RecordHead.KeyOf(record));
        }
        while (OrderTree.TryNext(ref place));
        return long.MaxValue;
    }

    /// <summary>Sets a field; true when it is new.</summary>
    public bool Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long date)
    {
        var hash = KeyHash.Of(name, Owner.Seed);
        Announce(hash);
        var before = fields.Find(hash, name);
        var made = FieldRecord.Make(Owner.Arena, hash, name, value, date);
        if (before is null)
        {
            fields.Add(made);
            Note(made);
            Tell(Added, made, 0);
            return true;
        }

        fields.Replace(before, made);
        Unnote(before);
        Note(made);
        if (!Tell(Replaced, made, (nint)before)) FieldRecord.Free(Owner.Arena, before);
        return false;
    }

    /// <summary>Removes a field; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> name)
    {
        var record = Find(name);
        if (record is null) return false;
        Announce(RecordHead.Hash(record));
        fields.Remove(record);
        Unnote(record);
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
        if (now is not null) Unnote(now); // First: of one name and date only one may stand in the order.
        if (before is not null) Note(before);
        if (now is not null) FieldRecord.Free(Owner.Arena, now);
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
        var left = fields.Drain(elementsMax, ref visitor);
        var isFree = dates.FreeSome(Owner.Arena, Math.Max(1, elementsMax / ElementsPerLeaf));
        return left > 0 || isFree ? left : 1;
    }

    protected override void ReadElement(ref SpanReader reader)
    {
        var name = reader.ReadBlock();
        var value = reader.ReadBlock();
        var date = (long)reader.ReadUInt64();
        if (reader.IsWhole) Put(name, value, date);
    }

    /// <summary>A record is a field's from now on.</summary>
    private void Note(byte* record)
    {
        bytes += FieldRecord.SizeOf(record);
        if (FieldRecord.DateOf(record) is >= 0 and var date) dates.Add(Owner.Arena, date, record);
    }

    private void Unnote(byte* record)
    {
        bytes -= FieldRecord.SizeOf(record);
        if (FieldRecord.DateOf(record) is >= 0 and var date) dates.Remove(Owner.Arena, date, record);
    }

    private struct Freeing : IRecordVisitor
    {
        public NativeArena Arena;

        public readonly void Visit(byte* record) => FieldRecord.Free(Arena, record);
    }
}
