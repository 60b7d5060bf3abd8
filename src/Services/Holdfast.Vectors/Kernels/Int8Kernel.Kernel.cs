using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Holdfast.Vectors.Kernels;

/// <summary>
/// Sums over 8-bit codes. A stored row holds its codes with 128 added, as unsigned bytes, and a query signed ones: so one instruction (vpdpbusd) multiplies and adds 32 of them, and what the offset
/// adds, 128 times the sum of the query's codes, is known once per query. Rows are padded with 128, queries with 0. 384 codes: 3.5 ns where there is the instruction (bench/peers/vectors.sh prints it).
/// </summary>
internal static unsafe class Int8Kernel
{
    /// <summary>The sum of products of the query's codes and the row's bytes, the offset still in it; <paramref name="count"/> is a multiple of 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OffsetDot(sbyte* query, byte* row, int count)
    {
        if (AvxVnni.IsSupported) return OffsetDotVnni(query, row, count);
        if (Avx2.IsSupported) return OffsetDot256(query, row, count);
        return Vector128.IsHardwareAccelerated ? OffsetDot128(query, row, count) : OffsetDotScalar(query, row, count);
    }

    /// <summary>The dot product of two stored rows' codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int DotOfRows(byte* one, byte* other, int count)
    {
        if (AvxVnni.IsSupported) return DotOfRowsVnni(one, other, count);
        return Avx2.IsSupported ? DotOfRows256(one, other, count) : DotOfRowsScalar(one, other, count);
    }

    /// <summary>The sum of squared differences between a query's codes and a row's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Square(sbyte* query, byte* row, int count)
    {
        if (Avx512BW.IsSupported) return Square512(query, row, count);
        return Avx2.IsSupported ? Square256(query, row, count) : SquareScalar(query, row, count);
    }

    /// <summary>The sum of absolute differences between a query's codes and a row's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Absolute(sbyte* query, byte* row, int count) => Avx2.IsSupported ? Absolute256(query, row, count) : AbsoluteScalar(query, row, count);

    /// <summary>A row's codes as a query's: the offset is taken off. In place is allowed.</summary>
    public static void ToQuery(byte* row, sbyte* query, int count)
    {
        for (var at = 0; at < count; at += 16) (Vector128.Load(row + at) ^ Vector128.Create((byte)0x80)).AsSByte().Store(query + at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int OffsetDotVnni(sbyte* query, byte* row, int count)
    {
        Vector256<int> a = default, b = default, c = default, d = default;
        var at = 0;
        for (; at + 128 <= count; at += 128)
        {
            a = AvxVnni.MultiplyWideningAndAdd(a, Vector256.Load(row + at), Vector256.Load(query + at));
            b = AvxVnni.MultiplyWideningAndAdd(b, Vector256.Load(row + at + 32), Vector256.Load(query + at + 32));
            c = AvxVnni.MultiplyWideningAndAdd(c, Vector256.Load(row + at + 64), Vector256.Load(query + at + 64));
            d = AvxVnni.MultiplyWideningAndAdd(d, Vector256.Load(row + at + 96), Vector256.Load(query + at + 96));
        }

        for (; at < count; at += 64)
        {
            a = AvxVnni.MultiplyWideningAndAdd(a, Vector256.Load(row + at), Vector256.Load(query + at));
            b = AvxVnni.MultiplyWideningAndAdd(b, Vector256.Load(row + at + 32), Vector256.Load(query + at + 32));
        }

        return Vector256.Sum((a + b) + (c + d));
    }

    internal static int OffsetDot256(sbyte* query, byte* row, int count)
    {
        Vector256<int> a = default, b = default;
        for (var at = 0; at < count; at += 32)
        {
            a += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(row + at), Avx2.ConvertToVector256Int16(query + at));
            b += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(row + at + 16), Avx2.ConvertToVector256Int16(query + at + 16));
        }

        return Vector256.Sum(a + b);
    }

    internal static int OffsetDot128(sbyte* query, byte* row, int count)
    {
        Vector128<int> sum = default;
        for (var at = 0; at < count; at += 16)
        {
            var (rowLow, rowHigh) = Vector128.Widen(Vector128.Load(row + at));
            var (queryLow, queryHigh) = Vector128.Widen(Vector128.Load(query + at));
            sum += Products(rowLow.AsInt16(), queryLow) + Products(rowHigh.AsInt16(), queryHigh);
        }

        return Vector128.Sum(sum);
    }

    internal static int OffsetDotScalar(sbyte* query, byte* row, int count)
    {
        var sum = 0;
        for (var at = 0; at < count; at++) sum += query[at] * row[at];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int DotOfRowsVnni(byte* one, byte* other, int count)
    {
        Vector256<int> a = default, b = default, aOffset = default, bOffset = default;
        var flip = Vector256.Create((byte)0x80);
        for (var at = 0; at < count; at += 64)
        {
            var x = (Vector256.Load(one + at) ^ flip).AsSByte();
            var y = (Vector256.Load(one + at + 32) ^ flip).AsSByte();
            a = AvxVnni.MultiplyWideningAndAdd(a, Vector256.Load(other + at), x);
            b = AvxVnni.MultiplyWideningAndAdd(b, Vector256.Load(other + at + 32), y);
            aOffset = AvxVnni.MultiplyWideningAndAdd(aOffset, flip, x);
            bOffset = AvxVnni.MultiplyWideningAndAdd(bOffset, flip, y);
        }

        return Vector256.Sum((a - aOffset) + (b - bOffset));
    }

    internal static int DotOfRows256(byte* one, byte* other, int count)
    {
        Vector256<int> a = default, b = default;
        var flip = Vector256.Create((byte)0x80);
        for (var at = 0; at < count; at += 64)
        {
            a += Products((Vector256.Load(one + at) ^ flip).AsSByte(), (Vector256.Load(other + at) ^ flip).AsSByte());
            b += Products((Vector256.Load(one + at + 32) ^ flip).AsSByte(), (Vector256.Load(other + at + 32) ^ flip).AsSByte());
        }

        return Vector256.Sum(a + b);
    }

    internal static int DotOfRowsScalar(byte* one, byte* other, int count)
    {
        var sum = 0;
        for (var at = 0; at < count; at++) sum += (one[at] - 128) * (other[at] - 128);
        return sum;
    }

    internal static int Square512(sbyte* query, byte* row, int count)
    {
        Vector512<int> a = default, b = default;
        var offset = Vector512.Create((short)128);
        for (var at = 0; at < count; at += 64)
        {
            var x = Avx512BW.ConvertToVector512Int16(Vector256.Load(row + at)) - Avx512BW.ConvertToVector512Int16(Vector256.Load(query + at)) - offset;
            var y = Avx512BW.ConvertToVector512Int16(Vector256.Load(row + at + 32)) - Avx512BW.ConvertToVector512Int16(Vector256.Load(query + at + 32)) - offset;
            a += Avx512BW.MultiplyAddAdjacent(x, x);
            b += Avx512BW.MultiplyAddAdjacent(y, y);
        }

        return Vector512.Sum(a + b);
    }

    internal static int Square256(sbyte* query, byte* row, int count)
    {
        Vector256<int> sum = default;
        var offset = Vector256.Create((short)128);
        for (var at = 0; at < count; at += 16)
        {
            var apart = Avx2.ConvertToVector256Int16(row + at) - Avx2.ConvertToVector256Int16(query + at) - offset;
            sum += Avx2.MultiplyAddAdjacent(apart, apart);
        }

        return Vector256.Sum(sum);
    }

    internal static int SquareScalar(sbyte* query, byte* row, int count)
    {
        var sum = 0;
        for (var at = 0; at < count; at++) sum += (row[at] - 128 - query[at]) * (row[at] - 128 - query[at]);
        return sum;
    }

    internal static int Absolute256(sbyte* query, byte* row, int count)
    {
        Vector256<int> sum = default;
        var flip = Vector256.Create((byte)0x80);
        for (var at = 0; at < count; at += 32) sum += Avx2.SumAbsoluteDifferences(Vector256.Load(row + at), Vector256.Load(query + at).AsByte() ^ flip).AsInt32();
        return Vector256.Sum(sum);
    }

    internal static int AbsoluteScalar(sbyte* query, byte* row, int count)
    {
        var sum = 0;
        for (var at = 0; at < count; at++) sum += Math.Abs(row[at] - 128 - query[at]);
        return sum;
    }

    /// <summary>Products of 32 codes, four in a sum. The sign goes to the other factor, because the instruction wants one without: two products of codes up to 127 fit into 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Products(Vector256<sbyte> x, Vector256<sbyte> y) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(Avx2.Abs(x), Avx2.Sign(y, x)), Vector256.Create((short)1));

    private static Vector128<int> Products(Vector128<short> x, Vector128<short> y)
    {
        var (xLow, xHigh) = Vector128.Widen(x);
        var (yLow, yHigh) = Vector128.Widen(y);
        return (xLow * yLow) + (xHigh * yHigh);
    }
}
