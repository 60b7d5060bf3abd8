using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Scores as arguments.</summary>
internal static class Score
{
    /// <summary>A score as <c>strtod</c> reads it: whole text, not NaN, and nothing that a double cannot hold.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double score)
    {
        if (!RespNumber.TryParse(text, out score)) return false;
        if (double.IsInfinity(score)) return text.IndexOfAny((byte)'i', (byte)'I') >= 0;
        return score != 0 || text.IndexOfAnyInRange((byte)'1', (byte)'9') < 0 || !IsTooSmall(text);
    }

    /// <summary>Whether a text that was read as zero names a number that is none.</summary>
    private static bool IsTooSmall(ReadOnlySpan<byte> text)
    {
        var end = text.IndexOfAny((byte)'e', (byte)'E');
        return (end < 0 ? text : text[..end]).IndexOfAnyInRange((byte)'1', (byte)'9') >= 0;
    }
}

/// <summary>A range of scores: each end may be excluded by a bracket before it.</summary>
internal readonly struct ScoreRange(double min, bool isMinOut, double max, bool isMaxOut)
{
    /// <summary>What is before the range.</summary>
    public ScoreBound Begin => new(min, isMinOut);

    /// <summary>What is before the range's end.</summary>
    public ScoreBound End => new(max, !isMaxOut);

    /// <summary>Parses both ends; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, int minArgument, int maxArgument, out ScoreRange range)
    {
        range = default;
        if (!TryEnd(call[minArgument], out var min, out var isMinOut) || !TryEnd(call[maxArgument], out var max, out var isMaxOut))
        {
            call.Reply.Error("ERR min or max is not a float"u8);
            return false;
        }

        range = new ScoreRange(min, isMinOut, max, isMaxOut);
        return true;
    }

    private static bool TryEnd(ReadOnlySpan<byte> text, out double end, out bool isOut)
    {
        isOut = text.Length > 0 && text[0] == '(';
        text = (isOut ? text[1..] : text).TrimStart(" \t\n\v\f\r"u8);
        end = 0;
        return text.Length == 0 || RespNumber.TryParse(text, out end);
    }
}

/// <summary>Scores below one, that one included or not.</summary>
internal readonly struct ScoreBound(double score, bool isIncluded) : IOrderBound
{
    public bool IsBefore(double other, ReadOnlySpan<byte> member) => isIncluded ? other <= score : other < score;
}

/// <summary>A range of members, for sorted sets in which all scores are the same: "[a" with it, "(a" without it, "-" and "+" for no end.</summary>
internal readonly ref struct LexRange(LexBound begin, LexBound end)
{
    /// <summary>What is before the range.</summary>
    public LexBound Begin { get; } = begin;

    /// <summary>What is before the range's end.</summary>
    public LexBound End { get; } = end;

    /// <summary>Parses both ends; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, int minArgument, int maxArgument, out LexRange range)
    {
        range = default;
        if (!LexBound.TryParse(call[minArgument], isEnd: false, out var begin) || !LexBound.TryParse(call[maxArgument], isEnd: true, out var end))
        {
            call.Reply.Error("ERR min or max not valid string range item"u8);
            return false;
        }

        range = new LexRange(begin, end);
        return true;
    }
}

/// <summary>Members below one, that one included or not; or none, or all.</summary>
internal readonly ref struct LexBound : IOrderBound
{
    private enum Reach : byte
    {
        None = 0,
        All = 1,
        Below = 2,
        Through = 3,
    }

    private readonly ReadOnlySpan<byte> member;
    private readonly Reach reach;

    private LexBound(Reach reach, ReadOnlySpan<byte> member)
    {
        this.reach = reach;
        this.member = member;
    }

    public static bool TryParse(ReadOnlySpan<byte> text, bool isEnd, out LexBound bound)
    {
        bound = default;
        if (text.Length == 0) return false;
        switch (text[0])
        {
            case (byte)'-' or (byte)'+' when text.Length == 1:
                bound = new LexBound(text[0] == '-' ? Reach.None : Reach.All, default);
                return true;
            case (byte)'[':
                bound = new LexBound(isEnd ? Reach.Through : Reach.Below, text[1..]);
                return true;
            case (byte)'(':
                bound = new LexBound(isEnd ? Reach.Below : Reach.Through, text[1..]);
                return true;
            default:
                return false;
        }
    }

    public bool IsBefore(double score, ReadOnlySpan<byte> other) => reach switch
    {
        Reach.None => false,
        Reach.All => true,
        Reach.Below => other.SequenceCompareTo(member) < 0,
        _ => other.SequenceCompareTo(member) <= 0,
    };
}
