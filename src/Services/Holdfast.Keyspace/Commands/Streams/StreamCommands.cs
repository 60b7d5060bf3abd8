using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Streams without groups: adding, reading ranges, deleting, trimming.</summary>
internal sealed class StreamCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        BigValues.Register(ValueKind.Stream, ValueEncoding.Stream, StreamCodec.Read);
        table.Bind("xadd", Add, "Adds an entry to a stream, and trims it if asked");
        table.Bind("xlen", Length, "Returns how many entries a stream has");
        table.Bind("xrange", call => Range(call, isReverse: false), "Returns the entries between two numbers");
        table.Bind("xrevrange", call => Range(call, isReverse: true), "Returns the entries between two numbers, the last one first");
        table.Bind("xdel", Delete, "Deletes entries");
        table.Bind("xtrim", Trim, "Removes the oldest entries of a stream");
        table.Bind("xsetid", SetId, "Sets the last number that a stream has given");
    }

    /// <summary>The stream of a key that is there.</summary>
    public static StreamValue Of(CommandCall call, scoped in KeyPlace place) => (StreamValue)call.Keyspace.BigOf(place);

    /// <summary>An entry as a reply: its number, and its fields with values.</summary>
    public static void Reply(RespWriter writer, StreamValue stream, in StreamEntry entry)
    {
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var pack = stream.PackOf(entry.Node);
        writer.Array(2);
        writer.Id(entry.Id);
        writer.Array(entry.Fields * 2);
        var (at, fieldAt) = (entry.BodyAt, entry.MasterFieldsAt);
        for (var left = entry.Fields; left > 0; left--)
        {
            if (entry.HasSameFields)
            {
                writer.Bulk(Listpack.Value(pack, fieldAt, scratch));
                fieldAt = Listpack.Next(pack, fieldAt);
            }
            else
            {
                writer.Bulk(Listpack.Value(pack, at, scratch));
                at = Listpack.Next(pack, at);
            }

            writer.Bulk(Listpack.Value(pack, at, scratch));
            at = Listpack.Next(pack, at);
        }
    }

    /// <summary>Replies the entries between two numbers, at most so many (zero: all); returns how many.</summary>
    public static long ReplyRange(RespWriter writer, StreamValue stream, StreamId start, StreamId end, long count)
    {
        var entries = 0L;
        var counting = new StreamWalk(stream, start, end);
        while ((count == 0 || entries < count) && counting.TryNext(out _)) entries++;
        writer.Array(entries);
        var walk = new StreamWalk(stream, start, end);
        for (var left = entries; left > 0 && walk.TryNext(out var entry); left--) Reply(writer, stream, entry);
        return entries;
    }

    private static void Add(CommandCall call)
    {
        if (!StreamAddOptions.TryParse(call, isAdd: true, out var options)) return;
        var fieldsAt = options.IdAt + 1;
        if (call.Count - fieldsAt < 2 || (call.Count - fieldsAt) % 2 == 1)
        {
            call.WrongArity();
            return;
        }

        if (options is { IsIdGiven: true, IsSequenceOpen: false, Id.IsZero: true })
        {
            call.Reply.Error("ERR The ID specified in XADD must be greater than 0-0"u8);
            return;
        }

        if (!call.TryLocate(1, ValueKind.Stream, out var place)) return;
        if (!place.Exists && options.MakesNoStream)
        {
            call.Reply.Null();
            return;
        }

        var last = place.Exists ? Of(call, place).Last : StreamId.Zero;
        if (last == StreamId.Max)
        {
            call.Reply.Error("ERR The stream has exhausted the last possible ID, unable to add more items"u8);
            return;
        }

        if (!TryNumber(call, options, last, out var id))
        {
            call.Reply.Error("ERR The ID specified in XADD is equal or smaller than the target stream top item"u8);
            return;
        }

        var stream = Open(call, ref place);
        stream.Append(id, call, fieldsAt);
        var trimmed = options.Trim is { } trim ? stream.Trim(trim) : 0;
        call.Reply.Id(id);
        LogAdd(call, id, fieldsAt, options.Trim is null ? -1 : stream.Length);
        call.Changed(place.Key, KeyEvents.Stream, "xadd"u8);
        if (trimmed > 0) call.Notify(place.Key, KeyEvents.Stream, "xtrim"u8);
    }

    /// <summary>The new entry's number; false when it would not be greater than the last.</summary>
    private static bool TryNumber(CommandCall call, in StreamAddOptions options, StreamId last, out StreamId id)
    {
        id = options.Id;
        if (!options.IsIdGiven)
        {
            id = new StreamId((ulong)call.Now, 0);
            return id.Milliseconds > last.Milliseconds || last.TryNext(out id);
        }

        if (options.IsSequenceOpen && last.Milliseconds == id.Milliseconds)
        {
            if (last.Sequence == ulong.MaxValue) return false;
            id = last with { Sequence = last.Sequence + 1 };
        }

        return id > last;
    }

    /// <summary>What replicas do: the entry with its number, and the length that trimming has left.</summary>
    private static void LogAdd(CommandCall call, StreamId id, int fieldsAt, long length)
    {
        var log = call.LogInstead(call.Count - fieldsAt + 3 + (length >= 0 ? 3 : 0));
        log.Argument("XADD"u8);
        log.Argument(call[1]);
        if (length >= 0)
        {
            log.Argument("MAXLEN"u8);
            log.Argument("="u8);
            log.Argument(length);
        }

        log.Argument(id);
        for (var i = fieldsAt; i < call.Count; i++) log.Argument(call[i]);
    }

    private static void Length(CommandCall call)
    {
        if (call.TryLocate(1, ValueKind.Stream, out var place)) call.Reply.Integer(place.Exists ? Of(call, place).Length : 0);
    }

    private static void Range(CommandCall call, bool isReverse)
    {
        if (!call.TryStreamStart(isReverse ? 3 : 2, out var start) || !call.TryStreamEnd(isReverse ? 2 : 3, out var end)) return;
        var count = -1L;
        for (var at = 4; at < call.Count; at += 2)
        {
            if (at + 1 >= call.Count || !call.Is(at, "COUNT"u8))
            {
                call.SyntaxError();
                return;
            }

            if (!call.TryInteger(at + 1, out count)) return;
            count = Math.Max(0, count);
        }

        if (!call.TryLocate(1, ValueKind.Stream, out var place)) return;
        if (!place.Exists) call.Reply.Array(0);
        else if (count == 0) call.Reply.NullArray();
        else if (!isReverse) ReplyRange(call.Reply, Of(call, place), start, end, Math.Max(0, count));
        else ReplyReverse(call.Reply, Of(call, place), start, end, count);
    }

    private static void ReplyReverse(RespWriter writer, StreamValue stream, StreamId start, StreamId end, long count)
    {
        var entries = new List<StreamEntry>();
        var walk = new StreamReverseWalk(stream, start, end);
        while ((count < 0 || entries.Count < count) && walk.TryNext(out var entry)) entries.Add(entry);
        writer.Array(entries.Count);
        foreach (var entry in entries) Reply(writer, stream, entry);
    }

    private static void Delete(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Stream, out var place)) return;
        if (!place.Exists)
        {
            call.Reply.Integer(0);
            return;
        }

        var ids = new StreamId[call.Count - 2];
        for (var i = 0; i < ids.Length; i++)
            if (!call.TryStreamId(i + 2, out ids[i])) return;
        var stream = Of(call, place);
        var (deleted, isFirst) = (0, false);
        foreach (var id in ids)
        {
            if (!stream.Has(id)) continue;
            if (deleted++ == 0) call.Keyspace.OpenBig(place);
            stream.Delete(id);
            isFirst |= id == stream.First;
            if (id > stream.DeletedMax) stream.DeletedMax = id;
        }

        if (deleted > 0)
        {
            if (stream.Length == 0) stream.First = StreamId.Zero;
            else if (isFirst) stream.RenewFirst();
            call.Changed(place.Key, KeyEvents.Stream, "xdel"u8, deleted);
        }

        call.Reply.Integer(deleted);
    }

    private static void Trim(CommandCall call)
    {
        if (!StreamAddOptions.TryParse(call, isAdd: false, out var options) || !call.TryLocate(1, ValueKind.Stream, out var place)) return;
        var trim = options.Trim!.Value;
        if (!place.Exists || !Of(call, place).WouldTrim(trim))
        {
            call.Reply.Integer(0);
            return;
        }

        var stream = (StreamValue)call.Keyspace.OpenBig(place);
        var trimmed = stream.Trim(trim);
        var log = call.LogInstead(5);
        log.Argument("XTRIM"u8);
        log.Argument(call[1]);
        log.Argument("MAXLEN"u8);
        log.Argument("="u8);
        log.Argument(stream.Length);
        call.Changed(place.Key, KeyEvents.Stream, "xtrim"u8, trimmed);
        call.Reply.Integer(trimmed);
    }

    private static void SetId(CommandCall call)
    {
        if (!call.TryStreamId(2, out var id)) return;
        var (added, deletedMax) = (-1L, StreamId.Zero);
        for (var at = 3; at < call.Count; at += 2)
        {
            var hasMore = at + 1 < call.Count;
            if (hasMore && call.Is(at, "ENTRIESADDED"u8))
            {
                if (!call.TryInteger(at + 1, out added)) return;
                if (added >= 0) continue;
                call.Reply.Error("ERR entries_added must be positive"u8);
                return;
            }

            if (hasMore && call.Is(at, "MAXDELETEDID"u8))
            {
                if (!call.TryStreamId(at + 1, out deletedMax)) return;
                if (id >= deletedMax) continue;
                call.Reply.Error("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"u8);
                return;
            }

            call.SyntaxError();
            return;
        }

        var place = call.Locate(1);
        if (!place.Exists) call.Reply.Error(CommandErrors.NoSuchKey);
        else if (place.IsOtherThan(ValueKind.Stream)) call.Reply.Error(CommandErrors.WrongType);
        else SetId(call, place, id, added, deletedMax);
    }

    private static void SetId(CommandCall call, scoped in KeyPlace place, StreamId id, long added, StreamId deletedMax)
    {
        var stream = Of(call, place);
        if (stream.Length > 0 && id < stream.LastValid()) call.Reply.Error("ERR The ID specified in XSETID is smaller than the target stream top item"u8);
        else if (stream.Length > 0 && added != -1 && stream.Length > added) call.Reply.Error("ERR The entries_added specified in XSETID is smaller than the target stream length"u8);
        else
        {
            call.Keyspace.OpenBig(place);
            stream.KeepCounters();
            stream.Last = id;
            if (added != -1) stream.Added = added;
            if (!deletedMax.IsZero) stream.DeletedMax = deletedMax;
            call.ChangedBeside(place.Key, KeyEvents.Stream, "xsetid"u8);
            call.Reply.Ok();
        }
    }

    /// <summary>The stream of a key, to be changed; made if it is not there.</summary>
    public static StreamValue Open(CommandCall call, scoped ref KeyPlace place)
    {
        if (place.Exists) return (StreamValue)call.Keyspace.OpenBig(place);
        var stream = new StreamValue(call.Keyspace);
        call.Keyspace.SetBig(ref place, ValueKind.Stream, ValueEncoding.Stream, stream);
        return stream;
    }
}
