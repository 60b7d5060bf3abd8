using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// Spreads leaders evenly. Each group keeps its leader unless a chain of hand-overs makes the whole evener: a node with two more than another, linked by groups
/// that each can pass their lead along. Without such a chain the spread is the best there is (Harvey, Ladner, Lovasz, Tamir, "Semi-matchings for bipartite graphs").
/// </summary>
internal static class LeaderSpread
{
    public static NodeId[] Choose(GroupFacts[] groups, SortedSet<NodeId>[] replicas, NodeFacts[] nodes)
    {
        var leads = new SortedDictionary<NodeId, int>();
        foreach (var node in nodes)
            if (node is { Accepts: true, IsWitness: false }) leads[node.Node] = 0;

        var leaders = new NodeId[groups.Length];
        for (var i = 0; i < groups.Length; i++)
        {
            var able = replicas[i].Where(leads.ContainsKey).ToArray();
            if (able.Length == 0) continue;
            leaders[i] = able.Contains(groups[i].Leader) ? groups[i].Leader : able.OrderBy(node => leads[node]).ThenBy(node => node).First();
            leads[leaders[i]]++;
        }

        while (TryHandOver(leaders, replicas, leads))
        {
            // Each chain lowers the sum of squares of the counts, so this ends.
        }

        return leaders;
    }

    private static bool TryHandOver(NodeId[] leaders, SortedSet<NodeId>[] replicas, SortedDictionary<NodeId, int> leads)
    {
        foreach (var (start, count) in leads.OrderByDescending(pair => pair.Value))
        {
            if (count < 2) return false;
            var cameBy = new Dictionary<NodeId, int>();
            var seen = new HashSet<NodeId> { start };
            var queue = new Queue<NodeId>([start]);
            while (queue.TryDequeue(out var node))
            {
                if (leads[node] + 2 <= count)
                {
                    HandOverAlong(node, start, cameBy, leaders, leads);
                    return true;
                }

                for (var i = 0; i < leaders.Length; i++)
                {
                    if (leaders[i] != node) continue;
                    foreach (var next in replicas[i])
                    {
                        if (!leads.ContainsKey(next) || !seen.Add(next)) continue;
                        cameBy[next] = i;
                        queue.Enqueue(next);
                    }
                }
            }
        }

        return false;
    }

    private static void HandOverAlong(NodeId end, NodeId start, Dictionary<NodeId, int> cameBy, NodeId[] leaders, SortedDictionary<NodeId, int> leads)
    {
        leads[end]++;
        leads[start]--;
        for (var node = end; node != start;)
        {
            var group = cameBy[node];
            var before = leaders[group];
            leaders[group] = node;
            node = before;
        }
    }
}
