namespace Holdfast.Primitives.Tests;

public sealed class SeededRandomTests
{
    [Fact]
    public void The_same_seed_gives_the_same_sequence_and_another_seed_another()
    {
        Assert.Equal(Draws(7), Draws(7));
        Assert.NotEqual(Draws(7), Draws(8));
    }

    [Fact]
    public void A_fork_draws_by_itself()
    {
        var left = new SeededRandom(1);
        var right = new SeededRandom(1);
        var fork = left.Fork();
        right.Fork();
        for (var i = 0; i < 100; i++) fork.NextUInt64();
        Assert.Equal(right.NextUInt64(), left.NextUInt64());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(1000)]
    public void Draws_below_a_bound_reach_all_of_it_about_equally_often(int bound)
    {
        const int Each = 400;
        var dice = new SeededRandom(42);
        var seen = new int[bound];
        for (var i = 0; i < bound * Each; i++) seen[dice.Next(bound)]++;
        Assert.All(seen, count => Assert.InRange(count, Each / 2, Each * 2));
    }

    [Fact]
    public void Fractions_and_spans_stay_inside_their_half_open_range()
    {
        var dice = new SeededRandom(3);
        var (low, high) = (TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(9));
        for (var i = 0; i < 10_000; i++)
        {
            Assert.InRange(dice.NextDouble(), 0, 1 - double.Epsilon);
            var span = dice.NextSpan(low, high);
            Assert.True(span >= low && span < high);
        }
    }

    [Fact]
    public void A_bound_that_is_not_positive_is_a_broken_contract() => Assert.Throws<InvariantBrokenException>(() => new SeededRandom(1).Next(0));

    private static ulong[] Draws(ulong seed)
    {
        var dice = new SeededRandom(seed);
        return [.. Enumerable.Range(0, 16).Select(_ => dice.NextUInt64())];
    }
}
