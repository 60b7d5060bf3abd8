namespace Holdfast.Keyspace;

/// <summary>Hashes in RDB payloads: written as fields and values one after the other; listpacks are read too. The dates of single fields are not in the payload: Redis 7.0 to 7.2 have none.</summary>
internal sealed class HashDump : IDumpForm
{
    public ValueKind Kind => ValueKind.Hash;

    public ReadOnlySpan<RdbType> Types => [RdbType.Hash, RdbType.HashListpack];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        writer.Byte((byte)RdbType.Hash);
        writer.Length((ulong)HashValue.CountOf(call, place));
        var writing = new Writing { Writer = writer };
        HashValue.Walk(call, place, ref writing);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var words = call.Scratch.Gathered;
        if (type == RdbType.Hash) CollectionDump.ReadStrings(ref reader, 2 * reader.Count(2), words);
        else CollectionDump.ReadListpack(ref reader, words);
        if (!reader.IsWhole || words.Count == 0 || words.Count % 2 != 0 || !CollectionDump.AreDistinct(words, 2)) return false;
        CollectionDump.Clear(call, ref place);
        var edit = new HashEdit(call, call.Keyspace.Locate(place.Key, place.Slot));
        for (var i = 0; i < words.Count; i += 2) edit.Set(words[i], words[i + 1]);
        edit.Save();
        return CollectionDump.Finish(call, ref place, expiry);
    }

    private struct Writing : IFieldVisitor
    {
        public RdbWriter Writer;

        public readonly void Visit(in HashField field)
        {
            Writer.String(field.Name);
            Writer.String(field.Value);
        }
    }
}
