namespace Holdfast.Keyspace;

/// <summary>Lists: from one to another, from the first that has something; and waiting for it (B…). What waited is logged as the command that does not wait.</summary>
internal sealed class ListMoves : ICommandFamily
{
    private readonly ListEdit source = new();
    private readonly ListEdit target = new();

    public void Bind(CommandTable table)
    {
        table.Bind("lmove", call => Move(call, 3, waits: false), "Moves an element from an end of a list to an end of another");
        table.Bind("blmove", call => Move(call, 3, waits: true), "Moves an element between lists, and waits for one if need be");
        table.Bind("rpoplpush", call => Move(call, 0, waits: false), "Moves the last element of a list to the beginning of another");
        table.Bind("brpoplpush", call => Move(call, 0, waits: true), "Moves the last element of a list to another, and waits for one if need be");
        table.Bind("lmpop", call => PopFirst(call, 1, waits: false), "Removes elements of the first list that has any and returns them");
        table.Bind("blmpop", call => PopFirst(call, 2, waits: true), "Removes elements of the first list that has any, and waits for one if need be");
        table.Bind("blpop", call => Pop(call, isFirst: true), "Removes the first element of the first list that has one, and waits for one if need be");
        table.Bind("brpop", call => Pop(call, isFirst: false), "Removes the last element of the first list that has one, and waits for one if need be");
    }

    /// <summary>Replies so many elements of an end and removes them.</summary>
    public static void Take(CommandCall call, QuickList list, long count, bool isFirst)
    {
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var at = isFirst ? list.First : list.Last;
        for (var left = count; left > 0; left--)
        {
            call.Reply.Bulk(list.Value(at, scratch));
            if (left > 1) at = isFirst ? list.Next(at) : list.Before(at);
        }

        list.Drop(count, isFirst);
    }

    private void Pop(CommandCall call, bool isFirst)
    {
        if (!call.TryPatience(call.Count - 1, out var patience)) return;
        for (var i = 1; i < call.Count - 1; i++)
        {
            if (!call.IsOffered(i)) continue;
            if (!call.TryLocate(i, ValueKind.List, out var place)) return;
            if (!place.Exists) continue;
            call.Reply.Array(2);
            call.Reply.Bulk(call[i]);
            Take(call, source.Open(call, place), 1, isFirst);
            var log = call.LogInstead(2);
            log.Argument(isFirst ? "LPOP"u8 : "RPOP"u8);
            log.Argument(call[i]);
            Finish(call, ref place, 1, isFirst);
            return;
        }

        call.Wait(ValueKind.List, 1, call.Count - 2, patience, WaitReply.NullArray);
    }

    /// <summary>[B]LMPOP: the number of keys stands at an argument, after it the keys, the end and COUNT.</summary>
    private void PopFirst(CommandCall call, int numberAt, bool waits)
    {
        var patience = 0L;
        if (waits && !call.TryPatience(1, out patience)) return;
        if (!call.TryPopFirst(numberAt, "LEFT"u8, "RIGHT"u8, out var keys, out var isFirst, out var count)) return;
        for (var i = numberAt + 1; i <= numberAt + keys; i++)
        {
            if (!call.IsOffered(i)) continue;
            if (!call.TryLocate(i, ValueKind.List, out var place)) return;
            if (!place.Exists) continue;
            var list = source.Open(call, place);
            var taken = Math.Min(count, list.Count);
            call.Reply.Array(2);
            call.Reply.Bulk(call[i]);
            call.Reply.Array(taken);
            Take(call, list, taken, isFirst);
            var log = call.LogInstead(3);
            log.Argument(isFirst ? "LPOP"u8 : "RPOP"u8);
            log.Argument(call[i]);
            log.Argument(taken);
            Finish(call, ref place, taken, isFirst);
            return;
        }

        if (waits) call.Wait(ValueKind.List, numberAt + 1, numberAt + (int)keys, patience, WaitReply.NullArray);
        else call.Reply.NullArray();
    }

    /// <summary>[B]LMOVE, and with no ends given [B]RPOPLPUSH.</summary>
    private void Move(CommandCall call, int endsAt, bool waits)
    {
        var (fromFirst, toFirst) = (false, true);
        if (endsAt > 0 && (!TryEnd(call, endsAt, out fromFirst) || !TryEnd(call, endsAt + 1, out toFirst))) return;
        var patience = 0L;
        if (waits && !call.TryPatience(call.Count - 1, out patience)) return;
        if (!call.TryLocate(1, ValueKind.List, out var from)) return;
        if (!from.Exists)
        {
            if (waits) call.Wait(ValueKind.List, 1, 1, patience, WaitReply.Null);
            else call.Reply.Null();
            return;
        }

        if (!call.TryLocate(2, ValueKind.List, out var to)) return;
        from = call.Locate(1);
        var isSame = call[1].SequenceEqual(call[2]);
        var list = source.Open(call, from);
        var element = fromFirst ? list.First : list.Last;
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        var value = list.Value(element, scratch).ToArray();
        list.Drop(1, fromFirst);
        if (isSame)
        {
            list.Push(value, toFirst);
            source.Save(call, ref from);
        }
        else
        {
            source.Save(call, ref from);
            to = call.Locate(2);
            target.Open(call, to).Push(value, toFirst);
            target.Save(call, ref to);
        }

        call.Reply.Bulk(value);
        Log(call, endsAt, waits);
        call.Changed(call[2], KeyEvents.List, toFirst ? "lpush"u8 : "rpush"u8);
        call.Changed(call[1], KeyEvents.List, fromFirst ? "lpop"u8 : "rpop"u8);
        if (!isSame && !from.Exists) call.Notify(call[1], KeyEvents.Generic, "del"u8);
    }

    private static void Log(CommandCall call, int endsAt, bool waits)
    {
        if (!waits) return;
        var log = call.LogInstead(endsAt > 0 ? 5 : 3);
        log.Argument(endsAt > 0 ? "LMOVE"u8 : "RPOPLPUSH"u8);
        for (var i = 1; i < call.Count - 1; i++) log.Argument(call[i]);
    }

    private void Finish(CommandCall call, ref KeyPlace place, long taken, bool isFirst)
    {
        source.Save(call, ref place);
        call.Changed(place.Key, KeyEvents.List, isFirst ? "lpop"u8 : "rpop"u8, taken);
        if (!place.Exists) call.Notify(place.Key, KeyEvents.Generic, "del"u8);
    }

    private static bool TryEnd(CommandCall call, int argument, out bool isFirst)
    {
        isFirst = call.Is(argument, "LEFT"u8);
        if (isFirst || call.Is(argument, "RIGHT"u8)) return true;
        call.SyntaxError();
        return false;
    }
}
