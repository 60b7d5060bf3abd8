namespace Holdfast.Keyspace;

/// <summary>What stands between XADD's or XTRIM's key and the entry: how to trim, whether to make the stream, and the number.</summary>
/// <param name="Trim">What to trim to; null for not at all.</param>
/// <param name="MakesNoStream">NOMKSTREAM.</param>
/// <param name="Id">The number that was given.</param>
/// <param name="IsIdGiven">Whether one was.</param>
/// <param name="IsSequenceOpen">Whether its sequence is left open.</param>
/// <param name="IdAt">The argument of the number.</param>
internal readonly record struct StreamAddOptions(StreamTrim? Trim, bool MakesNoStream, StreamId Id, bool IsIdGiven, bool IsSequenceOpen, int IdAt)
{
    /// <summary>Nodes that trimming approximately removes at most, when no limit is given.</summary>
    private const long NodesUsual = 100;

    /// <summary>Parses them; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, bool isAdd, out StreamAddOptions options)
    {
        options = default;
        StreamTrim? trim = null;
        var (limit, isLimited, makesNone) = (0L, false, false);
        var (id, isGiven, isOpen) = (StreamId.Zero, false, false);
        var at = 2;
        for (; at < call.Count; at++)
        {
            var more = call.Count - 1 - at;
            var isByLength = more > 0 && call.Is(at, "MAXLEN"u8);
            if (isAdd && call[at].SequenceEqual("*"u8)) break;
            if (isByLength || (more > 0 && call.Is(at, "MINID"u8)))
            {
                if (trim is not null) return Refuse(call, "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"u8);
                var isApproximate = more > 1 && call[at + 1].SequenceEqual("~"u8);
                if (isApproximate || (more > 1 && call[at + 1].SequenceEqual("="u8))) at++;
                if (!TryTrim(call, ++at, isByLength, isApproximate, out var parsed)) return false;
                trim = parsed;
            }
            else if (more > 0 && call.Is(at, "LIMIT"u8))
            {
                if (!call.TryInteger(++at, out limit)) return false;
                if (limit < 0) return Refuse(call, "ERR The LIMIT argument must be >= 0."u8);
                isLimited = true;
            }
            else if (isAdd && call.Is(at, "NOMKSTREAM"u8))
            {
                makesNone = true;
            }
            else if (isAdd)
            {
                if (!call.TryNewStreamId(at, out id, out isOpen)) return false;
                isGiven = true;
                break;
            }
            else
            {
                return Refuse(call, CommandErrors.Syntax);
            }
        }

        if (limit > 0 && trim is null) return Refuse(call, "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"u8);
        if (!isAdd && trim is null) return Refuse(call, "ERR syntax error, XTRIM must be called with MAXLEN or MINID"u8);
        if (isLimited && trim is { IsApproximate: false }) return Refuse(call, "ERR syntax error, LIMIT cannot be used without the special ~ option"u8);
        if (trim is { IsApproximate: true } cut) trim = cut with { Limit = isLimited ? limit : NodesUsual * call.Node.Settings.Collections.StreamNodeEntries };
        options = new StreamAddOptions(trim, makesNone, id, isGiven, isOpen, at);
        return true;
    }

    private static bool TryTrim(CommandCall call, int argument, bool isByLength, bool isApproximate, out StreamTrim trim)
    {
        trim = default;
        var (length, id) = (0L, StreamId.Zero);
        if (isByLength ? !call.TryInteger(argument, out length) : !call.TryStreamId(argument, out id)) return false;
        if (length < 0) return Refuse(call, "ERR The MAXLEN argument must be >= 0."u8);
        trim = new StreamTrim(isByLength, length, id, isApproximate, 0);
        return true;
    }

    private static bool Refuse(CommandCall call, ReadOnlySpan<byte> error)
    {
        call.Reply.Error(error);
        return false;
    }
}
