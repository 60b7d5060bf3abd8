using Holdfast.Wire;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>XREAD and XREADGROUP, waiting or not. What a group's reading changes is logged as a reading that does not wait.</summary>
internal sealed class StreamReads : ICommandFamily
{
    /// <summary>Entries that a client who waited gets when it said no number (Redis's XREAD_BLOCKED_DEFAULT_COUNT).</summary>
    private const long CountOfWaiting = 1000;

    private readonly RespWriter aside = new(new ByteBuffer());

    public void Bind(CommandTable table)
    {
        table.Bind("xread", Read, "Returns the entries of streams behind given numbers, and waits for some if asked");
        table.Bind("xreadgroup", ReadGroup, "Returns new entries of streams to a consumer of a group, or again those that it has pending");
    }

    private void Read(CommandCall call)
    {
        if (!StreamReadOptions.TryParse(call, isGroup: false, out var options)) return;
        var after = new StreamId[options.Streams];
        for (var i = 0; i < options.Streams; i++)
            if (call.IsOffered(options.StreamsAt + i) && !TryAfter(call, options, i, out after[i])) return;
        var served = 0;
        aside.Target.Clear();
        aside.Protocol = call.Reply.Protocol;
        for (var i = 0; i < options.Streams; i++)
        {
            if (!call.IsOffered(options.StreamsAt + i)) continue;
            var place = call.Locate(options.StreamsAt + i);
            if (place.Kind != ValueKind.Stream) continue;
            var stream = StreamCommands.Of(call, place);
            if (stream.Length == 0 || stream.LastValid() <= after[i] || !after[i].TryNext(out var start)) continue;
            BeginStream(call, options.StreamsAt + i);
            StreamCommands.ReplyRange(aside, stream, start, StreamId.Max, CountOf(call, options));
            served++;
        }

        if (served > 0) Finish(call, served);
        else if (options.Patience >= 0) call.Wait(ValueKind.Stream, options.StreamsAt, options.StreamsAt + options.Streams - 1, options.Patience, WaitReply.NullArray, Resolved(call, options, after));
        else call.Reply.NullArray();
    }

    /// <summary>The number behind which a stream is read: "$" is the last one now.</summary>
    private static bool TryAfter(CommandCall call, in StreamReadOptions options, int index, out StreamId after)
    {
        var argument = options.StreamsAt + options.Streams + index;
        after = StreamId.Zero;
        if (!call.TryLocate(options.StreamsAt + index, ValueKind.Stream, out var place)) return false;
        if (call[argument].SequenceEqual("$"u8))
        {
            if (place.Exists) after = StreamCommands.Of(call, place).Last;
            return true;
        }

        if (!call[argument].SequenceEqual(">"u8)) return call.TryStreamId(argument, out after);
        call.Reply.Error("ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."u8);
        return false;
    }

    /// <summary>The command as it is to be executed again: what "$" was when the client asked.</summary>
    private static RespArguments Resolved(CommandCall call, in StreamReadOptions options, StreamId[] after)
    {
        var bytes = new List<byte>();
        var resolved = new RespArguments();
        Span<byte> text = stackalloc byte[StreamId.TextMax];
        var lengths = new int[call.Count];
        for (var i = 0; i < call.Count; i++)
        {
            var index = i - options.StreamsAt - options.Streams;
            var word = index >= 0 ? text[..after[index].Format(text)] : call[i];
            lengths[i] = word.Length;
            bytes.AddRange(word);
        }

        resolved.Begin([.. bytes]);
        var at = 0;
        foreach (var length in lengths)
        {
            resolved.Add(at, length);
            at += length;
        }

        return resolved;
    }

    private void ReadGroup(CommandCall call)
    {
        if (!StreamReadOptions.TryParse(call, isGroup: true, out var options)) return;
        var after = new StreamId[options.Streams];
        for (var i = 0; i < options.Streams; i++)
            if (call.IsOffered(options.StreamsAt + i) && !TryAfterOfGroup(call, options, i, out after[i])) return;
        var served = 0;
        aside.Target.Clear();
        aside.Protocol = call.Reply.Protocol;
        for (var i = 0; i < options.Streams; i++)
        {
            if (!call.IsOffered(options.StreamsAt + i)) continue;
            var place = call.Locate(options.StreamsAt + i);
            var stream = StreamCommands.Of(call, place);
            var group = stream.Find(call[options.GroupAt])!;
            var isHistory = after[i] != StreamId.Max;
            if (!isHistory && (stream.Length == 0 || stream.LastValid() <= group.Last)) continue;
            call.Keyspace.OpenBig(place);
            BeginStream(call, options.StreamsAt + i);
            Log(call, options, i);
            var consumer = call.ConsumerOf(place.Key, stream, group, call[options.GroupAt + 1]);
            if (isHistory) ReplyPending(call, stream, group, consumer, after[i], options.Count);
            else Deliver(call, stream, group, options.IsUnacknowledged ? null : consumer, CountOf(call, options));
            call.CountChangesBeside(place.Key);
            served++;
        }

        if (served > 0) Finish(call, served);
        else if (options.Patience >= 0) call.Wait(ValueKind.Stream, options.StreamsAt, options.StreamsAt + options.Streams - 1, options.Patience, WaitReply.NullArray);
        else call.Reply.NullArray();
    }

    private static bool TryAfterOfGroup(CommandCall call, in StreamReadOptions options, int index, out StreamId after)
    {
        var argument = options.StreamsAt + options.Streams + index;
        after = StreamId.Max;
        var place = call.Locate(options.StreamsAt + index);
        if (call.IsServing && place.Kind != ValueKind.Stream)
        {
            call.Reply.Error("UNBLOCKED the stream key no longer exists"u8);
            return false;
        }

        if (place.IsOtherThan(ValueKind.Stream))
        {
            call.Reply.Error(CommandErrors.WrongType);
            return false;
        }

        if (!place.Exists || StreamCommands.Of(call, place).Find(call[options.GroupAt]) is null)
        {
            if (call.IsServing) call.NoGroup("the consumer group this client was blocked on no longer exists");
            else call.NoGroup($"No such key '{StreamArguments.Text(place.Key)}' or consumer group '{StreamArguments.Text(call[options.GroupAt])}' in XREADGROUP with GROUP option");
            return false;
        }

        if (call[argument].SequenceEqual(">"u8)) return true;
        if (!call[argument].SequenceEqual("$"u8)) return call.TryStreamId(argument, out after);
        call.Reply.Error("ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."u8);
        return false;
    }

    /// <summary>New entries go to a consumer and become pending; without one (NOACK) the group only goes on.</summary>
    private void Deliver(CommandCall call, StreamValue stream, StreamGroup group, StreamConsumer? consumer, long count)
    {
        if (!group.Last.TryNext(out var start)) start = StreamId.Max;
        StreamCommands.ReplyRange(aside, stream, start, StreamId.Max, count);
        var walk = new StreamWalk(stream, start, StreamId.Max);
        stream.Keep(group);
        for (var left = count == 0 ? long.MaxValue : count; left > 0 && walk.TryNext(out var entry); left--)
        {
            StreamProgress.Advance(stream, group, entry.Id);
            if (consumer is null) continue;
            stream.Keep(group, entry.Id);
            group.Give(entry.Id, new PendingEntry { DeliveredAt = call.Now, Deliveries = 1 }, consumer);
        }
    }

    /// <summary>What a consumer has pending, again: entries that are gone with nothing in their place.</summary>
    private void ReplyPending(CommandCall call, StreamValue stream, StreamGroup group, StreamConsumer consumer, StreamId after, long count)
    {
        var ids = new List<StreamId>();
        var goesOn = after.TryNext(out var next);
        for (; goesOn && (count == 0 || ids.Count < count) && consumer.Pending.TryAtLeast(next, out var id, out _); goesOn = id.TryNext(out next)) ids.Add(id);
        aside.Array(ids.Count);
        foreach (var id in ids)
        {
            var walk = new StreamWalk(stream, id, id);
            if (!walk.TryNext(out var entry))
            {
                aside.Array(2);
                aside.Id(id);
                aside.NullArray();
                continue;
            }

            StreamCommands.Reply(aside, stream, entry);
            stream.Keep(group, id);
            group.Pending.TryFind(id, out var pending);
            group.Pending.Set(id, pending with { DeliveredAt = call.Now, Deliveries = pending.Deliveries + 1 });
        }
    }

    /// <summary>What replicas do: this stream's part, without waiting.</summary>
    private static void Log(CommandCall call, in StreamReadOptions options, int index)
    {
        var log = call.LogInstead(options.IsUnacknowledged ? 10 : 9);
        log.Argument("XREADGROUP"u8);
        log.Argument("GROUP"u8);
        log.Argument(call[options.GroupAt]);
        log.Argument(call[options.GroupAt + 1]);
        log.Argument("COUNT"u8);
        log.Argument(CountOf(call, options));
        if (options.IsUnacknowledged) log.Argument("NOACK"u8);
        log.Argument("STREAMS"u8);
        log.Argument(call[options.StreamsAt + index]);
        log.Argument(call[options.StreamsAt + options.Streams + index]);
    }

    private static long CountOf(CommandCall call, in StreamReadOptions options) => call.IsServing && options.Count == 0 ? CountOfWaiting : options.Count;

    private void BeginStream(CommandCall call, int keyArgument)
    {
        if (call.Reply.Protocol < 3) aside.Array(2);
        aside.Bulk(call[keyArgument]);
    }

    private void Finish(CommandCall call, int streams)
    {
        if (call.Reply.Protocol < 3) call.Reply.Array(streams);
        else call.Reply.Map(streams);
        call.Reply.Raw(aside.Target.Written);
    }
}
