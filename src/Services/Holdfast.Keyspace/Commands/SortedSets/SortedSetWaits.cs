namespace Holdfast.Keyspace;

/// <summary>Members from an end of the first sorted set that has any, and waiting for one (BZ…). What waited is logged as ZPOPMIN or ZPOPMAX.</summary>
internal sealed class SortedSetWaits : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("bzpopmin", call => Pop(call, isMax: false), "Removes the member with the lowest score of the first sorted set that has one, and waits for one if need be");
        table.Bind("bzpopmax", call => Pop(call, isMax: true), "Removes the member with the highest score of the first sorted set that has one, and waits for one if need be");
        table.Bind("bzmpop", PopAny, "Removes members from an end of the first sorted set that has any, and waits for one if need be");
    }

    private static void Pop(CommandCall call, bool isMax)
    {
        if (!call.TryPatience(call.Count - 1, out var patience)) return;
        for (var i = 1; i < call.Count - 1; i++)
        {
            if (!call.IsOffered(i)) continue;
            if (!call.TryLocate(i, ValueKind.SortedSet, out var place)) return;
            if (!place.Exists) continue;
            Log(call, i, 1, isMax);
            call.Reply.Array(3);
            call.Reply.Bulk(call[i]);
            SortedSetPopCommands.PopFrom(call, place, 1, isMax, isNested: false);
            return;
        }

        call.Wait(ValueKind.SortedSet, 1, call.Count - 2, patience, WaitReply.NullArray);
    }

    private static void PopAny(CommandCall call)
    {
        if (!call.TryPatience(1, out var patience) || !SortedSetPopCommands.TryParsePopAny(call, 2, out var keys, out var isMax, out var count)) return;
        for (var i = 3; i < 3 + keys; i++)
        {
            if (!call.IsOffered(i)) continue;
            if (!call.TryLocate(i, ValueKind.SortedSet, out var place)) return;
            if (!place.Exists) continue;
            if (SortedSetPopCommands.PopAnyFrom(call, i, place, count, isMax)) Log(call, i, count, isMax);
            return;
        }

        call.Wait(ValueKind.SortedSet, 3, 2 + keys, patience, WaitReply.NullArray);
    }

    private static void Log(CommandCall call, int keyArgument, long count, bool isMax)
    {
        var log = call.LogInstead(3);
        log.Argument(isMax ? "ZPOPMAX"u8 : "ZPOPMIN"u8);
        log.Argument(call[keyArgument]);
        log.Argument(count);
    }
}
