namespace Holdfast.Vectors.Machine;

/// <summary>
/// How long a thread that indexes rests between two pieces of work. It gives way: when a piece took longer than the processor worked on it, the processor was short, and searches and writes waited for it as well; the thread
/// stands back for as long. Twice as long would be too much: the indexing threads of nodes that share a machine lack each other's time, too.
/// A lower rank of the thread would do worse: whenever the collector stops the process it waits until each thread has been on the processor once, and one of low rank comes last. Pure.
/// </summary>
internal static class IndexPace
{
    /// <summary>Given way at most so long at a time: whatever else the machine does, indexing goes on.</summary>
    private static readonly TimeSpan WayMax = TimeSpan.FromMilliseconds(20);

    /// <summary>The rest.</summary>
    /// <param name="took">What the piece took.</param>
    /// <param name="onProcessor">What of that the thread had the processor.</param>
    /// <param name="share">The share of its time that it may work at most.</param>
    public static TimeSpan RestAfter(TimeSpan took, TimeSpan onProcessor, double share)
    {
        var ofShare = share < 1 ? took * ((1 - share) / share) : TimeSpan.Zero;
        var lack = took - onProcessor;
        return ofShare + (lack <= TimeSpan.Zero ? TimeSpan.Zero : lack < WayMax ? lack : WayMax);
    }
}
