using Holdfast.Primitives.Metrics;

namespace Holdfast.Storage;

/// <summary>What the log's thread counts; read by the metrics page.</summary>
public sealed class WalMeters
{
    private int segments;

    /// <summary>How long an fsync took: what an operator's disk does to every write.</summary>
    public Histogram SyncSeconds { get; } = new(Histogram.Seconds);

    /// <summary>How long handing a commit to the operating system took.</summary>
    public Histogram WriteSeconds { get; } = new(Histogram.Seconds);

    /// <summary>Bytes of records written.</summary>
    public Counter Bytes { get; } = new();

    /// <summary>Segment files, the one being written included.</summary>
    public int Segments => Volatile.Read(ref segments);

    internal void OnCommit(TimeSpan write, TimeSpan sync, long bytes, int segmentsNow)
    {
        WriteSeconds.Observe(write);
        SyncSeconds.Observe(sync);
        Bytes.Add(bytes);
        Volatile.Write(ref segments, segmentsNow);
    }

    internal void OnOpened(int segmentsNow) => Volatile.Write(ref segments, segmentsNow);
}
