using System.Runtime.CompilerServices;

namespace Holdfast.Vectors.Kernels;

/// <summary>
/// A distance from a query to rows stored in one way, as a struct, so that a walk is compiled for it with the arithmetic inlined. Smaller is closer. A query has the metric's own form, which needs
/// <see cref="QueryBytes"/> bytes.
/// </summary>
internal unsafe interface IWalkMetric
{
    /// <summary>From a query to a row.</summary>
    static abstract float Of(byte* query, byte* row, int rowBytes);

    /// <summary>How much room a query takes.</summary>
    static abstract int QueryBytes(int rowBytes);
}

/// <summary>A distance that rows have between one another as well: a graph can be built by it.</summary>
internal unsafe interface IRowMetric : IWalkMetric
{
    /// <summary>Between two rows.</summary>
    static abstract float OfRows(byte* one, byte* other, int rowBytes);

    /// <summary>A stored row in the form of a query.</summary>
    static abstract void ToQuery(byte* row, byte* query, int rowBytes);
}

/// <summary>Float rows under any of the three sums.</summary>
internal unsafe struct FloatMetric<TStep, TRows, TSign> : IRowMetric
    where TStep : struct, IFloatStep
    where TRows : struct, IFloatRows
    where TSign : struct, ISign
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes) => TSign.Of(FloatKernel<TStep, TRows>.Sum((float*)query, row, rowBytes / TRows.ElementBytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float OfRows(byte* one, byte* other, int rowBytes)
    {
        if (TRows.ElementBytes == sizeof(float)) return Of(one, other, rowBytes);
        var count = rowBytes / TRows.ElementBytes;
        var query = stackalloc float[16];
        var sum = 0f;
        for (var at = 0; at < count; at += 16)
        {
            for (var one16 = 0; one16 < 16; one16++) query[one16] = TRows.Load(one, at + one16);
            sum += FloatKernel<TStep, TRows>.Sum(query, other + (at * TRows.ElementBytes), 16);
        }

        return TSign.Of(sum);
    }

    public static void ToQuery(byte* row, byte* query, int rowBytes)
    {
        for (var at = 0; at < rowBytes / TRows.ElementBytes; at++) ((float*)query)[at] = TRows.Load(row, at);
    }

    public static int QueryBytes(int rowBytes) => rowBytes / TRows.ElementBytes * sizeof(float);
}

/// <summary>Bytes under the cosine: they cannot be brought to length one beforehand, so a row's length is computed with it. Queries are of length one.</summary>
internal unsafe struct ByteCosine : IRowMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes)
    {
        var square = FloatKernel<OwnSquareStep, ByteRows>.Sum((float*)query, row, rowBytes);
        return square > 0 ? -FloatKernel<DotStep, ByteRows>.Sum((float*)query, row, rowBytes) / MathF.Sqrt(square) : 0;
    }

    public static float OfRows(byte* one, byte* other, int rowBytes)
    {
        var (dot, square) = (0, 0);
        var own = 0;
        for (var at = 0; at < rowBytes; at++) (dot, square, own) = (dot + (one[at] * other[at]), square + (other[at] * other[at]), own + (one[at] * one[at]));
        return square > 0 && own > 0 ? -dot / MathF.Sqrt((float)square * own) : 0;
    }

    public static void ToQuery(byte* row, byte* query, int rowBytes)
    {
        var square = 0f;
        for (var at = 0; at < rowBytes; at++) square += row[at] * row[at];
        var scale = square > 0 ? 1 / MathF.Sqrt(square) : 0;
        for (var at = 0; at < rowBytes; at++) ((float*)query)[at] = row[at] * scale;
    }

    public static int QueryBytes(int rowBytes) => rowBytes * sizeof(float);
}

/// <summary>Whether a larger sum is closer.</summary>
internal interface ISign
{
    static abstract float Of(float sum);
}

/// <summary>A larger sum is closer: it is turned round.</summary>
internal struct Similar : ISign
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float sum) => -sum;
}

/// <summary>A smaller sum is closer.</summary>
internal struct Apart : ISign
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(float sum) => sum;
}

/// <summary>8-bit codes under the dot product. Behind the query's codes stands what the offset adds to each sum.</summary>
internal unsafe struct Int8Dot : IRowMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes) => *(int*)(query + rowBytes) - Int8Kernel.OffsetDot((sbyte*)query, row, rowBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float OfRows(byte* one, byte* other, int rowBytes) => -Int8Kernel.DotOfRows(one, other, rowBytes);

    public static void ToQuery(byte* row, byte* query, int rowBytes)
    {
        Int8Kernel.ToQuery(row, (sbyte*)query, rowBytes);
        var sum = 0;
        for (var at = 0; at < rowBytes; at++) sum += ((sbyte*)query)[at];
        *(int*)(query + rowBytes) = 128 * sum;
    }

    public static int QueryBytes(int rowBytes) => rowBytes + 64;
}

/// <summary>8-bit codes under the square of the straight line.</summary>
internal unsafe struct Int8Euclid : IRowMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes) => Int8Kernel.Square((sbyte*)query, row, rowBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float OfRows(byte* one, byte* other, int rowBytes)
    {
        var query = stackalloc sbyte[64];
        var sum = 0;
        for (var at = 0; at < rowBytes; at += 64)
        {
            Int8Kernel.ToQuery(one + at, query, 64);
            sum += Int8Kernel.Square(query, other + at, 64);
        }

        return sum;
    }

    public static void ToQuery(byte* row, byte* query, int rowBytes) => Int8Kernel.ToQuery(row, (sbyte*)query, rowBytes);

    public static int QueryBytes(int rowBytes) => rowBytes;
}

/// <summary>8-bit codes under the sum of the differences.</summary>
internal unsafe struct Int8Manhattan : IRowMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes) => Int8Kernel.Absolute((sbyte*)query, row, rowBytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float OfRows(byte* one, byte* other, int rowBytes)
    {
        var query = stackalloc sbyte[64];
        var sum = 0;
        for (var at = 0; at < rowBytes; at += 64)
        {
            Int8Kernel.ToQuery(one + at, query, 64);
            sum += Int8Kernel.Absolute(query, other + at, 64);
        }

        return sum;
    }

    public static void ToQuery(byte* row, byte* query, int rowBytes) => Int8Kernel.ToQuery(row, (sbyte*)query, rowBytes);

    public static int QueryBytes(int rowBytes) => rowBytes;
}
