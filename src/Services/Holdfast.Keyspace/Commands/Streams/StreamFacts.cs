using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>XINFO.</summary>
internal sealed class StreamFacts : ICommandFamily
{
    private const long EntriesOfFull = 10;

    private static readonly string[] Help =
    [
        "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CONSUMERS <key> <groupname>", "    Show consumers of <groupname>.", "GROUPS <key>", "    Show the stream consumer groups.",
        "STREAM <key> [FULL [COUNT <count>]", "    Show information about the stream.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("xinfo|stream", Stream, "Describes a stream");
        table.Bind("xinfo|groups", Groups, "Describes the groups of a stream");
        table.Bind("xinfo|consumers", Consumers, "Describes the consumers of a group");
        table.Bind("xinfo|help", call => ScriptCommands.ReplyHelp(call, Help), "Lists the subcommands");
    }

    private static void Stream(CommandCall call)
    {
        if (!TryFind(call, out var stream)) return;
        var (isFull, count) = (false, EntriesOfFull);
        if (call.Count > 3)
        {
            isFull = call.Is(3, "FULL"u8) && call.Count is 4 or 6 && (call.Count == 4 || call.Is(4, "COUNT"u8));
            if (!isFull)
            {
                call.WrongSubcommand();
                return;
            }

            if (call.Count == 6 && !call.TryInteger(5, out count)) return;
            count = count < 0 ? EntriesOfFull : count;
        }

        var reply = call.Reply;
        reply.Map(isFull ? 9 : 10);
        Pair(reply, "length"u8, stream.Length);
        Pair(reply, "radix-tree-keys"u8, stream.Nodes);
        Pair(reply, "radix-tree-nodes"u8, StreamTree.NodesOf(stream));
        Pair(reply, "last-generated-id"u8, stream.Last);
        Pair(reply, "max-deleted-entry-id"u8, stream.DeletedMax);
        Pair(reply, "entries-added"u8, stream.Added);
        Pair(reply, "recorded-first-entry-id"u8, stream.First);
        if (isFull) ReplyFull(call, stream, count);
        else ReplyEdges(reply, stream);
    }

    private static void ReplyEdges(RespWriter reply, StreamValue stream)
    {
        Pair(reply, "groups"u8, stream.Groups.Count);
        reply.Bulk("first-entry"u8);
        var first = new StreamWalk(stream, StreamId.Zero, StreamId.Max);
        if (first.TryNext(out var entry)) StreamCommands.Reply(reply, stream, entry);
        else reply.Null();
        reply.Bulk("last-entry"u8);
        if (new StreamReverseWalk(stream, StreamId.Zero, StreamId.Max).TryNext(out entry)) StreamCommands.Reply(reply, stream, entry);
        else reply.Null();
    }

    private static void ReplyFull(CommandCall call, StreamValue stream, long count)
    {
        var reply = call.Reply;
        reply.Bulk("entries"u8);
        StreamCommands.ReplyRange(reply, stream, StreamId.Zero, StreamId.Max, count);
        reply.Bulk("groups"u8);
        reply.Array(stream.Groups.Count);
        foreach (var (name, group) in stream.Groups)
        {
            reply.Map(7);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            ReplyProgress(reply, stream, group);
            Pair(reply, "pel-count"u8, group.Pending.Count);
            reply.Bulk("pending"u8);
            ReplyPending(reply, group, group.Pending, count, withOwner: true);
            reply.Bulk("consumers"u8);
            reply.Array(group.Consumers.Count);
            foreach (var (consumerName, consumer) in group.Consumers)
            {
                reply.Map(4);
                reply.Bulk("name"u8);
                reply.Bulk(consumerName);
                Pair(reply, "seen-time"u8, consumer.SeenAt);
                Pair(reply, "pel-count"u8, consumer.Pending.Count);
                reply.Bulk("pending"u8);
                ReplyPending(reply, group, consumer.Pending, count, withOwner: false);
            }
        }
    }

    private static void ReplyPending<T>(RespWriter reply, StreamGroup group, IdMap<T> pending, long count, bool withOwner)
        where T : unmanaged
    {
        var left = count == 0 ? pending.Count : Math.Min(count, pending.Count);
        reply.Array(left);
        for (var next = StreamId.Zero; left > 0 && pending.TryAtLeast(next, out var id, out _); left--)
        {
            group.Pending.TryFind(id, out var entry);
            reply.Array(withOwner ? 4 : 3);
            reply.Id(id);
            if (withOwner) reply.Bulk(group.OwnerOf(entry)!.Name);
            reply.Integer(entry.DeliveredAt);
            reply.Integer(entry.Deliveries);
            id.TryNext(out next);
        }
    }

    private static void Groups(CommandCall call)
    {
        if (!TryFind(call, out var stream)) return;
        var reply = call.Reply;
        reply.Array(stream.Groups.Count);
        foreach (var (name, group) in stream.Groups)
        {
            reply.Map(6);
            reply.Bulk("name"u8);
            reply.Bulk(name);
            Pair(reply, "consumers"u8, group.Consumers.Count);
            Pair(reply, "pending"u8, group.Pending.Count);
            ReplyProgress(reply, stream, group);
        }
    }

    private static void Consumers(CommandCall call)
    {
        if (!TryFind(call, out var stream)) return;
        if (stream.Find(call[3]) is not { } group)
        {
            call.NoGroup($"No such consumer group '{StreamArguments.Text(call[3])}' for key name '{StreamArguments.Text(call[2])}'");
            return;
        }

        call.Reply.Array(group.Consumers.Count);
        foreach (var (name, consumer) in group.Consumers)
        {
            call.Reply.Map(3);
            call.Reply.Bulk("name"u8);
            call.Reply.Bulk(name);
            Pair(call.Reply, "pending"u8, consumer.Pending.Count);
            Pair(call.Reply, "idle"u8, Math.Max(0, call.Now - consumer.SeenAt));
        }
    }

    private static void ReplyProgress(RespWriter reply, StreamValue stream, StreamGroup group)
    {
        Pair(reply, "last-delivered-id"u8, group.Last);
        reply.Bulk("entries-read"u8);
        if (group.Read == StreamGroup.ReadUnknown) reply.Null();
        else reply.Integer(group.Read);
        reply.Bulk("lag"u8);
        if (StreamProgress.Lag(stream, group) is { } lag) reply.Integer(lag);
        else reply.Null();
    }

    private static bool TryFind(CommandCall call, out StreamValue stream)
    {
        stream = null!;
        var place = call.Locate(2);
        if (!place.Exists) call.Reply.Error(CommandErrors.NoSuchKey);
        else if (place.IsOtherThan(ValueKind.Stream)) call.Reply.Error(CommandErrors.WrongType);
        else stream = StreamCommands.Of(call, place);
        return stream is not null;
    }

    private static void Pair(RespWriter reply, ReadOnlySpan<byte> name, long value)
    {
        reply.Bulk(name);
        reply.Integer(value);
    }

    private static void Pair(RespWriter reply, ReadOnlySpan<byte> name, StreamId value)
    {
        reply.Bulk(name);
        reply.Id(value);
    }
}
