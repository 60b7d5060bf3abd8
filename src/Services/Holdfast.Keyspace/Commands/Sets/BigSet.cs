using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Keyspace;

/// <summary>A large set: a table of records that are a head (9 bytes) and the member.</summary>
internal sealed unsafe class BigSet(Keyspace owner) : BigValue
{
    private const byte Added = 1;
    private const byte Removed = 2;
    private const byte HeadBytes = 9;

    private RecordTable members;
    private long bytes;

    public override long Count => members.Count;

    public override long Bytes => bytes + members.Bytes;

    public override bool TellsElements => true;

    /// <summary>The members, for walks and draws.</summary>
    public ref readonly RecordTable Members => ref members;

    public bool Contains(ReadOnlySpan<byte> member) => members.Find(KeyHash.Of(member, owner.Seed), member) is not null;

    /// <summary>Adds a member; false when it is there.</summary>
    public bool Add(ReadOnlySpan<byte> member)
    {
        var hash = KeyHash.Of(member, owner.Seed);
        if (members.Find(hash, member) is not null) return false;
        var record = owner.Arena.Take(HeadBytes + member.Length);
        RecordHead.Write(record, hash, member.Length, HeadBytes);
        member.CopyTo(new Span<byte>(record + HeadBytes, member.Length));
        members.Add(record);
        bytes += SizeOf(record);
        if (IsKept) owner.OnElement(new ElementImage(this, Added, (nint)record, 0));
        return true;
    }

    /// <summary>Removes a member; false when it is not there.</summary>
    public bool Remove(ReadOnlySpan<byte> member)
    {
        var record = members.Find(KeyHash.Of(member, owner.Seed), member);
        if (record is null) return false;
        members.Remove(record);
        bytes -= SizeOf(record);
        if (!IsKept || !owner.OnElement(new ElementImage(this, Removed, 0, (nint)record))) FreeRecord(record);
        return true;
    }

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

    public override void Write(SpanWriter writer)
    {
        writer.WriteUInt64((ulong)members.Count);
        var visitor = new Writing { Writer = writer };
        members.WalkAll(ref visitor);
    }

    /// <summary>Reads back what <see cref="Write"/> wrote; null when it is no such thing.</summary>
    public static BigSet? Read(ref SpanReader reader, Keyspace owner)
    {
        var set = new BigSet(owner);
        for (var left = reader.ReadUInt64(); left > 0 && reader.IsWhole; left--)
        {
            var member = reader.ReadBlock();
            if (reader.IsWhole) set.Add(member);
        }

        if (reader.IsWhole) return set;
        set.Free(int.MaxValue);
        return null;
    }

    public override long Free(int elementsMax)
    {
        var visitor = new Freeing { Owner = this };
        return members.Drain(elementsMax, ref visitor);
    }

    private static int SizeOf(byte* record) => HeadBytes + RecordHead.KeyLength(record);

    private void FreeRecord(byte* record) => owner.Arena.Give(record, SizeOf(record));

    private ref struct Writing : IRecordVisitor
    {
        public SpanWriter Writer;

        public readonly void Visit(byte* record) => Writer.WriteBlock(RecordHead.KeyOf(record));
    }

    private struct Freeing : IRecordVisitor
    {
        public BigSet Owner;

        public readonly void Visit(byte* record) => Owner.FreeRecord(record);
    }
}
