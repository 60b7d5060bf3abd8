using Holdfast.Vectors.Machine;

namespace Holdfast.Vectors.Tests.Machine;

/// <summary>How long a thread that indexes rests: by its share, and longer where the processor was short.</summary>
public sealed class IndexPaceTests
{
    [Theory]
    [InlineData(9, 9, 0.9, 1)] // Alone: its share and nothing more.
    [InlineData(9, 9, 1, 0)]
    [InlineData(9, 10, 1, 0)] // Two clocks are never quite one.
    [InlineData(9, 4, 1, 5)] // It waited for five: it stands back for five.
    [InlineData(9, 4, 0.9, 6)]
    [InlineData(90, 0, 1, 20)] // Whatever else the machine does, it goes on.
    [InlineData(0, 0, 0.5, 0)]
    public void It_gives_way_by_what_it_lacked(int took, int onProcessor, double share, int rest) =>
        Assert.Equal(rest, IndexPace.RestAfter(TimeSpan.FromMilliseconds(took), TimeSpan.FromMilliseconds(onProcessor), share).TotalMilliseconds, 3);

    [Theory]
    [InlineData(5000, 0, true)] // A load.
    [InlineData(999, 0, false)] // Points are written now and then: there is time for graphs beside them.
    [InlineData(5000, 256 << 20, true)]
    [InlineData(5000, (256 << 20) + 1, false)] // It goes on for so long that searches pay for it.
    public void Graphs_wait_for_a_load_that_is_short(double rowsPerSecond, long waitingBytes, bool isWaiting) => Assert.Equal(isWaiting, IndexPace.WaitsForLoad(rowsPerSecond, waitingBytes));

    [Fact]
    public void Rows_are_counted_over_windows_and_the_end_of_a_load_is_known_soon()
    {
        var (rate, now) = (new ArrivalRate(), TimeSpan.FromSeconds(7));
        rate.Note(50_000, now); // What was there before did not come now.
        Assert.Equal(0, rate.PerSecond);
        Assert.False(rate.IsDue(now += TimeSpan.FromMilliseconds(199)));
        Assert.True(rate.IsDue(now += TimeSpan.FromMilliseconds(1)));
        rate.Note(51_000, now);
        Assert.Equal(5000, rate.PerSecond, 3);
        rate.Note(40_000, now += TimeSpan.FromMilliseconds(200)); // A merge left the dead out.
        Assert.Equal(0, rate.PerSecond);
        rate.Note(40_000, now + TimeSpan.FromSeconds(1));
        Assert.Equal(0, rate.PerSecond);
    }
}
