using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>Arguments of commands that wait, and of those that take from the first key that has something.</summary>
internal static class WaitArguments
{
    /// <summary>Longer than any clock runs: what is asked beyond it is this.</summary>
    private const long PatienceMicrosMax = 3_155_760_000_000_000;

    /// <summary>A timeout in seconds, with fractions; in microseconds, zero for no end. Otherwise the error is the reply.</summary>
    public static bool TryPatience(this CommandCall call, int argument, out long micros)
    {
        micros = 0;
        if (!RespNumber.TryParse(call[argument], out double seconds)) call.Reply.Error("ERR timeout is not a float or out of range"u8);
        else if (seconds < 0 || seconds * 1000 >= long.MaxValue) call.Reply.Error("ERR timeout is negative"u8);
        else if (seconds * 1000 > long.MaxValue - call.Now) call.Reply.Error("ERR timeout is out of range"u8);
        else
        {
            micros = (long)Math.Min(Math.Ceiling(seconds * 1000) * 1000, PatienceMicrosMax);
            return true;
        }

        return false;
    }

    /// <summary>A timeout in whole milliseconds; in microseconds, zero for no end. Otherwise the error is the reply.</summary>
    public static bool TryPatienceMilliseconds(this CommandCall call, int argument, out long micros)
    {
        micros = 0;
        if (!RespNumber.TryParse(call[argument], out long milliseconds)) call.Reply.Error("ERR timeout is not an integer or out of range"u8);
        else if (milliseconds < 0) call.Reply.Error("ERR timeout is negative"u8);
        else if (milliseconds > long.MaxValue - call.Now) call.Reply.Error("ERR timeout is out of range"u8);
        else
        {
            micros = Math.Min(milliseconds, PatienceMicrosMax / 1000) * 1000;
            return true;
        }

        return false;
    }

    /// <summary>NUMBER KEY… FIRST|LAST [COUNT n], as of LMPOP and ZMPOP; otherwise the error is the reply.</summary>
    public static bool TryPopFirst(this CommandCall call, int numberAt, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last, out long keys, out bool isFirst, out long count)
    {
        (isFirst, count) = (false, 1);
        if (!call.TryBetween(numberAt, 1, out keys, "ERR numkeys should be greater than 0"u8)) return false;
        var at = keys < call.Count - numberAt ? numberAt + 1 + (int)keys : call.Count;
        if (at < call.Count)
        {
            isFirst = call.Is(at, first);
            var isGood = isFirst || call.Is(at, last);
            var isCounted = false;
            for (at++; isGood && at < call.Count; at += 2)
            {
                isGood = !isCounted && at + 1 < call.Count && call.Is(at, "COUNT"u8);
                isCounted = true;
                if (isGood && !call.TryBetween(at + 1, 1, out count, "ERR count should be greater than 0"u8)) return false;
            }

            if (isGood) return true;
        }

        call.SyntaxError();
        return false;
    }
}
