using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>The number of keys that stands before them (SINTERCARD, ZUNION, ZMPOP …), and a limit behind them.</summary>
internal static class KeyNumber
{
    /// <summary>Parses the number; otherwise the error is the reply. That many arguments follow for sure.</summary>
    public static bool TryParse(CommandCall call, int argument, out int keys)
    {
        keys = 0;
        if (!RespNumber.TryParse(call[argument], out long number) || number < 1)
        {
            call.Reply.Error("ERR numkeys should be greater than 0"u8);
            return false;
        }

        if (number > call.Count - argument - 1)
        {
            call.Reply.Error("ERR Number of keys can't be greater than number of args"u8);
            return false;
        }

        keys = (int)number;
        return true;
    }

    /// <summary>Parses what stands behind LIMIT; zero is no limit.</summary>
    public static bool TryLimit(CommandCall call, int argument, out long limit)
    {
        if (RespNumber.TryParse(call[argument], out limit) && limit >= 0) return true;
        call.Reply.Error("ERR LIMIT can't be negative"u8);
        return false;
    }
}
