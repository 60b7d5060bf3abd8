using System.Buffers.Binary;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Sets in RDB payloads: written as members one after the other, which Redis lays out as its settings say; integer sets and listpacks are read too.</summary>
internal sealed class SetDump : IDumpForm
{
    public ValueKind Kind => ValueKind.Set;

    public ReadOnlySpan<RdbType> Types => [RdbType.Set, RdbType.IntSet, RdbType.SetListpack];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        writer.Byte((byte)RdbType.Set);
        writer.Length((ulong)SetValue.CountOf(call.Keyspace, place));
        var writing = new Writing { Writer = writer };
        SetValue.Walk(call.Keyspace, place, ref writing);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var members = call.Scratch.Gathered;
        if (type == RdbType.Set) CollectionDump.ReadStrings(ref reader, reader.Count(), members);
        else if (type == RdbType.SetListpack) CollectionDump.ReadListpack(ref reader, members);
        else ReadIntegers(ref reader, members);
        if (!reader.IsWhole || members.Count == 0 || !CollectionDump.AreDistinct(members, 1)) return false;
        CollectionDump.Clear(call, ref place);
        var edit = new SetEdit(call, call.Keyspace.Locate(place.Key, place.Slot));
        for (var i = 0; i < members.Count; i++) edit.Add(members[i]);
        edit.Save();
        return CollectionDump.Finish(call, ref place, expiry);
    }

    /// <summary>An integer set: bytes of each (32 bits), how many (32 bits), the numbers.</summary>
    private static void ReadIntegers(ref RdbReader reader, GatheredStrings into)
    {
        into.Clear();
        var set = reader.String();
        var width = set.Length >= 8 ? BinaryPrimitives.ReadInt32LittleEndian(set) : 0;
        if (!reader.IsWhole || width is not (2 or 4 or 8) || (set.Length - 8L) != BinaryPrimitives.ReadUInt32LittleEndian(set[4..]) * (long)width)
        {
            reader.Fail();
            return;
        }

        Span<byte> text = stackalloc byte[24];
        for (var at = 8; at < set.Length; at += width)
        {
            var number = width == 2 ? BinaryPrimitives.ReadInt16LittleEndian(set[at..]) : width == 4 ? BinaryPrimitives.ReadInt32LittleEndian(set[at..]) : BinaryPrimitives.ReadInt64LittleEndian(set[at..]);
            into.Add(text[..RespNumber.Format(number, text)]);
        }
    }

    private struct Writing : IMemberVisitor
    {
        public RdbWriter Writer;

        public readonly bool IsDone => false;

        public readonly void Visit(ReadOnlySpan<byte> member) => Writer.String(member);
    }
}
