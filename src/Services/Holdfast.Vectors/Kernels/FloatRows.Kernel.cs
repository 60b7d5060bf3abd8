using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Holdfast.Vectors.Kernels;

/// <summary>How a stored row becomes floats in registers.</summary>
internal unsafe interface IFloatRows
{
    static abstract int ElementBytes { get; }

    static abstract Vector512<float> Load512(byte* row, int element);

    static abstract Vector256<float> Load256(byte* row, int element);

    static abstract Vector128<float> Load128(byte* row, int element);

    static abstract float Load(byte* row, int element);
}

/// <summary>Rows of single precision.</summary>
internal unsafe struct SingleRows : IFloatRows
{
    public static int ElementBytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int element) => Vector512.Load((float*)row + element);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int element) => Vector256.Load((float*)row + element);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int element) => Vector128.Load((float*)row + element);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int element) => ((float*)row)[element];
}

/// <summary>
/// Rows of half precision, widened in registers: the 15 bits of exponent and fraction are moved into a float's place and the exponent's bias is mended by a multiplication, which is exact,
/// subnormal numbers included. Infinities and NaN are refused long before.
/// </summary>
internal unsafe struct HalfRows : IFloatRows
{
    private const float Mend = 5.192296858534828e33f; // 2^112: the two formats' biases are 112 apart.

    public static int ElementBytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int element)
    {
        var half = Vector256.Load((ushort*)row + element);
        Vector512<int> bits;
        if (Avx512F.IsSupported)
        {
            bits = Avx512F.ConvertToVector512Int32(half);
        }
        else
        {
            var (low, high) = Vector256.Widen(half);
            bits = Vector512.Create(low, high).AsInt32();
        }

        var size = ((bits & Vector512.Create(0x7FFF)) << 13).AsSingle() * Mend;
        return size | ((bits & Vector512.Create(0x8000)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int element)
    {
        var (low, high) = Vector128.Widen(Vector128.Load((ushort*)row + element));
        var bits = Vector256.Create(low, high).AsInt32();
        var size = ((bits & Vector256.Create(0x7FFF)) << 13).AsSingle() * Mend;
        return size | ((bits & Vector256.Create(0x8000)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int element)
    {
        var half = Vector128.CreateScalarUnsafe(*(ulong*)(row + (element * sizeof(ushort)))).AsUInt16();
        var bits = Vector128.WidenLower(half).AsInt32();
        var size = ((bits & Vector128.Create(0x7FFF)) << 13).AsSingle() * Mend;
        return size | ((bits & Vector128.Create(0x8000)) << 16).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int element) => (float)((Half*)row)[element];
}

/// <summary>Rows of unsigned bytes, widened in registers.</summary>
internal unsafe struct ByteRows : IFloatRows
{
    public static int ElementBytes => sizeof(byte);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load512(byte* row, int element)
    {
        var bytes = Vector128.Load(row + element);
        if (Avx512F.IsSupported) return Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(bytes));
        var (low, high) = Vector128.Widen(bytes);
        var (a, b) = Vector128.Widen(low);
        var (c, d) = Vector128.Widen(high);
        return Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(a, b), Vector256.Create(c, d)).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load256(byte* row, int element)
    {
        var (low, high) = Vector128.Widen(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)(row + element)).AsByte()));
        return Vector256.ConvertToSingle(Vector256.Create(low, high).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Load128(byte* row, int element) =>
        Vector128.ConvertToSingle(Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(uint*)(row + element)).AsByte())).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Load(byte* row, int element) => row[element];
}
