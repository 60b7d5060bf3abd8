using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication;

/// <summary>What a loop is built from. In production and in the simulator the loop is the same; only what stands here differs.</summary>
public sealed record GroupLoopSetup
{
    /// <summary>Lanes that groups are spread over; the same on every node.</summary>
    public const int Lanes = 4;

    /// <summary>The loop's number on its node.</summary>
    public int Index { get; init; }

    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>How often the node has started: proposals of two lives are told apart by it.</summary>
    public required uint BootCount { get; init; }

    /// <summary>The peers.</summary>
    public required IPeerMesh Mesh { get; init; }

    /// <summary>The log.</summary>
    public required IWalQueue Wal { get; init; }

    /// <summary>Background work on snapshots.</summary>
    public required ISnapshotWorker Snapshots { get; init; }

    /// <summary>Who supports whom, one table per lane, shared with the beats.</summary>
    public required IReadOnlyList<SupportTable> Supports { get; init; }

    /// <summary>Dice for election times.</summary>
    public required SeededRandom Dice { get; init; }

    /// <summary>Calendar time in microseconds since the Unix epoch, for stamps only.</summary>
    public required Func<long> WallMicros { get; init; }

    /// <summary>The monotonic clock, asked within slices and when groups are added; turns get their own reading.</summary>
    public required Func<Instant> Clock { get; init; }

    /// <summary>Calls from other threads that may wait. Default 65536.</summary>
    public int MailboxMax { get; init; } = 64 * 1024;

    /// <summary>
    /// Whoever waits for a call goes on inside the turn that ends it. Only where one thread is everything, as in the simulator: in production nobody's
    /// continuation runs on a loop.
    /// </summary>
    internal bool CompletesInline { get; init; }
}
