namespace Holdfast.Keyspace;

/// <summary>
/// Hashes in RDB payloads: written as fields and values one after the other; listpacks and ziplists are read too. When fields expire, each has its date before it as Redis 7.4 writes it: counted from the soonest one, which stands
/// first, plus one; zero for none. Redis before 7.4 does not take such a payload.
/// </summary>
internal sealed class HashDump : IDumpForm
{
    /// <summary>Dates of fields are below this, ms since the Unix epoch.</summary>
    private const ulong DateMax = 1UL << 46;

    private readonly List<long> dates = [];

    public ValueKind Kind => ValueKind.Hash;

    public ReadOnlySpan<RdbType> Types => [RdbType.Hash, RdbType.HashListpack, RdbType.HashZiplist, RdbType.HashDated, RdbType.HashListpackDated];

    public void Write(CommandCall call, scoped in KeyPlace place, RdbWriter writer)
    {
        var looking = new Looking { Soonest = long.MaxValue };
        HashValue.WalkHeld(call.Keyspace, place, ref looking);
        var isDated = looking.Soonest != long.MaxValue;
        writer.Byte((byte)(isDated ? RdbType.HashDated : RdbType.Hash));
        if (isDated) writer.Long(looking.Soonest);
        writer.Length((ulong)HashValue.HeldIn(call.Keyspace, place));
        var writing = new Writing { Writer = writer, Soonest = isDated ? looking.Soonest : -1 };
        HashValue.WalkHeld(call.Keyspace, place, ref writing);
    }

    public bool TryRead(CommandCall call, RdbType type, ref RdbReader reader, scoped ref KeyPlace place, long expiry)
    {
        var words = call.Scratch.Gathered;
        dates.Clear();
        switch (type)
        {
            case RdbType.Hash: CollectionDump.ReadStrings(ref reader, 2 * reader.Count(2), words); break;
            case RdbType.HashListpack: CollectionDump.ReadListpack(ref reader, words); break;
            case RdbType.HashZiplist: CollectionDump.ReadZiplist(ref reader, words); break;
            case RdbType.HashDated: ReadDated(ref reader, words); break;
            default: ReadDatedListpack(ref reader, words); break;
        }

        var step = type == RdbType.HashListpackDated ? 3 : 2;
        if (!reader.IsWhole || words.Count == 0 || words.Count % step != 0 || !CollectionDump.AreDistinct(words, step)) return false;
        CollectionDump.Clear(call, ref place);
        var edit = new HashEdit(call, call.Keyspace.Locate(place.Key, place.Slot));
        for (var i = 0; i < words.Count; i += step) edit.Set(words[i], words[i + 1], dates.Count > 0 ? dates[i / step] : -1);
        edit.Save();
        return CollectionDump.Finish(call, ref place, expiry);
    }

    private void ReadDated(ref RdbReader reader, GatheredStrings words)
    {
        words.Clear();
        var soonest = (ulong)reader.Long();
        for (var left = reader.Count(3); left > 0 && reader.IsWhole; left--)
        {
            var after = reader.Length();
            if (after > DateMax || (after > 0 && soonest > DateMax)) reader.Fail();
            dates.Add(after == 0 ? -1 : (long)(soonest + after - 1));
            words.Add(reader.String());
            words.Add(reader.String());
        }
    }

    private void ReadDatedListpack(ref RdbReader reader, GatheredStrings words)
    {
        reader.Long();
        CollectionDump.ReadListpack(ref reader, words);
        for (var i = 2; i < words.Count && reader.IsWhole; i += 3)
        {
            if (!Wire.Resp.RespNumber.TryParse(words[i], out long date) || date < 0 || (ulong)date > DateMax) reader.Fail();
            dates.Add(date == 0 ? -1 : date);
        }
    }

    private struct Looking : IFieldVisitor
    {
        public long Soonest;

        public void Visit(in HashField field)
        {
            if (field.Date >= 0) Soonest = Math.Min(Soonest, field.Date);
        }
    }

    private struct Writing : IFieldVisitor
    {
        public RdbWriter Writer;
        public long Soonest;

        public readonly void Visit(in HashField field)
        {
            if (Soonest >= 0) Writer.Length(field.Date < 0 ? 0 : (ulong)(field.Date - Soonest + 1));
            Writer.String(field.Name);
            Writer.String(field.Value);
        }
    }
}
