using System.Buffers.Binary;
using System.Numerics;

namespace Holdfast.Keyspace;

/// <summary>
/// Packs into LZF (<see cref="Lzf"/> says how it is laid out): remembers where each three bytes were last seen, and takes the repetition that it finds there. Reused; for one thread.
/// </summary>
internal sealed class LzfPacker
{
    private const int LiteralsMax = 32;
    private const int RepeatedMax = 264;
    private const int DistanceMax = 8192;
    private const int BitsLeast = 8;
    private const int BitsMost = 14;

    /// <summary>Places behind the three bytes that were there; zero for none.</summary>
    private readonly int[] seen = new int[1 << BitsMost];

    /// <summary>The packed bytes' number; zero when there is no room for them, and then nothing that is there means anything.</summary>
    public int TryPack(ReadOnlySpan<byte> plain, Span<byte> packed)
    {
        var bits = Math.Clamp(BitOperations.Log2((uint)plain.Length), BitsLeast, BitsMost);
        seen.AsSpan(0, 1 << bits).Clear();
        var (at, said, end) = (0, 0, 0);
        while (at + 3 <= plain.Length)
        {
            var home = Home(plain, at, bits);
            var before = seen[home] - 1;
            seen[home] = at + 1;
            if (before < 0 || at - before > DistanceMax || plain[before] != plain[at] || plain[before + 1] != plain[at + 1] || plain[before + 2] != plain[at + 2])
            {
                at++;
                continue;
            }

            var repeated = plain.Slice(before, Math.Min(plain.Length - at, RepeatedMax)).CommonPrefixLength(plain.Slice(at, Math.Min(plain.Length - at, RepeatedMax)));
            if (!TrySayLiterals(plain[said..at], packed, ref end) || !TrySayRepeated(at - before - 1, repeated - 2, packed, ref end)) return 0;
            for (said = at + repeated, at++; at < said && at + 3 <= plain.Length; at++) seen[Home(plain, at, bits)] = at + 1;
            at = said;
        }

        return TrySayLiterals(plain[said..], packed, ref end) ? end : 0;
    }

    private static int Home(ReadOnlySpan<byte> plain, int at, int bits)
    {
        var three = BinaryPrimitives.ReadUInt16LittleEndian(plain[at..]) | ((uint)plain[at + 2] << 16);
        return (int)((three * 2654435761u) >> (32 - bits));
    }

    private static bool TrySayLiterals(ReadOnlySpan<byte> literals, Span<byte> packed, ref int end)
    {
        while (literals.Length > 0)
        {
            var run = Math.Min(literals.Length, LiteralsMax);
            if (end + 1 + run > packed.Length) return false;
            packed[end++] = (byte)(run - 1);
            literals[..run].CopyTo(packed[end..]);
            end += run;
            literals = literals[run..];
        }

        return true;
    }

    private static bool TrySayRepeated(int distance, int length, Span<byte> packed, ref int end)
    {
        if (end + 3 > packed.Length) return false;
        packed[end++] = (byte)((Math.Min(length, 7) << 5) | (distance >> 8));
        if (length >= 7) packed[end++] = (byte)(length - 7);
        packed[end++] = (byte)distance;
        return true;
    }
}
