using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>A replica as it stood at the end of its last turn.</summary>
public sealed record GroupStatus
{
    /// <summary>The group.</summary>
    public required GroupId Group { get; init; }

    /// <summary>This node.</summary>
    public required NodeId Self { get; init; }

    /// <summary>Role in the term.</summary>
    public required RaftRole Role { get; init; }

    /// <summary>The current term.</summary>
    public required Term Term { get; init; }

    /// <summary>Who leads, or nobody known.</summary>
    public required NodeId Leader { get; init; }

    /// <summary>Known to be committed.</summary>
    public required LogIndex Commit { get; init; }

    /// <summary>Applied to the state machine.</summary>
    public required LogIndex Applied { get; init; }

    /// <summary>The log's end.</summary>
    public required LogPosition Last { get; init; }

    /// <summary>What the log was compacted to.</summary>
    public required LogPosition Snapshot { get; init; }

    /// <summary>Whether this leader held its lease then.</summary>
    public required bool HoldsLease { get; init; }

    /// <summary>The configuration in force.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>Where <see cref="Configuration"/> stands in this replica's log: the same members again, after others, stand elsewhere.</summary>
    public LogIndex ConfigurationIndex { get; init; }

    /// <summary>Whether <see cref="Configuration"/> is committed; until then its leader may be deposed and the members be others again.</summary>
    public bool HasCommittedMembers { get; init; } = true;

    /// <summary>The state's hash at <see cref="Applied"/>.</summary>
    public required ulong StateHash { get; init; }

    /// <summary>The group's feature level.</summary>
    public required uint FeatureLevel { get; init; }

    /// <summary>Whether another replica's state was seen to differ at the same index: an alarm for the operator.</summary>
    public required bool HasDiverged { get; init; }

    /// <summary>Whether this replica leads and has applied an entry of its own term.</summary>
    public required bool IsServingLeader { get; init; }

    /// <summary>Why the last attempt at a snapshot failed, for the operator; null when it did not. It is tried again every ten seconds, and until then the log only grows.</summary>
    public required string? SnapshotFault { get; init; }

    /// <summary>Whether the replica's state is there. While it is being restored from a snapshot the replica votes and acknowledges, and refuses reads.</summary>
    public required bool IsRestored { get; init; }

    /// <summary>Whether the state was given up because the group counts on this node no more: nothing is wrong, and nothing is fetched until it does again.</summary>
    public bool IsGivenUp { get; init; }

    /// <summary>While too few voters are whole to elect a leader (S8): a member whose agreement is waited for; nobody otherwise.</summary>
    public NodeId RollAwaits { get; init; }

    /// <summary>The last election that this replica won by everybody's agreement, too few voters being whole (S8); null when there was none.</summary>
    public RollHeld? Roll { get; init; }
}
