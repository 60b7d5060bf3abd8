using System.Runtime.CompilerServices;

namespace Holdfast.Vectors.Kernels;

/// <summary>One bit per dimension: how many differ.</summary>
internal unsafe struct BinaryHamming : IWalkMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes) => BinaryKernel.Differing(query, row, rowBytes);

    public static int QueryBytes(int rowBytes) => rowBytes;
}

/// <summary>
/// Packed codes of one, two or four bits under the dot product. Behind a row's codes stand its factor and its own addend; a query begins with its addend, its scale and what the codes' middle adds, and its
/// 8-bit codes follow on the next cache line (Gao et al., "RaBitQ" and its extension; the names there are other ones).
/// </summary>
internal unsafe struct PackedDot<TBits> : IWalkMetric
    where TBits : struct, IPackedBits
{
    /// <summary>Bytes of a query before its codes.</summary>
    public const int QueryHead = 64;

    /// <summary>Bytes of a row behind its codes.</summary>
    public const int RowTail = 2 * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes)
    {
        var head = (float*)query;
        var tail = (float*)(row + rowBytes - RowTail);
        var product = (head[1] * PackedKernel<TBits>.Dot((sbyte*)query + QueryHead, row, rowBytes - RowTail)) - head[2];
        return head[0] + tail[1] - (tail[0] * product);
    }

    public static int QueryBytes(int rowBytes) => QueryHead + ((rowBytes - RowTail) * (8 / TBits.Bits));
}

/// <summary>A byte per part of a vector, each the number of the closest of 256 middles; a query is a table of what each adds (Jégou et al., product quantisation).</summary>
internal unsafe struct ProductLookup : IWalkMetric
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Of(byte* query, byte* row, int rowBytes)
    {
        float a = 0, b = 0, c = 0, d = 0;
        var table = (float*)query;
        for (var part = 0; part < rowBytes; part += 4, table += 1024)
        {
            a += table[row[part]];
            b += table[256 + row[part + 1]];
            c += table[512 + row[part + 2]];
            d += table[768 + row[part + 3]];
        }

        return (a + b) + (c + d);
    }

    public static int QueryBytes(int rowBytes) => rowBytes * 256 * sizeof(float);
}
