using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>A node as the planner sees it.</summary>
/// <param name="Node">The incarnation.</param>
/// <param name="Zone">Its failure domain.</param>
/// <param name="Accepts">False while it is leaving or may not carry replicas: everything moves away from it.</param>
public readonly record struct NodeFacts(NodeId Node, string Zone, bool Accepts)
{
    /// <summary>It takes no data: it may be a witness where data alone would not spread as well, or not at all.</summary>
    public bool IsWitness { get; init; }
}

/// <summary>A group as the planner sees it.</summary>
/// <param name="Group">The group.</param>
/// <param name="Replicas">Where its replicas are.</param>
/// <param name="ReplicasWanted">How many there should be; odd.</param>
/// <param name="Leader">Who leads, or nobody known.</param>
public readonly record struct GroupFacts(GroupId Group, ImmutableArray<NodeId> Replicas, int ReplicasWanted, NodeId Leader);

/// <summary>Where a group's replicas and its leader should be.</summary>
/// <param name="Group">The group.</param>
/// <param name="Replicas">The nodes, in the order of their ids.</param>
/// <param name="Leader">Who should lead.</param>
/// <param name="Moved">How many replicas are new where they are.</param>
/// <param name="Refusal">Why the group stays as it is, or empty.</param>
public sealed record GroupPlan(GroupId Group, ImmutableArray<NodeId> Replicas, NodeId Leader, int Moved, string Refusal)
{
    /// <summary>Which of the nodes are to be witnesses.</summary>
    public ImmutableArray<NodeId> Witnesses { get; init; } = [];
}
