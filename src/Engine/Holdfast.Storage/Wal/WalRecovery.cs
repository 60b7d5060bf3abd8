using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Storage;

/// <summary>What the log held when it was opened. All of it has been written anew and fsynced where there was doubt (S7).</summary>
public sealed class WalRecovery
{
    /// <summary>The groups, in the order of their ids; those that were deleted too.</summary>
    public required IReadOnlyList<RecoveredGroup> Groups { get; init; }

    /// <summary>What was odd, in sentences for an operator; empty after a clean stop or an ordinary crash.</summary>
    public required IReadOnlyList<string> Findings { get; init; }

    /// <summary>
    /// Groups that were on this node and whose very identity is lost. When it is not zero, a group that is absent from <see cref="Groups"/> may have voted
    /// here: the node must not begin it as an empty replica that counts.
    /// </summary>
    public int GroupsLost { get; init; }

    /// <summary>The group's record, if it has one.</summary>
    public RecoveredGroup? Find(GroupId group)
    {
        foreach (var candidate in Groups)
            if (candidate.Group == group) return candidate;
        return null;
    }
}

/// <summary>One group as the log remembers it.</summary>
public sealed class RecoveredGroup
{
    private IReadOnlyList<Entry> entries = [];

    /// <summary>The group.</summary>
    public required GroupId Group { get; init; }

    /// <summary>Newest term and vote.</summary>
    public HardState HardState { get; init; }

    /// <summary>The position of the snapshot that the log continues; zero without one.</summary>
    public LogPosition Snapshot { get; init; }

    /// <summary>The configuration at <see cref="Snapshot"/>, or the one that the group was created with.</summary>
    public required Configuration Configuration { get; init; }

    /// <summary>The feature level there.</summary>
    public uint FeatureLevel { get; init; }

    /// <summary>The entries after <see cref="Snapshot"/>, without a gap; none once they were handed over.</summary>
    public required IReadOnlyList<Entry> Entries { get => entries; init => entries = value; }

    /// <summary>Not zero: entries up to here, or a vote, were or may have been lost (S8). See <see cref="RaftStart.DamagedUpTo"/>.</summary>
    public LogIndex DamagedUpTo { get; init; }

    /// <summary>The group was deleted here, and its id is never used again (S6).</summary>
    public bool IsTombstoned { get; init; }

    /// <summary>What a finished replay knows of a group.</summary>
    internal static RecoveredGroup Of(GroupTrack track, Entry[] entries)
    {
        var (configuration, level) = track.DecodeConfiguration() ?? (Configuration.Empty, 0u);
        return new RecoveredGroup
        {
            Group = track.Group,
            HardState = track.HardState,
            Snapshot = track.Snapshot,
            Configuration = configuration,
            FeatureLevel = level,
            Entries = entries,
            DamagedUpTo = track.DamagedUpTo,
            IsTombstoned = track.IsTombstoned,
        };
    }

    /// <summary>Hands over what the consensus core begins with. The entries go with it: kept here they would stay in memory for as long as the process, long after the log has forgotten them.</summary>
    public RaftStart HandOver(NodeId self)
    {
        var start = new RaftStart
        {
            Self = self,
            Group = Group,
            HardState = HardState,
            Snapshot = Snapshot,
            Configuration = Configuration,
            Entries = entries,
            DamagedUpTo = DamagedUpTo,
            IsRestart = true,
        };
        entries = [];
        return start.Prepared();
    }
}
