using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Filters.Indexes;

namespace Holdfast.Vectors.Tests.Filters;

/// <summary>What a range's bits say is what it says of each value alone, at every kind of bound.</summary>
public sealed class RangeBitsTests
{
    private static readonly double[] Numbers = [double.NegativeInfinity, double.MinValue, -3, -0.0, 0, double.Epsilon, 1, 2, 2.5, 7, double.MaxValue, double.PositiveInfinity];
    private static readonly long[] Moments = [long.MinValue, long.MinValue + 1, -5, 0, 1, 6, 7, long.MaxValue - 1, long.MaxValue];

    [Fact]
    public void Numbers_lie_where_each_alone_does()
    {
        var dice = new Random(3);
        var values = Enumerable.Range(0, 200).Select(_ => Numbers[dice.Next(Numbers.Length)]).ToArray();
        for (var each = 0; each < 2000; each++)
        {
            var range = new NumberRange(Bound(), Bound(), Bound(), Bound());
            Check(values, range.Bounds, range.Contains);
        }

        double Bound() => dice.Next(2) == 0 ? double.NaN : Numbers[dice.Next(Numbers.Length)];
    }

    [Fact]
    public void Moments_lie_where_each_alone_does()
    {
        var dice = new Random(4);
        var values = Enumerable.Range(0, 200).Select(_ => Moments[dice.Next(Moments.Length)]).ToArray();
        for (var each = 0; each < 2000; each++)
        {
            var range = new MomentRange(Bound(), Bound(), Bound(), Bound());
            Check(values, range.Bounds, range.Contains);
        }

        long? Bound() => dice.Next(2) == 0 ? null : Moments[dice.Next(Moments.Length)];
    }

    private static void Check<T>(T[] values, (T Low, T High)? bounds, Func<T, bool> contains)
        where T : unmanaged, System.Numerics.INumber<T>
    {
        var (all, some) = (new ulong[4], new ulong[4]);
        if (bounds is { } between)
        {
            RangeBits.OfAll(values, between.Low, between.High, all);
            RangeBits.OfSome([.. Enumerable.Range(0, values.Length)], values, between.Low, between.High, some);
        }

        for (var row = 0; row < values.Length; row++) Assert.Equal((contains(values[row]), contains(values[row])), (IsSet(all, row), IsSet(some, row)));

        static bool IsSet(ulong[] bits, int row) => (bits[row >> 6] & (1UL << row)) != 0;
    }
}
