using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>A shard as <see cref="ReplicaGuide"/> sees it.</summary>
/// <param name="Group">The shard.</param>
/// <param name="Replicas">Where its replicas are to be now.</param>
/// <param name="Master">Who leads it, or shall.</param>
internal sealed record GuidedShard(GroupId Group, ImmutableArray<NodeId> Replicas, NodeId Master);

/// <summary>
/// Where shards shall have replicas, beyond where they are: on their master, on every node that was told to follow it (CLUSTER REPLICATE), and on as many nodes more as make an odd number of voters. A shard that began
/// on one node grows as nodes join. Nothing moves for evenness alone. Pure: facts in, at most one change out.
/// </summary>
internal static class ReplicaGuide
{
    /// <summary>The next shard that shall have other replicas, and which; null when all are as they should be.</summary>
    /// <param name="shards">In the order of their groups.</param>
    /// <param name="carriers">The nodes that may carry replicas, in their order.</param>
    /// <param name="follows">Who follows whom.</param>
    /// <param name="wanted">Replicas that a shard should have, when there are as many nodes.</param>
    public static GuidedShard? Next(IReadOnlyList<GuidedShard> shards, IReadOnlyList<NodeId> carriers, ImmutableSortedDictionary<NodeId, NodeId> follows, int wanted)
    {
        var load = new SortedDictionary<NodeId, int>();
        foreach (var node in carriers) load[node] = 0;
        foreach (var shard in shards)
            foreach (var node in shard.Replicas)
                if (load.ContainsKey(node)) load[node]++;
        foreach (var shard in shards)
        {
            var next = Replicas(shard, load, follows, wanted);
            if (!next.ToImmutableSortedSet().SetEquals(shard.Replicas)) return shard with { Replicas = next };
        }

        return null;
    }

    /// <summary>Nodes for a new shard of a master.</summary>
    public static ImmutableArray<NodeId> Fresh(NodeId master, IReadOnlyList<GuidedShard> shards, IReadOnlyList<NodeId> carriers, int wanted)
    {
        var load = new SortedDictionary<NodeId, int>();
        foreach (var node in carriers) load[node] = shards.Count(shard => shard.Replicas.Contains(node));
        load.TryAdd(master, 0);
        return Replicas(new GuidedShard(default, [], master), load, ImmutableSortedDictionary<NodeId, NodeId>.Empty, wanted);
    }

    private static ImmutableArray<NodeId> Replicas(GuidedShard shard, SortedDictionary<NodeId, int> load, ImmutableSortedDictionary<NodeId, NodeId> follows, int wanted)
    {
        // Whoever carries a replica and may not carry one more is somebody's whose leaving is under way: a procedure's, not ours.
        var leaving = shard.Replicas.Where(node => !load.ContainsKey(node)).ToArray();
        if (leaving.Length > 0) return shard.Replicas;
        var must = new List<NodeId>();
        if (load.ContainsKey(shard.Master)) must.Add(shard.Master);
        foreach (var (follower, master) in follows)
            if (master == shard.Master && load.ContainsKey(follower) && !must.Contains(follower)) must.Add(follower);
        var size = Math.Max(Math.Min(Odd(wanted), Odd(load.Count)), Odd(shard.Replicas.Length)); // Fewer are never wanted: what is there stays.
        if (size < must.Count) size = Math.Min(must.Count | 1, Math.Max(load.Count, must.Count));
        var chosen = new List<NodeId>(must);
        foreach (var node in shard.Replicas.OrderBy(node => load[node]).ThenBy(node => node))
            if (chosen.Count < size && !chosen.Contains(node)) chosen.Add(node);
        foreach (var node in load.OrderBy(pair => pair.Value).ThenBy(pair => pair.Key).Select(pair => pair.Key))
            if (chosen.Count < size && !chosen.Contains(node)) chosen.Add(node);
        chosen.Sort();
        return [.. chosen];
    }

    private static int Odd(int number) => number == 0 ? 0 : (number - 1) | 1;
}
