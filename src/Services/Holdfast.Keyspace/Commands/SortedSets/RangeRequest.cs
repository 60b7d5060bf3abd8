namespace Holdfast.Keyspace;

/// <summary>What the ends of a range of a sorted set are.</summary>
internal enum RangeBy : byte
{
    /// <summary>Not said yet; ranks if nothing is said.</summary>
    Unsaid = 0,
    Rank = 1,
    Score = 2,
    Member = 3,
}

/// <summary>A range of a sorted set as it was asked for: its ends, which way, and a part of it.</summary>
internal readonly ref struct RangeRequest
{
    private RangeBy By { get; init; }

    private long First { get; init; }

    private long Last { get; init; }

    private ScoreRange Scores { get; init; }

    private LexRange Lex { get; init; }

    private long Offset { get; init; }

    private long Limit { get; init; }

    public bool IsReverse { get; init; }

    public bool WithScores { get; init; }

    /// <summary>Parses a range command; otherwise the error is the reply.</summary>
    /// <param name="call">The command.</param>
    /// <param name="key">The argument of the sorted set; the ends of the range follow.</param>
    /// <param name="by">What the ends are, when the command's name says so.</param>
    /// <param name="reverse">Which way, when the command's name says so.</param>
    /// <param name="isStored">Whether the range is stored: scores cannot be asked for then.</param>
    /// <param name="request">The range.</param>
    public static bool TryParse(CommandCall call, int key, RangeBy by, bool? reverse, bool isStored, out RangeRequest request)
    {
        request = default;
        var (offset, limit, withScores) = (0L, -1L, false);
        for (var at = key + 3; at < call.Count; at++)
        {
            if (!isStored && call.Is(at, "WITHSCORES"u8)) withScores = true;
            else if (call.Is(at, "LIMIT"u8) && at + 2 < call.Count)
            {
                if (!call.TryInteger(at + 1, out offset) || !call.TryInteger(at + 2, out limit)) return false;
                at += 2;
            }
            else if (reverse is null && call.Is(at, "REV"u8)) reverse = true;
            else if (by == RangeBy.Unsaid && call.Is(at, "BYLEX"u8)) by = RangeBy.Member;
            else if (by == RangeBy.Unsaid && call.Is(at, "BYSCORE"u8)) by = RangeBy.Score;
            else
            {
                call.SyntaxError();
                return false;
            }
        }

        if (by == RangeBy.Unsaid) by = RangeBy.Rank;
        if (limit != -1 && by == RangeBy.Rank)
        {
            call.Reply.Error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"u8);
            return false;
        }

        if (withScores && by == RangeBy.Member)
        {
            call.Reply.Error("ERR syntax error, WITHSCORES not supported in combination with BYLEX"u8);
            return false;
        }

        var isReverse = reverse ?? false;
        var (min, max) = isReverse && by != RangeBy.Rank ? (key + 2, key + 1) : (key + 1, key + 2);
        if (!TryEnds(call, min, max, by, out var ends)) return false;
        request = new RangeRequest { By = by, First = ends.First, Last = ends.Last, Scores = ends.Scores, Lex = ends.Lex, Offset = offset, Limit = limit, IsReverse = isReverse, WithScores = withScores };
        return true;
    }

    /// <summary>Parses the ends alone; otherwise the error is the reply.</summary>
    public static bool TryEnds(CommandCall call, int min, int max, RangeBy by, out RangeRequest request)
    {
        request = default;
        if (by == RangeBy.Score)
        {
            if (!ScoreRange.TryParse(call, min, max, out var scores)) return false;
            request = new RangeRequest { By = by, Scores = scores, Limit = -1 };
            return true;
        }

        if (by == RangeBy.Member)
        {
            if (!LexRange.TryParse(call, min, max, out var lex)) return false;
            request = new RangeRequest { By = by, Lex = lex, Limit = -1 };
            return true;
        }

        if (!call.TryInteger(min, out var first) || !call.TryInteger(max, out var last)) return false;
        request = new RangeRequest { By = by, First = first, Last = last, Limit = -1 };
        return true;
    }

    /// <summary>The rank at which the range begins (in reverse, from which it goes down), and how many members it has.</summary>
    public (long Rank, long Count) Resolve(Keyspace keyspace, in KeyPlace place)
    {
        var all = SortedSetValue.CountOf(keyspace, place);
        if (all == 0) return default;
        if (By == RangeBy.Rank)
        {
            var first = Math.Max(0, First < 0 ? First + all : First);
            var last = Math.Min(all - 1, Last < 0 ? Last + all : Last);
            if (first > last) return default;
            return (IsReverse ? all - 1 - first : first, last - first + 1);
        }

        var (begin, end) = By == RangeBy.Score
            ? (SortedSetValue.CountBefore(keyspace, place, Scores.Begin), SortedSetValue.CountBefore(keyspace, place, Scores.End))
            : (SortedSetValue.CountBefore(keyspace, place, Lex.Begin), SortedSetValue.CountBefore(keyspace, place, Lex.End));
        var count = end - begin;
        if (count <= 0 || Offset < 0 || Offset >= count) return default;
        count -= Offset;
        if (Limit >= 0) count = Math.Min(count, Limit);
        return (IsReverse ? end - 1 - Offset : begin + Offset, count);
    }
}
