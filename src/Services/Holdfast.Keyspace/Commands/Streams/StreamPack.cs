namespace Holdfast.Keyspace;

/// <summary>An entry of a stream, as its place in a node.</summary>
/// <param name="Node">The node.</param>
/// <param name="At">Where it begins, with its flags.</param>
/// <param name="Id">Its number.</param>
/// <param name="Flags">Whether it is deleted, and whether its fields are the node's.</param>
/// <param name="Fields">How many fields it has.</param>
/// <param name="BodyAt">Where its fields and values begin.</param>
/// <param name="MasterFieldsAt">Where the node's fields begin.</param>
internal readonly record struct StreamEntry(int Node, int At, StreamId Id, long Flags, long Fields, int BodyAt, int MasterFieldsAt)
{
    public bool HasSameFields => (Flags & StreamPack.SameFields) != 0;
}

/// <summary>
/// The listpack of a stream's node, as Redis lays it out (t_stream.c): entries that are there, deleted ones, the fields of the first entry and a zero; then each entry with flags, its number as the difference to the node's,
/// fields (unless they are the node's) and values, and how many elements that were.
/// </summary>
internal static class StreamPack
{
    public const int IsDeleted = 1;
    public const int SameFields = 2;

    /// <summary>What stands at a node's beginning.</summary>
    /// <param name="Live">Entries that are there.</param>
    /// <param name="Deleted">Entries that are marked as deleted.</param>
    /// <param name="Fields">How many fields.</param>
    /// <param name="FieldsAt">Where they begin.</param>
    /// <param name="EntriesAt">Where the entries begin; -1 when there are none.</param>
    internal readonly record struct Master(long Live, long Deleted, long Fields, int FieldsAt, int EntriesAt)
    {
        /// <summary>Whether the fields in a call are these.</summary>
        public bool HasFields(ReadOnlySpan<byte> pack, CommandCall call, int fieldsAt, int fields)
        {
            if (fields != Fields) return false;
            var at = FieldsAt;
            for (var i = 0; i < fields; i++, at = Listpack.Next(pack, at))
                if (!Listpack.Equals(pack, at, call[fieldsAt + (2 * i)])) return false;
            return true;
        }
    }

    public static Master MasterOf(ReadOnlySpan<byte> pack)
    {
        var at = Listpack.Head;
        var live = Take(pack, ref at);
        var deleted = Take(pack, ref at);
        var fields = Take(pack, ref at);
        var fieldsAt = at;
        for (var left = fields; left > 0; left--) at = Listpack.Next(pack, at);
        return new Master(live, deleted, fields, fieldsAt, Listpack.Next(pack, at));
    }

    public static StreamEntry EntryAt(ReadOnlySpan<byte> pack, int at, StreamId node, in Master master)
    {
        var start = at;
        var flags = Take(pack, ref at);
        var milliseconds = Take(pack, ref at);
        var sequence = Take(pack, ref at);
        var fields = (flags & SameFields) != 0 ? master.Fields : Take(pack, ref at);
        return new StreamEntry(0, start, new StreamId(node.Milliseconds + (ulong)milliseconds, node.Sequence + (ulong)sequence), flags, fields, at, master.FieldsAt);
    }

    /// <summary>Where the entry behind begins; -1 for none.</summary>
    public static int Behind(ReadOnlySpan<byte> pack, in StreamEntry entry)
    {
        var at = entry.BodyAt;
        for (var left = entry.HasSameFields ? entry.Fields : 2 * entry.Fields; left > 0; left--) at = Listpack.Next(pack, at);
        return Listpack.Next(pack, at);
    }

    /// <summary>The number of a node's last entry, deleted or not.</summary>
    public static StreamId LastOf(ReadOnlySpan<byte> pack, StreamId node) => EntryAt(pack, LastAt(pack).At, node, MasterOf(pack)).Id;

    /// <summary>Where a node's last entry begins, and of how many elements it is.</summary>
    public static (int At, int Elements) LastAt(ReadOnlySpan<byte> pack)
    {
        var at = Listpack.Last(pack);
        Listpack.TryInteger(pack, at, out var elements);
        for (var left = elements; left > 0; left--) at = Listpack.Before(pack, at);
        return (at, (int)elements + 1);
    }

    /// <summary>Whether bytes that came from outside are the listpack of a node, and how many entries are there.</summary>
    public static bool IsSound(ReadOnlySpan<byte> pack, StreamId node, out long live)
    {
        live = 0;
        if (!Listpack.IsSound(pack, out var left)) return false;
        var at = Listpack.Head;
        if (left < 5 || !TryTake(pack, ref at, ref left, out var liveSaid) || !TryTake(pack, ref at, ref left, out var deletedSaid) || !TryTake(pack, ref at, ref left, out var fields)) return false;
        if (fields <= 0 || fields >= left) return false;
        for (var skip = fields; skip > 0; skip--, left--) at = Listpack.Next(pack, at);
        if (!TryTake(pack, ref at, ref left, out var zero) || zero != 0) return false;
        var deleted = 0L;
        var last = StreamId.Zero;
        while (left > 0)
        {
            if (!TryTake(pack, ref at, ref left, out var flags) || !TryTake(pack, ref at, ref left, out var milliseconds) || !TryTake(pack, ref at, ref left, out var sequence)) return false;
            var own = fields;
            var isSame = (flags & SameFields) != 0;
            if (!isSame && !TryTake(pack, ref at, ref left, out own)) return false;
            var words = isSame ? own : 2 * own;
            if (own <= 0 || own > left || words >= left) return false;
            for (var skip = words; skip > 0; skip--, left--) at = Listpack.Next(pack, at);
            if (!TryTake(pack, ref at, ref left, out var counted) || counted != words + (isSame ? 3 : 4)) return false;
            var id = new StreamId(node.Milliseconds + (ulong)milliseconds, node.Sequence + (ulong)sequence);
            if (id < node || (live + deleted > 0 && id <= last)) return false;
            last = id;
            if ((flags & IsDeleted) != 0) deleted++;
            else live++;
        }

        return live == liveSaid && deleted == deletedSaid && live + deleted > 0;
    }

    private static bool TryTake(ReadOnlySpan<byte> pack, ref int at, ref int left, out long number)
    {
        number = 0;
        if (left == 0 || at < 0 || !Listpack.TryInteger(pack, at, out number)) return false;
        at = Listpack.Next(pack, at);
        left--;
        return true;
    }

    private static long Take(ReadOnlySpan<byte> pack, ref int at)
    {
        Listpack.TryInteger(pack, at, out var number);
        at = Listpack.Next(pack, at);
        return number;
    }
}

/// <summary>Walks a stream's entries between two numbers, both included; deleted ones are passed over. The stream must not be changed meanwhile.</summary>
internal struct StreamWalk
{
    private readonly StreamValue stream;
    private readonly StreamId start;
    private readonly StreamId end;
    private int node;
    private int at;
    private StreamPack.Master master;

    public StreamWalk(StreamValue stream, StreamId start, StreamId end)
    {
        (this.stream, this.start, this.end) = (stream, start, end);
        node = Math.Max(0, stream.NodeOf(start));
        at = 0;
        master = default;
    }

    public bool TryNext(out StreamEntry entry)
    {
        for (; node < stream.Nodes; node++, at = 0)
        {
            var pack = stream.PackOf(node);
            if (at == 0)
            {
                master = StreamPack.MasterOf(pack);
                at = master.EntriesAt;
            }

            while (at > 0)
            {
                entry = StreamPack.EntryAt(pack, at, stream.MasterOf(node), master) with { Node = node };
                if (entry.Id > end) return false;
                at = StreamPack.Behind(pack, entry);
                if (entry.Id >= start && (entry.Flags & StreamPack.IsDeleted) == 0) return true;
            }
        }

        entry = default;
        return false;
    }
}

/// <summary>Walks a stream's entries between two numbers backwards.</summary>
internal sealed class StreamReverseWalk(StreamValue stream, StreamId start, StreamId end)
{
    private readonly List<StreamEntry> ofNode = [];
    private int node = stream.NodeOf(end);

    public bool TryNext(out StreamEntry entry)
    {
        while (ofNode.Count == 0)
        {
            entry = default;
            if (node < 0 || (node + 1 < stream.Nodes && stream.MasterOf(node + 1) <= start)) return false;
            Gather(node--);
        }

        entry = ofNode[^1];
        ofNode.RemoveAt(ofNode.Count - 1);
        return true;
    }

    private void Gather(int index)
    {
        var pack = stream.PackOf(index);
        var master = StreamPack.MasterOf(pack);
        for (var at = master.EntriesAt; at > 0;)
        {
            var entry = StreamPack.EntryAt(pack, at, stream.MasterOf(index), master) with { Node = index };
            if (entry.Id > end) return;
            if (entry.Id >= start && (entry.Flags & StreamPack.IsDeleted) == 0) ofNode.Add(entry);
            at = StreamPack.Behind(pack, entry);
        }
    }
}
