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
}
