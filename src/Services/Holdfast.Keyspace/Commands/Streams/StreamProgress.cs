namespace Holdfast.Keyspace;

/// <summary>How far a group has read, counted in entries: exact while nothing behind it was deleted, else unknown (t_stream.c of Redis 7.0).</summary>
internal static class StreamProgress
{
    /// <summary>Whether XDEL has deleted anything from a number on.</summary>
    public static bool HasGapsFrom(StreamValue stream, StreamId start)
    {
        if (stream.Length == 0 || stream.DeletedMax.IsZero || stream.First > stream.DeletedMax) return false;
        return start <= stream.DeletedMax;
    }

    /// <summary>How many entries were ever added up to a number; <see cref="StreamGroup.ReadUnknown"/> when that cannot be said.</summary>
    public static long Distance(StreamValue stream, StreamId id)
    {
        if (stream.Added == 0) return 0;
        if (stream.Length == 0 && id < stream.Last) return stream.Added;
        if (id == stream.Last) return stream.Added;
        if (id > stream.Last) return StreamGroup.ReadUnknown;
        if (!stream.DeletedMax.IsZero && stream.DeletedMax >= stream.First) return StreamGroup.ReadUnknown;
        if (id < stream.First) return stream.Added - stream.Length;
        return id == stream.First ? stream.Added - stream.Length + 1 : StreamGroup.ReadUnknown;
    }

    /// <summary>How many entries a group has not read yet; null when that cannot be said.</summary>
    public static long? Lag(StreamValue stream, StreamGroup group)
    {
        if (stream.Added == 0) return 0;
        if (group.Read != StreamGroup.ReadUnknown && !HasGapsFrom(stream, group.Last)) return stream.Added - group.Read;
        var distance = Distance(stream, group.Last);
        return distance == StreamGroup.ReadUnknown ? null : stream.Added - distance;
    }

    /// <summary>The group is given an entry.</summary>
    public static void Advance(StreamValue stream, StreamGroup group, StreamId id)
    {
        if (id <= group.Last) return;
        if (group.Read != StreamGroup.ReadUnknown && !HasGapsFrom(stream, id)) group.Read++;
        else if (stream.Added > 0) group.Read = Distance(stream, id);
        group.Last = id;
    }
}
