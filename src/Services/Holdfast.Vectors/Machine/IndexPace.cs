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

    /// <summary>Rows a second from which on points are loaded rather than written: a quarter of what a thread puts into graphs of 384 components.</summary>
    private const double LoadRowsPerSecond = 1000;

    /// <summary>So much a search may have to scan: some four milliseconds of a processor.</summary>
    private const long ScanBytesMax = 256 << 20;

    /// <summary>
    /// Whether graphs wait until a load is over. Nothing is lost by it, since they take the same time then, and the load is over sooner; but a thread that builds them is one more that searches and writes wait for, and every
    /// stop of the collector, too. Not for long loads: what waits is scanned by every search.
    /// </summary>
    /// <param name="rowsPerSecond">How fast rows come to the node.</param>
    /// <param name="waitingBytes">What waits there for a graph.</param>
    public static bool WaitsForLoad(double rowsPerSecond, long waitingBytes) => rowsPerSecond >= LoadRowsPerSecond && waitingBytes <= ScanBytesMax;

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
