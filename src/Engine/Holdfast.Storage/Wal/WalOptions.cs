using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>How the write-ahead log is laid out. Nothing here must agree between nodes, and every segment says how it was written.</summary>
public sealed record WalOptions
{
    /// <summary>The folder of the log inside the data directory.</summary>
    public string Folder { get; init; } = "wal";

    /// <summary>The cluster whose log this is; a segment of another is refused.</summary>
    public required ClusterId Cluster { get; init; }

    /// <summary>Bytes that a segment file is preallocated with. A larger commit gets a larger segment. Default 64 MiB: long enough that the marks at each beginning do not matter.</summary>
    public long SegmentBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Segments beyond which the groups that hold the oldest are named (<see cref="IWalQueue.HoldingBack"/>). Default 4.</summary>
    public int SegmentsMax { get; init; } = 4;

    /// <summary>
    /// Commits begin at multiples of this, so that a torn write never touches what an earlier commit acknowledged. Default 4096, the sector of current disks;
    /// a power of two from 512 to 4096.
    /// </summary>
    public int BlockBytes { get; init; } = 4096;

    /// <summary>Bytes of one group commit. Default 8 MiB: more does not make a disk faster, and others wait meanwhile.</summary>
    public int CommitBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Released segment files that are kept for reuse, which spares the file system their allocation. Default 2.</summary>
    public int SparesMax { get; init; } = 2;

    /// <summary>A mistake that the simulator plants to prove that it would be found; none outside it.</summary>
    internal PlantedLogBug Bug { get; init; }

    /// <summary>All the faults, each in a sentence; empty when there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (BlockBytes is not (512 or 1024 or 2048 or 4096)) faults.Add($"BlockBytes is {BlockBytes}; it must be 512, 1024, 2048 or 4096.");
        if (SegmentBytes < 64L * 1024) faults.Add($"SegmentBytes is {SegmentBytes}; the smallest is 65536.");
        if (SegmentsMax < 2) faults.Add($"SegmentsMax is {SegmentsMax}; the smallest is 2, because one is always being written.");
        if (CommitBytesMax < 64 * 1024) faults.Add($"CommitBytesMax is {CommitBytesMax}; the smallest is 65536.");
        if (SparesMax < 0) faults.Add($"SparesMax is {SparesMax}; it cannot be negative.");
        return faults;
    }
}
