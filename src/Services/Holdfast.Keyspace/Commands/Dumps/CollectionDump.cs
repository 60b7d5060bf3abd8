namespace Holdfast.Keyspace;

/// <summary>What the forms of hashes, sets and sorted sets have in common: all is read and looked at before the key is touched.</summary>
internal static class CollectionDump
{
    /// <summary>Reads so many strings, one after the other.</summary>
    public static void ReadStrings(ref RdbReader reader, int count, GatheredStrings into)
    {
        into.Clear();
        for (; count > 0 && reader.IsWhole; count--) into.Add(reader.String());
    }

    /// <summary>Reads the elements of a listpack.</summary>
    public static void ReadListpack(ref RdbReader reader, GatheredStrings into)
    {
        into.Clear();
        var pack = reader.String();
        if (!reader.IsWhole || !Listpack.IsSound(pack, out _))
        {
            reader.Fail();
            return;
        }

        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var at = Listpack.First(pack); at >= 0; at = Listpack.Next(pack, at)) into.Add(Listpack.Value(pack, at, scratch));
    }

    /// <summary>Reads the elements of a ziplist.</summary>
    public static void ReadZiplist(ref RdbReader reader, GatheredStrings into)
    {
        into.Clear();
        var list = reader.String();
        if (reader.IsWhole && !Ziplist.TryRead(list, into)) reader.Fail();
    }

    /// <summary>Whether every string, or the first of every few, is there once only.</summary>
    public static bool AreDistinct(GatheredStrings strings, int step)
    {
        var seen = new HashSet<byte[]>(ByteKey.Comparer);
        for (var i = 0; i < strings.Count; i += step)
            if (!seen.Add(strings[i].ToArray())) return false;
        return true;
    }

    /// <summary>Whatever the key held goes: what was read takes its place.</summary>
    public static void Clear(CommandCall call, scoped ref KeyPlace place)
    {
        if (place.Exists) call.Keyspace.Remove(ref place);
    }

    /// <summary>The key was made by another's hand: looks it up again and sets when it expires.</summary>
    public static unsafe bool Finish(CommandCall call, scoped ref KeyPlace place, long expiry)
    {
        var made = call.Keyspace.Locate(place.Key, place.Slot);
        place.Record = made.Record;
        if (expiry >= 0) call.Keyspace.SetExpiry(ref place, expiry);
        return true;
    }
}
