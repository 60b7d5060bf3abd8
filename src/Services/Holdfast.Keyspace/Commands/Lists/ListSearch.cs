namespace Holdfast.Keyspace;

/// <summary>LPOS.</summary>
internal static class ListSearch
{
    public static void Run(CommandCall call)
    {
        if (!TryOptions(call, out var rank, out var count, out var compares)) return;
        var run = SlicedRun.Of<ListSearchRun>(call) ?? call.Scratch.ListSearch.For(rank, count, compares);
        if (!run.TryFinish(call)) return;
        if (run.IsOfOtherKind)
        {
            call.Reply.Error(CommandErrors.WrongType);
        }
        else if (count >= 0)
        {
            call.Reply.Array(run.Found.Count);
            foreach (var index in run.Found) call.Reply.Integer(index);
        }
        else if (run.Found.Count > 0)
        {
            call.Reply.Integer(run.Found[0]);
        }
        else
        {
            call.Reply.Null();
        }
    }

    private static bool TryOptions(CommandCall call, out long rank, out long count, out long compares)
    {
        (rank, count, compares) = (1, -1, 0);
        for (var at = 3; at < call.Count; at += 2)
        {
            var hasMore = at + 1 < call.Count;
            if (hasMore && call.Is(at, "RANK"u8))
            {
                if (!call.TryInteger(at + 1, out rank)) return false;
                if (rank == 0) call.Reply.Error("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"u8);
                else continue;
                return false;
            }

            if (hasMore && call.Is(at, "COUNT"u8))
            {
                if (!call.TryPositive(at + 1, out count, "ERR COUNT can't be negative"u8)) return false;
            }
            else if (hasMore && call.Is(at, "MAXLEN"u8))
            {
                if (!call.TryPositive(at + 1, out compares, "ERR MAXLEN can't be negative"u8)) return false;
            }
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        return true;
    }
}

/// <summary>The search for elements of a value, the command's second argument.</summary>
internal sealed class ListSearchRun : ListRun
{
    private (long Skip, long Count, long Compares) asked;
    private long skip;
    private long compares;
    private long seen;

    /// <summary>The numbers of those that were found.</summary>
    public List<long> Found { get; } = [];

    /// <summary>Begins with another command, whose options these are.</summary>
    public ListSearchRun For(long rank, long count, long comparesMax)
    {
        asked = (rank == long.MinValue ? 0 : Math.Abs(rank) - 1, count < 0 ? 1 : count == 0 ? long.MaxValue : count, comparesMax == 0 ? long.MaxValue : comparesMax);
        Prepare(isBackward: rank < 0);
        return this;
    }

    protected override void Restart()
    {
        Found.Clear();
        (skip, compares, seen) = (asked.Skip, asked.Compares, 0);
    }

    protected override bool Visit(QuickList list, int block, CommandCall call)
    {
        for (var at = IsBackward ? list.LastOf(block) : list.FirstOf(block); at.Block == block; at = IsBackward ? list.Before(at) : list.Next(at), seen++)
        {
            if (compares-- <= 0) return true;
            if (!list.IsEqual(at, call[2]) || skip-- > 0) continue;
            Found.Add(IsBackward ? list.Count - 1 - seen : seen);
            if (Found.Count == asked.Count) return true;
        }

        return false;
    }
}
