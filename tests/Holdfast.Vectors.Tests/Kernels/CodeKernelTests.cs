using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Holdfast.Vectors.Kernels;

namespace Holdfast.Vectors.Tests.Kernels;

/// <summary>The kernels over codes of 8 bits and of one, against slow oracles. They are exact: sums of integers.</summary>
public sealed unsafe class CodeKernelTests
{
    public static TheoryData<int> Lengths => [.. new[] { 64, 128, 192, 384, 832, 4096 }];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Every_width_of_the_8_bit_kernels_agrees_with_the_oracle(int length)
    {
        var dice = new Random(length);
        var codes = Enumerable.Range(0, length).Select(_ => dice.Next(-127, 128)).ToArray();
        var others = Enumerable.Range(0, length).Select(_ => dice.Next(-127, 128)).ToArray();
        using var query = Rows.Of([.. codes.Select(code => (byte)(sbyte)code)]);
        using var row = Rows.Of([.. others.Select(code => (byte)(code + 128))]);
        using var one = Rows.Of([.. codes.Select(code => (byte)(code + 128))]);
        var q = (sbyte*)query.First;

        var dot = codes.Zip(others, (x, y) => x * y).Sum();
        var offset = codes.Zip(others, (x, y) => x * (y + 128)).Sum();
        Assert.Equal(offset, Int8Kernel.OffsetDotScalar(q, row.First, length));
        Assert.Equal(offset, Int8Kernel.OffsetDot128(q, row.First, length));
        Assert.Equal(offset, Int8Kernel.OffsetDot(q, row.First, length));
        Assert.Equal(dot, Int8Kernel.DotOfRowsScalar(one.First, row.First, length));
        Assert.Equal(dot, Int8Kernel.DotOfRows(one.First, row.First, length));

        var square = codes.Zip(others, (x, y) => (x - y) * (x - y)).Sum();
        Assert.Equal(square, Int8Kernel.SquareScalar(q, row.First, length));
        Assert.Equal(square, Int8Kernel.Square(q, row.First, length));
        var absolute = codes.Zip(others, (x, y) => Math.Abs(x - y)).Sum();
        Assert.Equal(absolute, Int8Kernel.AbsoluteScalar(q, row.First, length));
        Assert.Equal(absolute, Int8Kernel.Absolute(q, row.First, length));

        if (Avx2.IsSupported)
        {
            Assert.Equal(offset, Int8Kernel.OffsetDot256(q, row.First, length));
            Assert.Equal(dot, Int8Kernel.DotOfRows256(one.First, row.First, length));
            Assert.Equal(square, Int8Kernel.Square256(q, row.First, length));
        }

        if (AvxVnni.IsSupported) Assert.Equal(offset, Int8Kernel.OffsetDotVnni(q, row.First, length));
        if (Avx512BW.IsSupported) Assert.Equal(square, Int8Kernel.Square512(q, row.First, length));
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_metric_measures_a_query_and_the_row_that_it_was_made_from_alike(int length)
    {
        var dice = new Random(length);
        using var one = Rows.Of([.. Enumerable.Range(0, length).Select(_ => (byte)dice.Next(1, 256))]);
        using var other = Rows.Of([.. Enumerable.Range(0, length).Select(_ => (byte)dice.Next(1, 256))]);
        Alike<Int8Dot>(one, other);
        Alike<Int8Euclid>(one, other);
        Alike<Int8Manhattan>(one, other);
        Alike<FloatMetric<SquareStep, ByteRows, Apart>>(one, other, share: 1e-6f); // Sums above 2^24, in another order: the last bit is the processor's affair.
    }

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1536)]
    public void Every_width_of_the_packed_kernels_agrees_with_the_oracle(int count)
    {
        Packed<OneBit>(count);
        Packed<TwoBits>(count);
        Packed<FourBits>(count);
    }

    [Fact]
    public void A_product_table_adds_what_each_part_says()
    {
        var dice = new Random(3);
        var table = Enumerable.Range(0, 16 * 256).Select(_ => (float)dice.Next(-100, 100)).ToArray();
        var parts = Enumerable.Range(0, 16).Select(_ => (byte)dice.Next(256)).ToArray();
        using var query = Rows.Single(table);
        using var row = Rows.Of(parts);
        Assert.Equal(parts.Select((part, at) => table[(at * 256) + part]).Sum(), ProductLookup.Of(query.First, row.First, 16));
    }

    [Fact]
    public void Differing_bits_are_counted()
    {
        var dice = new Random(7);
        var x = new byte[192];
        var y = new byte[192];
        dice.NextBytes(x);
        dice.NextBytes(y);
        using var one = Rows.Of(x);
        using var other = Rows.Of(y);
        Assert.Equal(x.Zip(y, (a, b) => int.PopCount(a ^ b)).Sum(), BinaryKernel.Differing(one.First, other.First, 192));
    }

    private static void Packed<TBits>(int count)
        where TBits : struct, IPackedBits
    {
        var dice = new Random(count + TBits.Bits);
        var codes = Enumerable.Range(0, count).Select(_ => (byte)dice.Next(1 << TBits.Bits)).ToArray();
        var others = Enumerable.Range(0, count).Select(_ => dice.Next(-127, 128)).ToArray();
        using var query = Rows.Of([.. others.Select(code => (byte)(sbyte)code)]);
        using var row = Rows.Of(new byte[count * TBits.Bits / 8]);
        PackedKernel<TBits>.Pack(codes, row.First);
        var expected = codes.Zip(others, (x, y) => x * y).Sum();
        var bytes = count * TBits.Bits / 8;
        Assert.Equal(expected, PackedKernel<TBits>.DotScalar((sbyte*)query.First, row.First, bytes));
        Assert.Equal(expected, PackedKernel<TBits>.Dot((sbyte*)query.First, row.First, bytes));
        if (Avx2.IsSupported) Assert.Equal(expected, PackedKernel<TBits>.Dot256((sbyte*)query.First, row.First, bytes));
        if (AvxVnni.IsSupported) Assert.Equal(expected, PackedKernel<TBits>.DotVnni((sbyte*)query.First, row.First, bytes));
    }

    private static void Alike<TMetric>(Rows one, Rows other, float share = 0)
        where TMetric : struct, IRowMetric
    {
        using var query = Rows.Of(new byte[TMetric.QueryBytes(one.Bytes)]);
        TMetric.ToQuery(one.First, query.First, one.Bytes);
        var expected = TMetric.OfRows(one.First, other.First, one.Bytes);
        Assert.InRange(TMetric.Of(query.First, other.First, one.Bytes), expected - (MathF.Abs(expected) * share), expected + (MathF.Abs(expected) * share));
        Assert.True(TMetric.Of(query.First, one.First, one.Bytes) <= TMetric.OfRows(one.First, other.First, one.Bytes) || typeof(TMetric) == typeof(Int8Dot));
    }
}
