using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>Where the replicas of a group that is yet to be created should be: the planner asked about one group more than there are. Pure.</summary>
internal static class NewGroup
{
    /// <summary>The places, or why there are none.</summary>
    /// <param name="view">The directory.</param>
    /// <param name="face">What the group carries.</param>
    /// <param name="replicas">How many voters, witnesses included; odd.</param>
    public static (ImmutableArray<ReplicaPlace> Places, string Refusal) Plan(DirectoryView view, string face, int replicas)
    {
        var nodes = view.Members.Values.Select(member => new NodeFacts(member.Node, member.Zone, (member.Roles.Carry(face) || member.Roles.Witnesses(face)) && view.RunningAbout(member.Node) is null && !view.IsBeingReplaced(member.Node)) { IsWitness = member.Roles.Witnesses(face) }).ToArray();
        var groups = view.Groups.Values.Select(group => new GroupFacts(group.Id, [.. group.Replicas.Select(place => place.Node)], group.Replicas.Length, NodeId.None));
        var wanted = new GroupFacts(new GroupId(view.NextGroup), [], replicas, NodeId.None);
        var plan = Placement.Plan(nodes, [.. groups, wanted]).First(each => each.Group == wanted.Group);
        return ([.. plan.Replicas.Select(node => new ReplicaPlace(node, plan.Witnesses.Contains(node) ? MemberRole.Witness : MemberRole.Voter))], plan.Refusal);
    }
}
