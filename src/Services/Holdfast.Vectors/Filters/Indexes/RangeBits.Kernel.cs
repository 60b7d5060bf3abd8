using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Holdfast.Vectors.Filters.Indexes;

/// <summary>
/// Which of many values lie in a range, without a branch: at a range that admits half of them every second one was guessed wrongly, and the filter took longer than the search among what it admits
/// (bench/peers/vectors.sh filters).
/// </summary>
internal static class RangeBits
{
    /// <summary>Sets the bits of rows whose value lies between the bounds, these included. The first value is row 0's, and each row has one.</summary>
    public static void OfAll<T>(ReadOnlySpan<T> values, T low, T high, Span<ulong> bits)
        where T : unmanaged, INumber<T>
    {
        var (lows, highs) = (Vector256.Create(low), Vector256.Create(high));
        ref var first = ref MemoryMarshal.GetReference(values);
        var row = 0;
        for (; row + 64 <= values.Length; row += 64)
        {
            var word = 0UL;
            for (var part = 0; part < 64; part += Vector256<T>.Count)
            {
                var some = Vector256.LoadUnsafe(ref first, (nuint)(row + part));
                word |= (ulong)(Vector256.GreaterThanOrEqual(some, lows) & Vector256.LessThanOrEqual(some, highs)).ExtractMostSignificantBits() << part;
            }

            bits[row >> 6] |= word;
        }

        for (; row < values.Length; row++) bits[row >> 6] |= Bit(values[row], low, high) << row;
    }

    /// <summary>The same where each value says whose it is; a row with several has its bit when one of them lies there.</summary>
    public static void OfSome<T>(ReadOnlySpan<int> rows, ReadOnlySpan<T> values, T low, T high, Span<ulong> bits)
        where T : unmanaged, INumber<T>
    {
        for (var at = 0; at < rows.Length; at++) bits[rows[at] >> 6] |= Bit(values[at], low, high) << rows[at];
    }

    private static ulong Bit<T>(T value, T low, T high)
        where T : unmanaged, INumber<T> => value >= low & value <= high ? 1UL : 0UL;
}
