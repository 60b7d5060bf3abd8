using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What recovery found of one replica, or what a new replica begins with.</summary>
public sealed record RaftStart
{
    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>The group.</summary>
    public required GroupId Group { get; init; }

    /// <summary>Newest term and vote found on disk.</summary>
    public HardState HardState { get; init; }

    /// <summary>The last entry that the local snapshot covers; zero without one.</summary>
    public LogPosition Snapshot { get; init; }

    /// <summary>The configuration at <see cref="Snapshot"/>, or the one the group is created with.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>The entries after <see cref="Snapshot"/>, without a gap, all durable anew (S7). Their payloads belong to the replica that begins with them.</summary>
    public IReadOnlyList<Entry> Entries { get; init; } = [];

    /// <summary>Not zero: the disk lost or may have lost entries of this group up to here. The replica neither votes nor is counted until its log is repaired beyond it (S8).</summary>
    public LogIndex DamagedUpTo { get; init; }

    /// <summary>True when this process found earlier state of the group: then it votes for nobody for <see cref="RaftOptions.LeaseMax"/> (S3).</summary>
    public bool IsRestart { get; init; }

    /// <summary>The log that the entries make, where <see cref="Prepared"/> has made it.</summary>
    internal RecoveredLog? Log { get; init; }

    /// <summary>The same, with the log made of its entries already: on any thread, so that a loop need not do it while others wait. For one replica only.</summary>
    public RaftStart Prepared() => this with { Entries = [], Log = new RecoveredLog(this) };
}
