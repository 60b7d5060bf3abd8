namespace Holdfast.Keyspace;

/// <summary>What stands before the streams of XREAD and XREADGROUP, and where they are.</summary>
/// <param name="Patience">How long to wait, in microseconds; zero for no end, -1 for not at all.</param>
/// <param name="Count">Entries of each stream; zero for all.</param>
/// <param name="GroupAt">The argument of the group, the consumer behind it; zero for none.</param>
/// <param name="IsUnacknowledged">NOACK: nothing becomes pending.</param>
/// <param name="StreamsAt">The argument of the first key.</param>
/// <param name="Streams">How many keys, as many numbers behind them.</param>
internal readonly record struct StreamReadOptions(long Patience, long Count, int GroupAt, bool IsUnacknowledged, int StreamsAt, int Streams)
{
    /// <summary>Parses them; otherwise the error is the reply.</summary>
    public static bool TryParse(CommandCall call, bool isGroup, out StreamReadOptions options)
    {
        options = default;
        var (patience, count, groupAt, isUnacknowledged) = (-1L, 0L, 0, false);
        for (var at = 1; at < call.Count; at++)
        {
            var more = call.Count - at - 1;
            if (more > 0 && call.Is(at, "BLOCK"u8))
            {
                if (call is { DeniesWaiting: true, IsReplay: false }) return Refuse(call, $"ERR {StreamArguments.Text(call[0])} command is not allowed with BLOCK option from scripts");
                if (!call.TryPatienceMilliseconds(++at, out patience)) return false;
            }
            else if (more > 0 && call.Is(at, "COUNT"u8))
            {
                if (!call.TryInteger(++at, out count)) return false;
                count = Math.Max(0, count);
            }
            else if (more > 0 && call.Is(at, "STREAMS"u8))
            {
                if (more % 2 != 0) return Refuse(call, $"ERR Unbalanced {call.Spec.Name.ToUpperInvariant()} list of streams: for each stream key an ID or '{(isGroup ? '>' : '$')}' must be specified.");
                if (isGroup && groupAt == 0) return Refuse(call, "ERR Missing GROUP option for XREADGROUP");
                options = new StreamReadOptions(patience, count, groupAt, isUnacknowledged, at + 1, more / 2);
                return true;
            }
            else if (more > 1 && call.Is(at, "GROUP"u8))
            {
                if (!isGroup) return Refuse(call, "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
                groupAt = at + 1;
                at += 2;
            }
            else if (call.Is(at, "NOACK"u8))
            {
                if (!isGroup) return Refuse(call, "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");
                isUnacknowledged = true;
            }
            else
            {
                break;
            }
        }

        call.SyntaxError();
        return false;
    }

    private static bool Refuse(CommandCall call, string error)
    {
        call.Reply.Error(error);
        return false;
    }
}
