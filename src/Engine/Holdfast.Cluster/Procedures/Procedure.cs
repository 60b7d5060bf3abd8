using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// What to do next about a procedure: a pure function of its record, the directory, and what the groups' leaders say. A procedure remembers no place of its own:
/// the groups' configurations tell how far it is, so a step done twice, or by two leaders, is done once (S5).
/// </summary>
internal static class Procedure
{
    private static readonly Mark TooOldForGroup = new("cluster: an addition was given up because a group's feature level is beyond the binary", elsewhere: "ProcedureTests: simulated joiners run one program");

    public static ProcedureAction Next(ProcedureRecord procedure, DirectoryView view, IReadOnlyDictionary<GroupId, GroupSighting> sightings)
    {
        if (procedure.Move is { } move) return new ProcedureAction.Wait($"group {move.Source} hands {move.Part} over to group {move.Target}");
        if (procedure.Kind != ProcedureKind.RemoveNode && !view.Members.ContainsKey(procedure.Subject))
            return new ProcedureAction.Finish(false, "the node is no longer a member");
        foreach (var group in GroupsInOrder(procedure, view))
        {
            if (!sightings.TryGetValue(group, out var sighting)) return new ProcedureAction.Wait($"group {group}: its leader is not known");
            if (procedure.Kind != ProcedureKind.RemoveNode && !FitsLevel(view.Members[procedure.Subject], sighting))
            {
                TooOldForGroup.Hit();
                return new ProcedureAction.Finish(false, $"group {group} is at feature level {sighting.FeatureLevel}, which the node's binary does not run (S5)");
            }

            if (view.Groups.TryGetValue(group, out var record) && Replaced(procedure, record, view) is { } replicas && !replicas.AsSpan().SequenceEqual(record.Replicas.AsSpan()))
                return new ProcedureAction.PlaceReplicas(group, replicas);
            var wanted = record is null ? DesiredMembers.OfWholeCluster(sighting, procedure, view) : DesiredMembers.OfDataGroup(record);
            if (DesiredMembers.NextStep(sighting, wanted) is { } step) return step;
        }

        return new ProcedureAction.Finish(true, "");
    }

    /// <summary>What no procedure cares for any more: incarnations that were removed while a group still had them, voters that nobody could follow when they left, and data groups that are not where they should be.</summary>
    public static ProcedureAction? Sweep(DirectoryView view, GroupSighting sighting, PlantedProcedureBug bug = PlantedProcedureBug.None)
    {
        if (view.Groups.TryGetValue(sighting.Group, out var record)) return DesiredMembers.NextStep(sighting, DesiredMembers.OfDataGroup(record));
        return DesiredMembers.NextStep(sighting, DesiredMembers.OfWholeCluster(bug == PlantedProcedureBug.VoterNotReplacedLater ? sighting with { CaughtUp = [] } : sighting, null, view));
    }

    /// <summary>Adding: the directory first. Removing: data first, then the etcd keyspace, the directory last (S5).</summary>
    internal static IEnumerable<GroupId> GroupsInOrder(ProcedureRecord procedure, DirectoryView view)
    {
        if (procedure.Kind == ProcedureKind.RemoveNode) return [.. view.Groups.Keys, GroupId.Coordination, GroupId.Directory];
        return [GroupId.Directory, GroupId.Coordination, .. view.Groups.Keys];
    }

    private static bool FitsLevel(MemberRecord member, GroupSighting sighting) =>
        sighting.FeatureLevel == 0 || (member.FeatureLevelMin <= sighting.FeatureLevel && sighting.FeatureLevel <= member.FeatureLevelMax);

    private static ImmutableArray<ReplicaPlace>? Replaced(ProcedureRecord procedure, GroupRecord group, DirectoryView view)
    {
        var leaving = procedure.Kind == ProcedureKind.RemoveNode ? procedure.Subject : procedure.Replaces;
        if (leaving == NodeId.None) return null;
        var place = -1;
        for (var i = 0; i < group.Replicas.Length; i++)
            if (group.Replicas[i].Node == leaving) place = i;
        if (place < 0) return null;
        if (procedure.Kind == ProcedureKind.ReplaceIncarnation) return group.Replicas.SetItem(place, group.Replicas[place] with { Node = procedure.Subject });

        var stand = Successor(group, group.Replicas[place], view);
        return stand == NodeId.None ? group.Replicas.RemoveAt(place) : group.Replicas.SetItem(place, group.Replicas[place] with { Node = stand });
    }

    /// <summary>Who takes a leaving node's replica: whom the planner chooses; nobody when no other node is free, and then the group shrinks.</summary>
    private static NodeId Successor(GroupRecord group, ReplicaPlace leaves, DirectoryView view)
    {
        var leaving = leaves.Node;
        var nodes = new List<NodeFacts>();
        foreach (var (node, member) in view.Members)
            nodes.Add(new NodeFacts(node, member.Zone, node != leaving && (member.Roles.Carry(group.Face) || member.Roles.Witnesses(group.Face)) && view.RunningAbout(node) is null && !view.IsBeingReplaced(node)) { IsWitness = member.Roles.Witnesses(group.Face) });
        var free = nodes.Where(node => node.Accepts && !group.Replicas.Any(replica => replica.Node == node.Node)).ToArray();

        // A witness's place goes to a witness, and to a node that could carry the data where there is none; the data to nobody who has not asked for it.
        var mayWitness = leaves.Role == MemberRole.Witness && free.Any(node => node.IsWitness);
        var candidates = free.Where(node => node.IsWitness == mayWitness).Select(node => node.Node).ToArray();
        var best = NodeId.None;
        var bestUnevenness = int.MaxValue;
        foreach (var candidate in candidates)
        {
            var after = group.Replicas.Select(replica => replica.Node == leaving ? candidate : replica.Node);
            var unevenness = Placement.Unevenness(after, nodes);
            if (unevenness >= bestUnevenness) continue;
            (best, bestUnevenness) = (candidate, unevenness);
        }

        return best;
    }
}
