namespace Holdfast.Keyspace;

/// <summary>XCLAIM and XAUTOCLAIM: pending entries go to another consumer.</summary>
internal sealed class ClaimCommands : ICommandFamily
{
    private const long AttemptsPerEntry = 10;

    public void Bind(CommandTable table)
    {
        table.Bind("xclaim", Claim, "Gives pending entries to another consumer");
        table.Bind("xautoclaim", AutoClaim, "Gives pending entries that nobody has touched for long to another consumer");
    }

    /// <summary>XCLAIM's options.</summary>
    private record struct Options(long DeliveredAt, long Deliveries, bool IsForced, bool OnlyIds, StreamId Last);

    private static void Claim(CommandCall call)
    {
        if (!call.TryGroup(1, 2, out var place, out var group)) return;
        if (!Holdfast.Wire.Resp.RespNumber.TryParse(call[4], out long idle))
        {
            call.Reply.Error("ERR Invalid min-idle-time argument for XCLAIM"u8);
            return;
        }

        var ids = new List<StreamId>();
        var at = 5;
        for (; at < call.Count && StreamId.TryParse(call[at], 0, out var id); at++) ids.Add(id);
        if (!TryOptions(call, at, out var options)) return;
        var stream = StreamCommands.Of(call, place);
        var opened = false;
        if (options.Last > group.Last)
        {
            Open(call, place, ref opened);
            stream.Keep(group);
            group.Last = options.Last;
            call.CountChangesBeside(place.Key);
        }

        var delivered = options.DeliveredAt == -1 || options.DeliveredAt < 0 || options.DeliveredAt > call.Now ? call.Now : options.DeliveredAt;
        var claimed = new List<StreamId>();
        foreach (var id in ids)
        {
            var isPending = group.Pending.TryFind(id, out var entry);
            if (!stream.Has(id))
            {
                if (!isPending) continue;
                Open(call, place, ref opened);
                stream.Keep(group, id);
                group.Release(id);
                call.CountChangesBeside(place.Key);
                continue;
            }

            if (!isPending && !options.IsForced) continue;
            if (isPending && idle > 0 && call.Now - entry.DeliveredAt < idle) continue;
            Open(call, place, ref opened);
            var consumer = call.ConsumerOf(place.Key, stream, group, call[3]);
            stream.Keep(group, id);
            if (!isPending) entry.Deliveries = 1;
            entry.DeliveredAt = delivered;
            if (options.Deliveries >= 0) entry.Deliveries = options.Deliveries;
            else if (!options.OnlyIds) entry.Deliveries++;
            group.Give(id, entry, consumer);
            claimed.Add(id);
            call.CountChangesBeside(place.Key);
        }

        Reply(call, stream, claimed, options.OnlyIds);
    }

    private static void AutoClaim(CommandCall call)
    {
        if (!Holdfast.Wire.Resp.RespNumber.TryParse(call[4], out long idle))
        {
            call.Reply.Error("ERR Invalid min-idle-time argument for XAUTOCLAIM"u8);
            return;
        }

        if (!call.TryStreamStart(5, out var next)) return;
        var (count, onlyIds) = (100L, false);
        for (var at = 6; at < call.Count; at++)
        {
            if (at + 1 < call.Count && call.Is(at, "COUNT"u8))
            {
                if (!call.TryBetween(++at, 1, out count, "ERR COUNT must be > 0"u8)) return;
                if (count <= long.MaxValue / 16) continue;
                call.Reply.Error("ERR COUNT must be > 0"u8);
                return;
            }

            if (call.Is(at, "JUSTID"u8))
            {
                onlyIds = true;
                continue;
            }

            call.SyntaxError();
            return;
        }

        if (call.TryGroup(1, 2, out var place, out var group)) AutoClaim(call, place, group, next, idle, count, onlyIds);
    }

    private static void AutoClaim(CommandCall call, scoped in KeyPlace place, StreamGroup group, StreamId next, long idle, long count, bool onlyIds)
    {
        var stream = StreamCommands.Of(call, place);
        var (claimed, gone) = (new List<StreamId>(), new List<StreamId>());
        var opened = false;
        var isEnd = false;
        for (var attempts = count * AttemptsPerEntry; attempts > 0 && count > 0; attempts--)
        {
            if (isEnd || !group.Pending.TryAtLeast(next, out var id, out var entry))
            {
                isEnd = true;
                break;
            }

            isEnd = !id.TryNext(out next);
            if (!stream.Has(id))
            {
                Open(call, place, ref opened);
                stream.Keep(group, id);
                group.Release(id);
                gone.Add(id);
                count--;
                call.CountChangesBeside(place.Key);
                continue;
            }

            if (idle > 0 && call.Now - entry.DeliveredAt < idle) continue;
            Open(call, place, ref opened);
            var consumer = call.ConsumerOf(place.Key, stream, group, call[3]);
            stream.Keep(group, id);
            entry.DeliveredAt = call.Now;
            if (!onlyIds) entry.Deliveries++;
            group.Give(id, entry, consumer);
            claimed.Add(id);
            count--;
            call.CountChangesBeside(place.Key);
        }

        call.Reply.Array(3);
        call.Reply.Id(!isEnd && group.Pending.TryAtLeast(next, out var cursor, out _) ? cursor : StreamId.Zero);
        Reply(call, stream, claimed, onlyIds);
        call.Reply.Array(gone.Count);
        foreach (var id in gone) call.Reply.Id(id);
    }

    private static bool TryOptions(CommandCall call, int from, out Options options)
    {
        options = new Options(-1, -1, false, false, StreamId.Zero);
        for (var at = from; at < call.Count; at++)
        {
            var hasMore = at + 1 < call.Count;
            if (call.Is(at, "FORCE"u8)) options.IsForced = true;
            else if (call.Is(at, "JUSTID"u8)) options.OnlyIds = true;
            else if (hasMore && call.Is(at, "IDLE"u8))
            {
                if (!TryNumber(call, ++at, "ERR Invalid IDLE option argument for XCLAIM"u8, out var idle)) return false;
                options.DeliveredAt = unchecked(call.Now - idle);
            }
            else if (hasMore && call.Is(at, "TIME"u8))
            {
                if (!TryNumber(call, ++at, "ERR Invalid TIME option argument for XCLAIM"u8, out var time)) return false;
                options.DeliveredAt = time;
            }
            else if (hasMore && call.Is(at, "RETRYCOUNT"u8))
            {
                if (!TryNumber(call, ++at, "ERR Invalid RETRYCOUNT option argument for XCLAIM"u8, out var deliveries)) return false;
                options.Deliveries = deliveries;
            }
            else if (hasMore && call.Is(at, "LASTID"u8))
            {
                if (!call.TryStreamId(++at, out var last)) return false;
                options.Last = last;
            }
            else
            {
                call.Reply.Error($"ERR Unrecognized XCLAIM option '{StreamArguments.Text(call[at])}'");
                return false;
            }
        }

        return true;
    }

    private static bool TryNumber(CommandCall call, int argument, ReadOnlySpan<byte> error, out long number)
    {
        if (Holdfast.Wire.Resp.RespNumber.TryParse(call[argument], out number)) return true;
        call.Reply.Error(error);
        return false;
    }

    /// <summary>Says once that the stream is about to be changed.</summary>
    private static void Open(CommandCall call, scoped in KeyPlace place, ref bool opened)
    {
        if (!opened) call.Keyspace.OpenBig(place);
        opened = true;
    }

    private static void Reply(CommandCall call, StreamValue stream, List<StreamId> ids, bool onlyIds)
    {
        call.Reply.Array(ids.Count);
        foreach (var id in ids)
        {
            var walk = new StreamWalk(stream, id, id);
            if (onlyIds) call.Reply.Id(id);
            else if (walk.TryNext(out var entry)) StreamCommands.Reply(call.Reply, stream, entry);
        }
    }
}
