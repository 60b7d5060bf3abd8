using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large set: a table of records that are a head (9 bytes) and the member.</summary>
internal sealed unsafe class BigSet(Keyspace owner) : TableValue(owner)
{
    private const byte Added = 1;
    private const byte Removed = 2;
    private const byte HeadBytes = 9;

    private RecordTable members;
    private long bytes;

    public override long Bytes => bytes + members.Bytes;

    public override ref readonly RecordTable Table => ref members;

    public bool Contains(ReadOnlySpan<byte> member) => members.Find(KeyHash.Of(member, Owner.Seed), member) is not null;

    /// <summary>Adds a member; false when it is there.</summary>
    public bool Add(ReadOnlySpan<byte> member)
    {
        var hash = KeyHash.Of(member, Owner.Seed);
        if (members.Find(hash, member) is not null) return false;
        Announce(hash);
        var record = Owner.Arena.Take(HeadBytes + member.Length);
        RecordHead.Write(record, hash, member.Length, HeadBytes);
        member.CopyTo(new Span<byte>(record + HeadBytes, member.Length));
        members.Add(record);
        bytes += SizeOf(record);
        Tell(Added, record, 0);
        return true;
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> member)
    {
        var record = members.Find(KeyHash.Of(member, Owner.Seed), member);
        if (record is null) return false;
        Announce(RecordHead.Hash(record));
        members.Remove(record);
        bytes -= SizeOf(record);
        if (!Tell(Removed, null, (nint)record)) FreeRecord(record);
        return true;
    }

    public override BigValue MakeEmpty() => new BigSet(Owner);

    public override void TakeBack(in ElementImage image)
    {
        var record = (byte*)(image.Change == Added ? image.Now : image.Before);
        if (image.Change == Removed)
        {
            members.Add(record);
            bytes += SizeOf(record);
            return;
        }

        members.Remove(record);
        bytes -= SizeOf(record);
        FreeRecord(record);
    }

    public override void Forget(in ElementImage image)
    {
        if (image.Before != 0) FreeRecord((byte*)image.Before);
    }

    public override void WriteElement(SpanWriter writer, byte* record) => writer.WriteBlock(RecordHead.KeyOf(record));

    public override long Free(int elementsMax)
    {
        var visitor = new Freeing { Owner = this };
        return members.Drain(elementsMax, ref visitor);
    }

    protected override void ReadElement(ref SpanReader reader)
    {
        var member = reader.ReadBlock();
        if (reader.IsWhole) Add(member);
    }

    private static int SizeOf(byte* record) => HeadBytes + RecordHead.KeyLength(record);

    private void FreeRecord(byte* record) => Owner.Arena.Give(record, SizeOf(record));

    private struct Freeing : IRecordVisitor
    {
        public BigSet Owner;

        public readonly void Visit(byte* record) => Owner.FreeRecord(record);
    }
}
