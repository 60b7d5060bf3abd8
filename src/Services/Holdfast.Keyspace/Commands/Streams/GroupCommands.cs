using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Consumer groups: making and changing them, acknowledging, and what is pending.</summary>
internal sealed class GroupCommands : ICommandFamily
{
    private static readonly string[] Help =
    [
        "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", "CREATE <key> <groupname> <id|$> [option]", "    Create a new consumer group. Options are:", "    * MKSTREAM",
        "      Create the empty stream if it does not exist.", "    * ENTRIESREAD entries_read", "      Set the group's entries_read counter (internal use).", "CREATECONSUMER <key> <groupname> <consumer>",
        "    Create a new consumer in the specified group.", "DELCONSUMER <key> <groupname> <consumer>", "    Remove the specified consumer.", "DESTROY <key> <groupname>", "    Remove the specified group.",
        "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]", "    Set the current group ID and entries_read counter.", "HELP", "    Prints this help.",
    ];

    public void Bind(CommandTable table)
    {
        table.Bind("xgroup|create", Create, "Makes a consumer group");
        table.Bind("xgroup|setid", SetId, "Sets the last entry that a group has read");
        table.Bind("xgroup|destroy", Destroy, "Removes a group with all that is pending");
        table.Bind("xgroup|createconsumer", CreateConsumer, "Makes a consumer of a group");
        table.Bind("xgroup|delconsumer", DeleteConsumer, "Removes a consumer with all that it has pending");
        table.Bind("xgroup|help", call => ScriptCommands.ReplyHelp(call, Help), "Lists the subcommands");
        table.Bind("xack", Acknowledge, "Acknowledges entries: they are pending no more");
        table.Bind("xpending", Pending, "Says which entries are pending, for whom and how long");
    }

    private static void Create(CommandCall call)
    {
        if (!TryOptions(call, isCreate: true, out var makes, out var read) || !call.TryLocate(2, ValueKind.Stream, out var place)) return;
        if (!place.Exists && !makes)
        {
            NoKey(call);
            return;
        }

        var id = place.Exists ? StreamCommands.Of(call, place).Last : StreamId.Zero;
        if (!call[4].SequenceEqual("$"u8) && !call.TryStreamId(4, out id)) return;
        if (place.Exists && StreamCommands.Of(call, place).Find(call[3]) is not null)
        {
            call.Reply.Error("BUSYGROUP Consumer Group name already exists"u8);
            return;
        }

        var isNew = !place.Exists;
        var stream = StreamCommands.Open(call, ref place);
        stream.Add(new StreamGroup(call[3].ToArray(), id, read, stream.Arena));
        if (isNew) call.Changed(place.Key, KeyEvents.Stream, "xgroup-create"u8);
        else call.ChangedBeside(place.Key, KeyEvents.Stream, "xgroup-create"u8);
        call.Reply.Ok();
    }

    private static void SetId(CommandCall call)
    {
        if (!TryOptions(call, isCreate: false, out _, out var read) || !TryFind(call, out var place, out var stream, out var group)) return;
        var id = stream.Last;
        if (!call[4].SequenceEqual("$"u8) && !call.TryStreamEdge(4, out id, 0)) return;
        call.Keyspace.OpenBig(place);
        stream.Keep(group);
        (group.Last, group.Read) = (id, read);
        call.ChangedBeside(place.Key, KeyEvents.Stream, "xgroup-setid"u8);
        call.Reply.Ok();
    }

    private static void Destroy(CommandCall call)
    {
        if (!call.TryLocate(2, ValueKind.Stream, out var place)) return;
        if (!place.Exists) NoKey(call);
        else if (StreamCommands.Of(call, place).Find(call[3]) is not { } group) call.Reply.Integer(0);
        else
        {
            ((StreamValue)call.Keyspace.OpenBig(place)).Remove(group);
            call.ChangedBeside(place.Key, KeyEvents.Stream, "xgroup-destroy"u8);
            call.Reply.Integer(1);
        }
    }

    private static void CreateConsumer(CommandCall call)
    {
        if (!TryFind(call, out var place, out var stream, out var group)) return;
        if (group.Find(call[4]) is not null)
        {
            call.Reply.Integer(0);
            return;
        }

        call.Keyspace.OpenBig(place);
        call.ConsumerOf(place.Key, stream, group, call[4]);
        call.Reply.Integer(1);
    }

    private static void DeleteConsumer(CommandCall call)
    {
        if (!TryFind(call, out var place, out var stream, out var group)) return;
        if (group.Find(call[4]) is not { } consumer)
        {
            call.Reply.Integer(0);
            return;
        }

        call.Keyspace.OpenBig(place);
        call.Reply.Integer(consumer.Pending.Count);
        stream.Remove(group, consumer);
        call.ChangedBeside(place.Key, KeyEvents.Stream, "xgroup-delconsumer"u8);
    }

    private static void Acknowledge(CommandCall call)
    {
        if (!call.TryLocate(1, ValueKind.Stream, out var place)) return;
        if (!place.Exists || StreamCommands.Of(call, place).Find(call[2]) is not { } group)
        {
            call.Reply.Integer(0);
            return;
        }

        var stream = StreamCommands.Of(call, place);
        var ids = new StreamId[call.Count - 3];
        for (var i = 0; i < ids.Length; i++)
            if (!call.TryStreamId(i + 3, out ids[i])) return;
        var acknowledged = 0;
        foreach (var id in ids)
        {
            if (!group.Pending.Has(id)) continue;
            if (acknowledged++ == 0) call.Keyspace.OpenBig(place);
            stream.Keep(group, id);
            group.Release(id);
        }

        if (acknowledged > 0) call.CountChangesBeside(place.Key, acknowledged);
        call.Reply.Integer(acknowledged);
    }

    private static void Pending(CommandCall call)
    {
        if (call.Count != 3 && call.Count is < 6 or > 9)
        {
            call.SyntaxError();
            return;
        }

        var (idle, count, at) = (0L, 0L, 3);
        var (start, end) = (StreamId.Zero, StreamId.Zero);
        if (call.Count >= 6)
        {
            if (call.Is(3, "IDLE"u8))
            {
                if (!call.TryInteger(4, out idle)) return;
                if (call.Count < 8)
                {
                    call.SyntaxError();
                    return;
                }

                at = 5;
            }

            if (!call.TryInteger(at + 2, out count) || !call.TryStreamStart(at, out start) || !call.TryStreamEnd(at + 1, out end)) return;
        }

        if (!call.TryGroup(1, 2, out _, out var group)) return;
        if (call.Count == 3) ReplySummary(call.Reply, group);
        else ReplyPending(call, group, at + 3 < call.Count ? at + 3 : 0, start, end, Math.Max(0, count), idle);
    }

    private static void ReplySummary(RespWriter writer, StreamGroup group)
    {
        writer.Array(4);
        writer.Integer(group.Pending.Count);
        if (!group.Pending.TryAtLeast(StreamId.Zero, out var first, out _))
        {
            writer.Null();
            writer.Null();
            writer.NullArray();
            return;
        }

        writer.Id(first);
        writer.Id(group.Pending.Last);
        writer.Array(group.Consumers.Values.Count(consumer => consumer.Pending.Count > 0));
        foreach (var (name, consumer) in group.Consumers)
        {
            if (consumer.Pending.Count == 0) continue;
            writer.Array(2);
            writer.Bulk(name);
            writer.BulkInteger(consumer.Pending.Count);
        }
    }

    private static void ReplyPending(CommandCall call, StreamGroup group, int consumerAt, StreamId start, StreamId end, long count, long idle)
    {
        if (consumerAt == 0) ReplyPending(call, group, group.Pending, start, end, count, idle);
        else if (group.Find(call[consumerAt]) is { } consumer) ReplyPending(call, group, consumer.Pending, start, end, count, idle);
        else call.Reply.Array(0);
    }

    private static void ReplyPending<T>(CommandCall call, StreamGroup group, IdMap<T> map, StreamId start, StreamId end, long count, long idle)
        where T : unmanaged
    {
        var found = new List<(StreamId Id, PendingEntry Entry)>();
        for (var goesOn = true; goesOn && found.Count < count && map.TryAtLeast(start, out var id, out _) && id <= end; goesOn = id.TryNext(out start))
            if (group.Pending.TryFind(id, out var entry) && (idle == 0 || call.Now - entry.DeliveredAt >= idle)) found.Add((id, entry));
        call.Reply.Array(found.Count);
        foreach (var (id, entry) in found)
        {
            call.Reply.Array(4);
            call.Reply.Id(id);
            call.Reply.Bulk(group.OwnerOf(entry)!.Name);
            call.Reply.Integer(Math.Max(0, call.Now - entry.DeliveredAt));
            call.Reply.Integer(entry.Deliveries);
        }
    }

    private static bool TryOptions(CommandCall call, bool isCreate, out bool makes, out long read)
    {
        (makes, read) = (false, StreamGroup.ReadUnknown);
        for (var at = 5; at < call.Count; at++)
        {
            if (isCreate && call.Is(at, "MKSTREAM"u8)) makes = true;
            else if (at + 1 < call.Count && call.Is(at, "ENTRIESREAD"u8))
            {
                if (!call.TryInteger(++at, out read)) return false;
                if (read >= StreamGroup.ReadUnknown) continue;
                call.Reply.Error("ERR value for ENTRIESREAD must be positive or -1"u8);
                return false;
            }
            else
            {
                call.WrongSubcommand();
                return false;
            }
        }

        return true;
    }

    /// <summary>The stream and the group of a subcommand that needs both; otherwise the error is the reply.</summary>
    private static bool TryFind(CommandCall call, out KeyPlace place, out StreamValue stream, out StreamGroup group)
    {
        (stream, group) = (null!, null!);
        if (!call.TryLocate(2, ValueKind.Stream, out place)) return false;
        if (!place.Exists)
        {
            NoKey(call);
            return false;
        }

        stream = StreamCommands.Of(call, place);
        if (stream.Find(call[3]) is { } found)
        {
            group = found;
            return true;
        }

        call.NoGroup($"No such consumer group '{StreamArguments.Text(call[3])}' for key name '{StreamArguments.Text(call[2])}'");
        return false;
    }

    private static void NoKey(CommandCall call) =>
        call.Reply.Error("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."u8);
}
