using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Members from either end of sorted sets, and members drawn by lot.</summary>
internal sealed unsafe class SortedSetPopCommands : ICommandFamily
{
    public void Bind(CommandTable table)
    {
        table.Bind("zpopmin", call => Pop(call, isMax: false), "Removes and returns the members of a sorted set with the lowest scores");
        table.Bind("zpopmax", call => Pop(call, isMax: true), "Removes and returns the members of a sorted set with the highest scores");
        table.Bind("zmpop", PopAny, "Removes and returns members from an end of the first of some sorted sets that is there");
        table.Bind("zrandmember", Random, "Returns members of a sorted set drawn by lot");
    }

    private static void Pop(CommandCall call, bool isMax)
    {
        if (call.Count > 3)
        {
            call.SyntaxError();
            return;
        }

        var count = 1L;
        if (call.Count == 3 && (!RespNumber.TryParse(call[2], out count) || count < 0))
        {
            call.Reply.Error(CommandErrors.NotPositive);
            return;
        }

        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var isNested = call.Reply.Protocol >= 3 && call.Count == 3;
        var all = SortedSetValue.CountOf(call.Keyspace, place);
        count = Math.Min(count, all);
        if (!SortedSetReplyRun.TryWrite(call, 1, isMax ? all - 1 : 0, count, isMax, hasScores: true, isNested, out var run)) return;
        call.Reply.Array(isNested ? count : count * 2);
        PopFrom(call, place, count, isMax, isNested, run);
    }

    private static void PopAny(CommandCall call)
    {
        if (!TryParsePopAny(call, 1, out var keys, out var isMax, out var count)) return;
        for (var i = 0; i < keys; i++)
        {
            if (!call.TryLocate(2 + i, ValueKind.SortedSet, out var place)) return;
            if (!place.Exists) continue;
            PopAnyFrom(call, 2 + i, place, count, isMax);
            return;
        }

        call.Reply.NullArray();
    }

    /// <summary>Parses what ZMPOP and BZMPOP have in common: the number of keys at an argument, the keys, which end, and how many; otherwise the error is the reply.</summary>
    public static bool TryParsePopAny(CommandCall call, int numberArgument, out int keys, out bool isMax, out long count)
    {
        (isMax, count) = (false, 1);
        keys = 0;
        if (!RespNumber.TryParse(call[numberArgument], out long number) || number < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }

        var at = number < call.Count ? numberArgument + (int)number + 1 : call.Count;
        if (at >= call.Count || (!(isMax = call.Is(at, "MAX"u8)) && !call.Is(at, "MIN"u8)))
        {
            call.SyntaxError();
            return false;
        }

        keys = (int)number;
        if (++at == call.Count) return true;
        if (!call.Is(at, "COUNT"u8) || at + 2 != call.Count)
        {
            // A second COUNT is refused after the first one was read.
            if (call.Is(at, "COUNT"u8) && at + 1 < call.Count && !TryCount(call, at + 1, out count)) return false;
            call.SyntaxError();
            return false;
        }

        return TryCount(call, at + 1, out count);
    }

    /// <summary>Executes ZMPOP and BZMPOP on a sorted set that is there: the reply is its key, and the members with their scores in pairs. False when the command goes on in another turn.</summary>
    public static bool PopAnyFrom(CommandCall call, int keyArgument, in KeyPlace place, long count, bool isMax)
    {
        var all = SortedSetValue.CountOf(call.Keyspace, place);
        count = Math.Min(count, all);
        if (!SortedSetReplyRun.TryWrite(call, keyArgument, isMax ? all - 1 : 0, count, isMax, hasScores: true, isNested: true, out var run)) return false;
        call.Reply.Array(2);
        call.Reply.Bulk(place.Key);
        call.Reply.Array(count);
        PopFrom(call, place, count, isMax, isNested: true, run);
        return true;
    }

    /// <summary>Removes so many members from an end, and writes them and their scores, nested or not, unless a run has; the head of the array is the caller's. (BZPOPMIN writes the key before.)</summary>
    public static void PopFrom(CommandCall call, KeyPlace place, long count, bool isMax, bool isNested, SortedSetReplyRun? run = null)
    {
        if (count == 0) return;
        var all = SortedSetValue.CountOf(call.Keyspace, place);
        if (run is not null) call.Reply.Raw(run.Written);
        else if (!call.IsReplay)
        {
            var writing = new ScoreWriting { Reply = call.Reply, Scores = true, IsNested = isNested };
            SortedSetValue.Walk(call, place, isMax ? all - 1 : 0, count, isMax, ref writing);
        }

        var isThere = SortedSetEdit.RemoveRange(call, place, isMax ? all - count : 0, count);
        call.Changed(place.Key, KeyEvents.SortedSet, isMax ? "zpopmax"u8 : "zpopmin"u8, count);
        if (!isThere) call.Notify(place.Key, KeyEvents.Generic, "del"u8);
    }

    private static bool TryCount(CommandCall call, int argument, out long count)
    {
        if (RespNumber.TryParse(call[argument], out count) && count > 0) return true;
        call.Reply.Error("ERR count should be greater than 0"u8);
        return false;
    }

    private static void Random(CommandCall call)
    {
        var isOne = call.Count == 2;
        var (count, withScores) = (1L, false);
        if (!isOne && !Draws.TryCount(call, 2, "WITHSCORES"u8, out count, out withScores)) return;
        if (!call.TryLocate(1, ValueKind.SortedSet, out var place)) return;
        var all = SortedSetValue.CountOf(call.Keyspace, place);
        if (all == 0 || count == 0)
        {
            if (isOne) call.Reply.Null();
            else call.Reply.Array(0);
            return;
        }

        if (!Draws.AreFew(call, count)) return;
        count = Math.Min(count, all);
        var isNested = withScores && call.Reply.Protocol >= 3;
        if (!isOne) call.Reply.Array(Math.Abs(count) * (withScores && !isNested ? 2 : 1));
        var writing = new ScoreWriting { Reply = call.Reply, Scores = withScores, IsNested = isNested };
        if (count > 0)
        {
            var choosing = new Choosing { Selection = new Selection(call.Node.Dice, count, all), Writing = writing };
            SortedSetValue.WalkAll(call, place, ref choosing);
            return;
        }

        for (; count < 0; count++) SortedSetValue.Walk(call, place, (long)Math.BigMul(call.Node.Dice.NextUInt64(), (ulong)all, out _), 1, isReverse: false, ref writing);
    }

    private struct Choosing : IScoreVisitor
    {
        public Selection Selection;
        public ScoreWriting Writing;

        public void Visit(ReadOnlySpan<byte> member, double score)
        {
            if (Selection.TakesNext()) Writing.Visit(member, score);
        }
    }
}
