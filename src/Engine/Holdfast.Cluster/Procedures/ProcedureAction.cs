using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>What a group's leader says about it.</summary>
/// <param name="Group">The group.</param>
/// <param name="Configuration">The configuration in force.</param>
/// <param name="FeatureLevel">The group's feature level (S5).</param>
/// <param name="CaughtUp">The members whose log is as good as the leader's.</param>
public sealed record GroupSighting(GroupId Group, Configuration Configuration, uint FeatureLevel, ImmutableSortedSet<NodeId> CaughtUp)
{
    /// <summary>Who leads; nobody when the one who looked does not say.</summary>
    public NodeId Leader { get; init; }

    /// <summary>Whether the members are committed: until then whoever is to leave may still be needed.</summary>
    public bool HasCommittedMembers { get; init; } = true;

    /// <summary>Where the members stand in the leader's log; null where its program does not say.</summary>
    public LogIndex? Since { get; init; }

    /// <summary>The learners that answer and are still being filled. One that is silent is in neither set.</summary>
    public ImmutableSortedSet<NodeId> Behind { get; init; } = [];
}

/// <summary>A procedure's next action.</summary>
public abstract record ProcedureAction
{
    private ProcedureAction()
    {
    }

    /// <summary>Nothing can be done now; look again later.</summary>
    /// <param name="For">What is waited for, in words for an operator.</param>
    public sealed record Wait(string For) : ProcedureAction;

    /// <summary>Change a group's members. Refused by the group when <paramref name="From"/> is no longer in force.</summary>
    public sealed record ChangeMembers(GroupId Group, Configuration From, Configuration To) : ProcedureAction
    {
        /// <summary>Where <see cref="From"/> stands in the leader's log: when it is in force again, after others, it is no longer that one. Null where the leader's program does not say.</summary>
        public LogIndex? Since { get; init; }
    }

    /// <summary>Write down where a data group's replicas should be.</summary>
    public sealed record PlaceReplicas(GroupId Group, ImmutableArray<ReplicaPlace> Replicas) : ProcedureAction;

    /// <summary>Write down that the procedure has ended.</summary>
    public sealed record Finish(bool IsDone, string Note) : ProcedureAction;
}
