using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Holdfast.Vectors.Kernels;

/// <summary>
/// Sums over a query of floats and a stored row, whose lengths are padded with zeros to whole 64 bytes, so that no width has a tail. Four sums go on side by side: an addition takes four cycles and
/// two can begin in each. 384 floats: 7.8 ns at 512 bits, 13 at 256 (bench/peers/vectors.sh prints it).
/// </summary>
internal static unsafe class FloatKernel<TStep, TRows>
    where TStep : struct, IFloatStep
    where TRows : struct, IFloatRows
{
    /// <summary>The sum over <paramref name="count"/> elements, a multiple of 16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(float* query, byte* row, int count)
    {
        if (Vector512.IsHardwareAccelerated) return Sum512(query, row, count);
        if (Vector256.IsHardwareAccelerated) return Sum256(query, row, count);
        return Vector128.IsHardwareAccelerated ? Sum128(query, row, count) : SumScalar(query, row, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum512(float* query, byte* row, int count)
    {
        Vector512<float> a = default, b = default, c = default, d = default;
        var at = 0;
        for (; at + 64 <= count; at += 64)
        {
            a = TStep.Step(Vector512.Load(query + at), TRows.Load512(row, at), a);
            b = TStep.Step(Vector512.Load(query + at + 16), TRows.Load512(row, at + 16), b);
            c = TStep.Step(Vector512.Load(query + at + 32), TRows.Load512(row, at + 32), c);
            d = TStep.Step(Vector512.Load(query + at + 48), TRows.Load512(row, at + 48), d);
        }

        for (; at < count; at += 16) a = TStep.Step(Vector512.Load(query + at), TRows.Load512(row, at), a);
        return Vector512.Sum((a + b) + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum256(float* query, byte* row, int count)
    {
        Vector256<float> a = default, b = default, c = default, d = default;
        var at = 0;
        for (; at + 32 <= count; at += 32)
        {
            a = TStep.Step(Vector256.Load(query + at), TRows.Load256(row, at), a);
            b = TStep.Step(Vector256.Load(query + at + 8), TRows.Load256(row, at + 8), b);
            c = TStep.Step(Vector256.Load(query + at + 16), TRows.Load256(row, at + 16), c);
            d = TStep.Step(Vector256.Load(query + at + 24), TRows.Load256(row, at + 24), d);
        }

        for (; at < count; at += 8) a = TStep.Step(Vector256.Load(query + at), TRows.Load256(row, at), a);
        return Vector256.Sum((a + b) + (c + d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static float Sum128(float* query, byte* row, int count)
    {
        Vector128<float> a = default, b = default, c = default, d = default;
        for (var at = 0; at < count; at += 16)
        {
            a = TStep.Step(Vector128.Load(query + at), TRows.Load128(row, at), a);
            b = TStep.Step(Vector128.Load(query + at + 4), TRows.Load128(row, at + 4), b);
            c = TStep.Step(Vector128.Load(query + at + 8), TRows.Load128(row, at + 8), c);
            d = TStep.Step(Vector128.Load(query + at + 12), TRows.Load128(row, at + 12), d);
        }

        return Vector128.Sum((a + b) + (c + d));
    }

    internal static float SumScalar(float* query, byte* row, int count)
    {
        var sum = 0f;
        for (var at = 0; at < count; at++) sum = TStep.Step(query[at], TRows.Load(row, at), sum);
        return sum;
    }
}
