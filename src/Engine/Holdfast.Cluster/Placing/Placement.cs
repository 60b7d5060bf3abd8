using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// The placement planner: facts in, plans out, nothing else. Each group's replicas are spread over zones as evenly as the zones allow; among equally even spreads
/// the one that moves fewest replicas is taken; then replicas and leaders are evened out over the nodes. What is impossible is refused and left as it is.
/// </summary>
/// <remarks>A witness takes the place of data only where that spreads a group over more zones, or where there are too few nodes with data; witnesses are always a minority, so that every majority has the data.</remarks>
public static class Placement
{
    /// <summary>Moves made for evenness alone in one plan; what is left comes with the next.</summary>
    public const int BalancingMovesMax = 64;

    private static readonly Mark Refused = new("cluster: placement refused");
    private static readonly Mark Balanced = new("cluster: a replica moved for evenness", elsewhere: "PlacementTests: simulated operators choose places by themselves");

    /// <summary>Plans all groups, in the order of their ids.</summary>
    public static ImmutableArray<GroupPlan> Plan(IReadOnlyList<NodeFacts> nodes, IReadOnlyList<GroupFacts> groups)
    {
        var sortedNodes = nodes.OrderBy(node => node.Node).ToArray();
        var sortedGroups = groups.OrderBy(group => group.Group).ToArray();
        var load = new SortedDictionary<NodeId, int>();
        foreach (var node in sortedNodes) load[node.Node] = 0;

        var chosen = new SortedSet<NodeId>[sortedGroups.Length];
        var refusals = new string[sortedGroups.Length];
        for (var i = 0; i < sortedGroups.Length; i++)
        {
            refusals[i] = Fault(sortedNodes, sortedGroups[i]);
            chosen[i] = refusals[i].Length > 0 ? [.. sortedGroups[i].Replicas] : ChooseReplicas(sortedNodes, sortedGroups[i], load);
            if (refusals[i].Length > 0) Refused.Hit();
            foreach (var node in chosen[i])
                if (load.ContainsKey(node)) load[node]++;
        }

        EvenOut(sortedNodes, chosen, refusals, load);
        var leaders = LeaderSpread.Choose(sortedGroups, chosen, sortedNodes);
        var plans = ImmutableArray.CreateBuilder<GroupPlan>(sortedGroups.Length);
        for (var i = 0; i < sortedGroups.Length; i++)
        {
            var moved = chosen[i].Count(node => !sortedGroups[i].Replicas.Contains(node));
            plans.Add(new GroupPlan(sortedGroups[i].Group, [.. chosen[i]], leaders[i], moved, refusals[i]) { Witnesses = [.. chosen[i].Where(node => IsWitness(sortedNodes, node))] });
        }

        return plans.MoveToImmutable();
    }

    /// <summary>How uneven a spread over zones is: the sum of the squares of the replicas per zone. Least is best.</summary>
    internal static int Unevenness(IEnumerable<NodeId> replicas, IReadOnlyList<NodeFacts> nodes) =>
        replicas.GroupBy(replica => ZoneOf(nodes, replica), StringComparer.Ordinal).Sum(zone => zone.Count() * zone.Count());

    /// <summary>Of so many replicas, how many may be witnesses: never as many as make a majority.</summary>
    internal static int WitnessesMax(int replicas) => (replicas - 1) / 2;

    private static string Fault(NodeFacts[] nodes, GroupFacts group)
    {
        var accepting = nodes.Count(node => node is { Accepts: true, IsWitness: false });
        var witnesses = Math.Min(nodes.Count(node => node is { Accepts: true, IsWitness: true }), WitnessesMax(group.ReplicasWanted));
        if (group.ReplicasWanted <= 0) return "a group needs a replica";
        if (group.ReplicasWanted % 2 == 0) return $"{group.ReplicasWanted} replicas survive no more failures than {group.ReplicasWanted - 1}: ask for an odd number";
        return group.ReplicasWanted > accepting + witnesses ? $"{group.ReplicasWanted} replicas need as many nodes, and {accepting} can take one{(witnesses > 0 ? $" with its data, {witnesses} as a witness" : "")}" : "";
    }

    private static SortedSet<NodeId> ChooseReplicas(NodeFacts[] nodes, GroupFacts group, SortedDictionary<NodeId, int> load)
    {
        var carriers = nodes.Where(node => !node.IsWitness).ToArray();
        var witnesses = nodes.Where(node => node is { Accepts: true, IsWitness: true }).ToArray();
        var best = new SortedSet<NodeId>();
        var least = int.MaxValue;
        for (var count = 0; count <= Math.Min(witnesses.Length, WitnessesMax(group.ReplicasWanted)); count++)
        {
            if (group.ReplicasWanted - count > carriers.Count(node => node.Accepts)) continue;
            var chosen = ChooseCarriers(carriers, group with { ReplicasWanted = group.ReplicasWanted - count }, load);
            for (var left = count; left > 0; left--)
            {
                var witness = witnesses.Where(node => !chosen.Contains(node.Node))
                    .OrderBy(node => chosen.Count(other => ZoneOf(nodes, other) == node.Zone)).ThenBy(node => group.Replicas.Contains(node.Node) ? 0 : 1).ThenBy(node => load[node.Node]).ThenBy(node => node.Node).First();
                chosen.Add(witness.Node);
            }

            if (Unevenness(chosen, nodes) is var unevenness && unevenness >= least) continue;
            (best, least) = (chosen, unevenness);
        }

        return best;
    }

    private static SortedSet<NodeId> ChooseCarriers(NodeFacts[] nodes, GroupFacts group, SortedDictionary<NodeId, int> load)
    {
        // Filling the emptiest zone first makes the sum of squares least; so every zone gets "level" replicas, or all it can hold, and some get one more.
        var zones = nodes.Where(node => node.Accepts).GroupBy(node => node.Zone, StringComparer.Ordinal).OrderBy(zone => zone.Key, StringComparer.Ordinal).ToArray();
        var level = 0;
        var placed = 0;
        while (placed + zones.Count(zone => zone.Count() > level) <= group.ReplicasWanted && zones.Any(zone => zone.Count() > level))
        {
            placed += zones.Count(zone => zone.Count() > level);
            level++;
        }

        // The ones left over go where a replica stands already, and then where there is least to carry.
        var extra = zones.Where(zone => zone.Count() > level)
            .OrderBy(zone => zone.Count(node => group.Replicas.Contains(node.Node)) > level ? 0 : 1)
            .ThenBy(zone => zone.Sum(node => load[node.Node]))
            .ThenBy(zone => zone.Key, StringComparer.Ordinal)
            .Take(group.ReplicasWanted - placed)
            .Select(zone => zone.Key)
            .ToHashSet(StringComparer.Ordinal);
        var chosen = new SortedSet<NodeId>();
        foreach (var zone in zones)
        {
            var quota = Math.Min(zone.Count(), level + (extra.Contains(zone.Key) ? 1 : 0));
            var preferred = zone.OrderBy(node => group.Replicas.Contains(node.Node) ? 0 : 1).ThenBy(node => load[node.Node]).ThenBy(node => node.Node).Take(quota);
            foreach (var node in preferred) chosen.Add(node.Node);
        }

        return chosen;
    }

    private static void EvenOut(NodeFacts[] nodes, SortedSet<NodeId>[] chosen, string[] refusals, SortedDictionary<NodeId, int> load)
    {
        for (var moves = 0; moves < BalancingMovesMax; moves++)
            if (!TryMoveOne(nodes, chosen, refusals, load)) return;
    }

    private static bool TryMoveOne(NodeFacts[] nodes, SortedSet<NodeId>[] chosen, string[] refusals, SortedDictionary<NodeId, int> load)
    {
        // Only from a node with at least two more: then each move makes the whole evener, and this ends.
        foreach (var from in nodes.OrderByDescending(node => load[node.Node]).ThenBy(node => node.Node))
            foreach (var to in nodes.Where(node => node.Accepts && node.IsWitness == from.IsWitness && load[node.Node] + 2 <= load[from.Node]).OrderBy(node => load[node.Node]).ThenBy(node => node.Node))
                for (var i = 0; i < chosen.Length; i++)
                {
                    if (refusals[i].Length > 0 || !chosen[i].Contains(from.Node) || chosen[i].Contains(to.Node)) continue;
                    var after = new SortedSet<NodeId>(chosen[i]);
                    after.Remove(from.Node);
                    after.Add(to.Node);
                    if (Unevenness(after, nodes) > Unevenness(chosen[i], nodes)) continue;
                    Balanced.Hit();
                    chosen[i] = after;
                    load[from.Node]--;
                    load[to.Node]++;
                    return true;
                }

        return false;
    }

    private static bool IsWitness(NodeFacts[] nodes, NodeId node) => Array.Exists(nodes, known => known.Node == node && known.IsWitness);

    private static string ZoneOf(IReadOnlyList<NodeFacts> nodes, NodeId node)
    {
        foreach (var known in nodes)
            if (known.Node == node) return known.Zone;
        return "";
    }
}
