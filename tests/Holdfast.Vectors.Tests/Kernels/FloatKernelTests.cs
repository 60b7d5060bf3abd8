using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Tests.Kernels;

/// <summary>Every width of every float kernel, against a slow oracle in double precision.</summary>
public sealed unsafe class FloatKernelTests
{
    public static TheoryData<int> Sizes => [.. new[] { 1, 2, 3, 15, 16, 17, 63, 64, 65, 100, 384, 784, 1537, 4096 }];

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_width_agrees_with_the_oracle_on_single_rows(int size)
    {
        var (query, row) = Vectors(size);
        var oracle = new Oracle(query, row);
        Check<DotStep, SingleRows>(query, Rows.Single(row), oracle.Dot, oracle.DotScale);
        Check<SquareStep, SingleRows>(query, Rows.Single(row), oracle.Square, oracle.Square);
        Check<AbsoluteStep, SingleRows>(query, Rows.Single(row), oracle.Absolute, oracle.Absolute);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_width_agrees_with_the_oracle_on_half_rows(int size)
    {
        var (query, exact) = Vectors(size);
        var row = exact.Select(each => (float)(Half)each).ToArray();
        var oracle = new Oracle(query, row);
        Check<DotStep, HalfRows>(query, Rows.Half(row), oracle.Dot, oracle.DotScale);
        Check<SquareStep, HalfRows>(query, Rows.Half(row), oracle.Square, oracle.Square);
        Check<AbsoluteStep, HalfRows>(query, Rows.Half(row), oracle.Absolute, oracle.Absolute);
    }

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Every_width_agrees_with_the_oracle_on_rows_of_bytes(int size)
    {
        var dice = new Random(size);
        var row = Enumerable.Range(0, size).Select(_ => (float)dice.Next(256)).ToArray();
        var query = Enumerable.Range(0, size).Select(_ => (float)dice.Next(256)).ToArray();
        var oracle = new Oracle(query, row);
        byte[] bytes = [.. row.Select(each => (byte)each)];
        Check<DotStep, ByteRows>(query, Rows.Of(bytes), oracle.Dot, oracle.DotScale);
        Check<SquareStep, ByteRows>(query, Rows.Of(bytes), oracle.Square, oracle.Square);
        Check<AbsoluteStep, ByteRows>(query, Rows.Of(bytes), oracle.Absolute, oracle.Absolute);
        Check<OwnSquareStep, ByteRows>(query, Rows.Of(bytes), row.Sum(each => (double)each * each), row.Sum(each => (double)each * each));
        using var stored = Rows.Of(bytes);
        using var one = Rows.Single([.. query.Select(each => each / MathF.Sqrt(query.Sum(x => x * x))), .. new float[stored.Bytes - size]]);
        using var other = Rows.Of([.. query.Select(each => (byte)each)]);
        var cosine = oracle.Dot / Math.Sqrt(row.Sum(each => (double)each * each) * query.Sum(each => (double)each * each));
        Assert.Equal(-cosine, ByteCosine.Of(one.First, stored.First, stored.Bytes), 1e-4);
        Assert.Equal(-cosine, ByteCosine.OfRows(other.First, stored.First, stored.Bytes), 1e-4);
    }

    [Fact]
    public void Every_finite_half_is_widened_exactly()
    {
        var one = new float[32];
        one[0] = 1;
        using var query = Rows.Single(one);
        for (var bits = 0; bits < 0x10000; bits++)
        {
            var half = BitConverter.UInt16BitsToHalf((ushort)bits);
            if (!Half.IsFinite(half)) continue;
            using var row = Rows.Half([(float)half]);
            Assert.Equal((float)half, FloatKernel<DotStep, HalfRows>.Sum512((float*)query.First, row.First, 32));
            Assert.Equal((float)half, FloatKernel<DotStep, HalfRows>.Sum256((float*)query.First, row.First, 32));
            Assert.Equal((float)half, FloatKernel<DotStep, HalfRows>.Sum128((float*)query.First, row.First, 32));
        }
    }

    private static void Check<TStep, TRows>(float[] query, Rows row, double expected, double scale)
        where TStep : struct, IFloatStep
        where TRows : struct, IFloatRows
    {
        using var rows = row;
        var count = rows.Bytes / TRows.ElementBytes;
        using var padded = Rows.Single([.. query, .. new float[count - query.Length]]);
        var bound = (Math.Abs(scale) * (TRows.ElementBytes == 1 ? 1e-4 : 1e-5)) + 1e-6; // Sums of thousands of whole numbers are beyond a float's digits.
        var q = (float*)padded.First;
        Assert.Equal(expected, FloatKernel<TStep, TRows>.SumScalar(q, rows.First, count), bound);
        Assert.Equal(expected, FloatKernel<TStep, TRows>.Sum128(q, rows.First, count), bound);
        Assert.Equal(expected, FloatKernel<TStep, TRows>.Sum256(q, rows.First, count), bound);
        Assert.Equal(expected, FloatKernel<TStep, TRows>.Sum512(q, rows.First, count), bound);
        Assert.Equal(expected, FloatKernel<TStep, TRows>.Sum(q, rows.First, count), bound);
    }

    private static (float[] Query, float[] Row) Vectors(int size)
    {
        var dice = new Random(size);
        return ([.. Enumerable.Range(0, size).Select(_ => (dice.NextSingle() * 2) - 1)], [.. Enumerable.Range(0, size).Select(_ => (dice.NextSingle() * 2) - 1)]);
    }

    private sealed class Oracle(float[] one, float[] other)
    {
        public double Dot => one.Zip(other, (x, y) => (double)x * y).Sum();

        public double DotScale => one.Zip(other, (x, y) => Math.Abs((double)x * y)).Sum();

        public double Square => one.Zip(other, (x, y) => ((double)x - y) * ((double)x - y)).Sum();

        public double Absolute => one.Zip(other, (x, y) => Math.Abs((double)x - y)).Sum();
    }
}
