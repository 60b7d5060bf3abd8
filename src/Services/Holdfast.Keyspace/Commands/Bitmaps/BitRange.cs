using System.Numerics;
using System.Runtime.InteropServices;

namespace Holdfast.Keyspace;

/// <summary>A string as an array of bits; bit 0 is the highest of the first byte.</summary>
internal static class BitRange
{
    public static bool Get(ReadOnlySpan<byte> bytes, long bit) => bit >> 3 < bytes.Length && (bytes[(int)(bit >> 3)] & (0x80 >> (int)(bit & 7))) != 0;

    public static void Set(Span<byte> bytes, long bit, bool value)
    {
        var mask = (byte)(0x80 >> (int)(bit & 7));
        ref var place = ref bytes[(int)(bit >> 3)];
        place = value ? (byte)(place | mask) : (byte)(place & ~mask);
    }

    /// <summary>How many bits are set from one to another, both included.</summary>
    public static long Count(ReadOnlySpan<byte> bytes, long first, long last)
    {
        var (from, to) = ((int)(first >> 3), (int)(last >> 3));
        if (from == to) return BitOperations.PopCount((uint)(bytes[from] & (0xFF >> (int)(first & 7)) & (0xFF << (7 - (int)(last & 7)))));
        long count = BitOperations.PopCount((uint)(bytes[from] & (0xFF >> (int)(first & 7)))) + BitOperations.PopCount((uint)(bytes[to] & 0xFF & (0xFF << (7 - (int)(last & 7)))));
        return count + CountBytes(bytes[(from + 1)..to]);
    }

    /// <summary>The first bit with a value, from one to another, both included; -1 for none.</summary>
    public static long Find(ReadOnlySpan<byte> bytes, bool value, long first, long last)
    {
        var passed = value ? (byte)0 : (byte)0xFF;
        for (var bit = first; bit <= last;)
        {
            if ((bit & 7) == 0 && bit + 7 <= last && bytes[(int)(bit >> 3)] == passed)
            {
                var skipped = bytes[(int)(bit >> 3)..(int)((last + 1) >> 3)].IndexOfAnyExcept(passed);
                bit = skipped < 0 ? (last + 1) & ~7L : bit + (skipped * 8L);
                continue;
            }

            if (Get(bytes, bit) == value) return bit;
            bit++;
        }

        return -1;
    }

    private static long CountBytes(ReadOnlySpan<byte> bytes)
    {
        var count = 0L;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words) count += BitOperations.PopCount(word);
        foreach (var left in bytes[(words.Length * 8)..]) count += BitOperations.PopCount(left);
        return count;
    }
}
