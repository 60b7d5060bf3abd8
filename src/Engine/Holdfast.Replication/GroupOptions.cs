using Holdfast.Consensus;

namespace Holdfast.Replication;

/// <summary>What a group is told once.</summary>
public sealed record GroupOptions
{
    /// <summary>The protocol's own options.</summary>
    public RaftOptions Raft { get; init; } = new();

    /// <summary>How long a proposal waits for its fate before it is answered unknown. Default 5 s, a dozen elections.</summary>
    public TimeSpan ProposeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a read waits for a leader to confirm it. Default 5 s.</summary>
    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Proposals that may wait for their fate at once on this node; more are refused as busy. Default 16384.</summary>
    public int PendingProposalsMax { get; init; } = 16 * 1024;

    /// <summary>Reads that may wait at once on this node; more are refused. Default 16384.</summary>
    public int PendingReadsMax { get; init; } = 16 * 1024;

    /// <summary>Most bytes of one entry's command; larger commands travel as chunks of this size. Default 1 MiB.</summary>
    public int ChunkBytes { get; init; } = 1024 * 1024;

    /// <summary>Most bytes of one command. Default 32 MiB.</summary>
    public int CommandBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>A replica takes a snapshot when its log has grown by this many bytes since the last one. Default 64 MiB.</summary>
    public long SnapshotLogBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>
    /// By how many times <see cref="SnapshotLogBytes"/> the log may grow instead when the last snapshot wrote more than that: what is written again stays in proportion to what changed. Default 3, so that
    /// the log lies within the segments that the write-ahead log keeps without complaint; 1 turns it off.
    /// </summary>
    public int SnapshotLogTimesMax { get; init; } = 3;

    /// <summary>Sessions a group remembers; the one longest unused is evicted first. Part of the replicated state: must be equal on all replicas. Default 4096.</summary>
    public int SessionsMax { get; init; } = 4096;

    /// <summary>Bytes of all commands that have come in part; beyond it the oldest is dropped. Part of the replicated behaviour: another number in tests and in the simulator only, and there on all replicas.</summary>
    internal int PartBytesMax { get; init; } = ChunkTable.BytesMax;

    /// <summary>A mistake that the simulator plants to prove that it would be found; none outside it.</summary>
    internal PlantedReplicaBug Bug { get; init; }

    /// <summary>The highest feature level that this binary knows for the group.</summary>
    public uint FeatureLevelKnown { get; init; } = 1;
}
