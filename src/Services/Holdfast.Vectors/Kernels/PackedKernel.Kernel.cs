using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Holdfast.Vectors.Kernels;

/// <summary>How many bits a packed code has.</summary>
internal interface IPackedBits
{
    static abstract int Bits { get; }
}

/// <summary>A sign.</summary>
internal struct OneBit : IPackedBits
{
    public static int Bits => 1;
}

/// <summary>Four steps.</summary>
internal struct TwoBits : IPackedBits
{
    public static int Bits => 2;
}

/// <summary>Sixteen steps.</summary>
internal struct FourBits : IPackedBits
{
    public static int Bits => 4;
}

/// <summary>
/// Sums over packed codes and a query's 8-bit ones. Of each 32 bytes of a row, the lowest bits are 32 codes, the next ones the 32 codes behind them: so one mask and one instruction (vpdpbusd) take 32 at a time.
/// </summary>
internal static unsafe class PackedKernel<TBits>
    where TBits : struct, IPackedBits
{
    /// <summary>Codes in 32 bytes of a row; a row's length is padded to whole ones.</summary>
    public static int Block => 32 * (8 / TBits.Bits);

    /// <summary>The sum of products of the query's codes and the row's; <paramref name="bytes"/> is a multiple of 32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Dot(sbyte* query, byte* row, int bytes)
    {
        if (AvxVnni.IsSupported) return DotVnni(query, row, bytes);
        return Avx2.IsSupported ? Dot256(query, row, bytes) : DotScalar(query, row, bytes);
    }

    /// <summary>Packs codes.</summary>
    public static void Pack(ReadOnlySpan<byte> codes, byte* row)
    {
        for (var block = 0; block * Block < codes.Length; block++)
            for (var at = 0; at < 32; at++)
            {
                var packed = 0;
                for (var part = 0; part < 8 / TBits.Bits; part++) packed |= codes[(block * Block) + (part * 32) + at] << (part * TBits.Bits);
                row[(block * 32) + at] = (byte)packed;
            }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int DotVnni(sbyte* query, byte* row, int bytes)
    {
        Vector256<int> a = default, b = default;
        var mask = Vector256.Create((byte)((1 << TBits.Bits) - 1));
        for (var at = 0; at < bytes; at += 32)
        {
            var packed = Vector256.Load(row + at);
            for (var part = 0; part < 8 / TBits.Bits; part += 2, query += 64)
            {
                a = AvxVnni.MultiplyWideningAndAdd(a, (packed.AsUInt16() >>> (part * TBits.Bits)).AsByte() & mask, Vector256.Load(query));
                b = AvxVnni.MultiplyWideningAndAdd(b, (packed.AsUInt16() >>> ((part + 1) * TBits.Bits)).AsByte() & mask, Vector256.Load(query + 32));
            }
        }

        return Vector256.Sum(a + b);
    }

    internal static int Dot256(sbyte* query, byte* row, int bytes)
    {
        Vector256<int> sum = default;
        var mask = Vector256.Create((byte)((1 << TBits.Bits) - 1));
        var ones = Vector256.Create((short)1);
        for (var at = 0; at < bytes; at += 32)
        {
            var packed = Vector256.Load(row + at);
            for (var part = 0; part < 8 / TBits.Bits; part++, query += 32)
                sum += Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent((packed.AsUInt16() >>> (part * TBits.Bits)).AsByte() & mask, Vector256.Load(query)), ones);
        }

        return Vector256.Sum(sum);
    }

    internal static int DotScalar(sbyte* query, byte* row, int bytes)
    {
        var sum = 0;
        for (var block = 0; block < bytes; block += 32)
            for (var part = 0; part < 8 / TBits.Bits; part++, query += 32)
                for (var at = 0; at < 32; at++) sum += query[at] * ((row[block + at] >> (part * TBits.Bits)) & ((1 << TBits.Bits) - 1));
        return sum;
    }
}
