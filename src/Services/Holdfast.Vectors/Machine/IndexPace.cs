namespace Holdfast.Vectors.Machine;

/// <summary>
/// How long a thread that indexes rests between two pieces of work. It gives way: when a piece took longer than the processor worked on it, the processor was short, and searches and writes waited for it as well.
/// A lower rank of the thread would do worse: whenever the collector stops the process it waits until each thread has been on the processor once, and one of low rank comes last. Pure.
/// </summary>
internal static class IndexPace
{
    /// <summary>What a piece lacked is rested so many times over.</summary>
    private const int GivesWay = 2;

    /// <summary>Given way at most so long at a time: whatever else the machine does, indexing goes on.</summary>
    private static readonly TimeSpan WayMax = TimeSpan.FromMilliseconds(40);

    /// <summary>The rest.</summary>
    /// <param name="took">What the piece took.</param>
    /// <param name="onProcessor">What of that the thread had the processor.</param>
    /// <param name="share">The share of its time that it may work at most.</param>
    public static TimeSpan RestAfter(TimeSpan took, TimeSpan onProcessor, double share)
    {
        var ofShare = share < 1 ? took * ((1 - share) / share) : TimeSpan.Zero;
        var lack = (took - onProcessor) * GivesWay;
        return ofShare + (lack <= TimeSpan.Zero ? TimeSpan.Zero : lack < WayMax ? lack : WayMax);
    }
}
