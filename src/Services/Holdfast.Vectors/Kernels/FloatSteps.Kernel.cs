using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Holdfast.Vectors.Kernels;

/// <summary>One step of a sum over two rows of floats, at every width. What earns it: bench/peers/vectors.sh.</summary>
internal interface IFloatStep
{
    static abstract Vector512<float> Step(Vector512<float> x, Vector512<float> y, Vector512<float> sum);

    static abstract Vector256<float> Step(Vector256<float> x, Vector256<float> y, Vector256<float> sum);

    static abstract Vector128<float> Step(Vector128<float> x, Vector128<float> y, Vector128<float> sum);

    static abstract float Step(float x, float y, float sum);
}

/// <summary>Adds the product.</summary>
internal struct DotStep : IFloatStep
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> x, Vector512<float> y, Vector512<float> sum) => Vector512.MultiplyAddEstimate(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Step(Vector256<float> x, Vector256<float> y, Vector256<float> sum) => Vector256.MultiplyAddEstimate(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Step(Vector128<float> x, Vector128<float> y, Vector128<float> sum) => Vector128.MultiplyAddEstimate(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Step(float x, float y, float sum) => sum + (x * y);
}

/// <summary>Adds the square of the difference.</summary>
internal struct SquareStep : IFloatStep
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> x, Vector512<float> y, Vector512<float> sum)
    {
        var apart = x - y;
        return Vector512.MultiplyAddEstimate(apart, apart, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Step(Vector256<float> x, Vector256<float> y, Vector256<float> sum)
    {
        var apart = x - y;
        return Vector256.MultiplyAddEstimate(apart, apart, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Step(Vector128<float> x, Vector128<float> y, Vector128<float> sum)
    {
        var apart = x - y;
        return Vector128.MultiplyAddEstimate(apart, apart, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Step(float x, float y, float sum) => sum + ((x - y) * (x - y));
}

/// <summary>Adds the difference without its sign.</summary>
internal struct AbsoluteStep : IFloatStep
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> x, Vector512<float> y, Vector512<float> sum) => sum + Vector512.Abs(x - y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Step(Vector256<float> x, Vector256<float> y, Vector256<float> sum) => sum + Vector256.Abs(x - y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Step(Vector128<float> x, Vector128<float> y, Vector128<float> sum) => sum + Vector128.Abs(x - y);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Step(float x, float y, float sum) => sum + MathF.Abs(x - y);
}

/// <summary>Adds the square of the second: for a row's own length.</summary>
internal struct OwnSquareStep : IFloatStep
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Step(Vector512<float> x, Vector512<float> y, Vector512<float> sum) => Vector512.MultiplyAddEstimate(y, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Step(Vector256<float> x, Vector256<float> y, Vector256<float> sum) => Vector256.MultiplyAddEstimate(y, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Step(Vector128<float> x, Vector128<float> y, Vector128<float> sum) => Vector128.MultiplyAddEstimate(y, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Step(float x, float y, float sum) => sum + (y * y);
}
