namespace Holdfast.Keyspace;

/// <summary>Lists in RDB payloads: a quicklist of listpacks, an element that is larger than one in a plain node. Ziplists are read too.</summary>
internal sealed class ListDump : IDumpForm
{
    private const ulong PlainNode = 1;
    private const ulong PackedNode = 2;

    private readonly ListEdit edit = new();

    public ValueKind Kind => ValueKind.List;

    public ReadOnlySpan<RdbType> Types => [RdbType.List, RdbType.Quicklist, RdbType.ListZiplist, RdbType.QuicklistOfZiplists];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        var list = edit.Read(call, place);
        writer.Byte((byte)RdbType.Quicklist);
        writer.Length((ulong)list.Blocks);
        for (var i = 0; i < list.Blocks; i++)
        {
            writer.Length(PackedNode);
            writer.String(list.BytesOf(i));
        }
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var list = new QuickList(call.Keyspace.Arena, call.Keyspace);
        for (var left = type == RdbType.ListZiplist ? 1 : reader.Count(); left > 0 && reader.IsWhole; left--)
        {
            var isPlain = type == RdbType.List || (type == RdbType.Quicklist && reader.Length() == PlainNode);
            var bytes = reader.String();
            if (isPlain) list.Push(bytes, isFirst: false);
            else if (type == RdbType.Quicklist ? !TryAppend(list, bytes) : !TryAppendZiplist(list, bytes, call.Scratch.Gathered)) reader.Fail();
        }

        if (!reader.IsWhole || list.Count == 0)
        {
            list.Free(int.MaxValue);
            return false;
        }

        ListEdit.Set(call, ref place, list, expiry);
        return true;
    }

    /// <summary>Adds a listpack's elements; false when it is none.</summary>
    private static bool TryAppend(QuickList list, ReadOnlySpan<byte> pack)
    {
        if (!Listpack.IsSound(pack, out var count) || count == 0) return false;
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var at = Listpack.First(pack); at >= 0; at = Listpack.Next(pack, at)) list.Push(Listpack.Value(pack, at, scratch), isFirst: false);
        return true;
    }

    private static bool TryAppendZiplist(QuickList list, ReadOnlySpan<byte> bytes, GatheredStrings elements)
    {
        elements.Clear();
        if (!Ziplist.TryRead(bytes, elements) || elements.Count == 0) return false;
        for (var i = 0; i < elements.Count; i++) list.Push(elements[i], isFirst: false);
        return true;
    }
}
