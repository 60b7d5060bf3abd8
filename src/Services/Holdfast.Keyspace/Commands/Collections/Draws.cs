using Holdfast.Primitives;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What HRANDFIELD, SRANDMEMBER and ZRANDMEMBER have in common: how many, and who is chosen.</summary>
internal static class Draws
{
    /// <summary>So many may be asked for with repetitions; more would be a reply that nobody can hold.</summary>
    public const long RepetitionsMax = 16 * 1024 * 1024;

    /// <summary>A count and perhaps a word that asks for more than names; otherwise the error is the reply.</summary>
    public static bool TryCount(CommandCall call, int argument, ReadOnlySpan<byte> word, out long count, out bool isWith)
    {
        isWith = false;
        if (!call.TryInteger(argument, out count)) return false;
        if (count == long.MinValue)
        {
            call.Reply.Error($"ERR value is out of range, value must between {-long.MaxValue} and {long.MaxValue}");
            return false;
        }

        if (call.Count > argument + 2 || (call.Count == argument + 2 && !call.Is(argument + 1, word)))
        {
            call.SyntaxError();
            return false;
        }

        isWith = call.Count == argument + 2;
        if (!isWith || Math.Abs(count) <= long.MaxValue / 2) return true;
        call.Reply.Error(CommandErrors.OutOfRange);
        return false;
    }

    /// <summary>Refuses a number of repetitions that is out of bounds; false when it was refused.</summary>
    public static bool AreFew(CommandCall call, long count)
    {
        if (count >= -RepetitionsMax) return true;
        call.Reply.Error(CommandErrors.OutOfRange);
        return false;
    }
}

/// <summary>Chooses some of many in one walk, each selection with the same chance (Knuth, TAOCP 3.4.2, algorithm S).</summary>
internal struct Selection(SeededRandom dice, long wanted, long all)
{
    private long wanted = wanted;
    private long left = all;

    /// <summary>Whether the next one is chosen.</summary>
    public bool TakesNext()
    {
        if (wanted == 0) return false;
        if (dice.NextDouble() * left-- >= wanted) return false;
        wanted--;
        return true;
    }
}
