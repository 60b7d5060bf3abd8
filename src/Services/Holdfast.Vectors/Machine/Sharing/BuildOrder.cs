using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>In which order the replicas of a shard are to build its graphs: drawn from the shard and each node alone, so that every node knows the same order, it stays when others come and go, and a node that has many shards builds for some of them.</summary>
internal static class BuildOrder
{
    /// <summary>Puts nodes in the order of a shard.</summary>
    public static IReadOnlyList<ulong> Of(ulong shard, IEnumerable<ulong> nodes) => [.. nodes.OrderByDescending(node => WeightOf(shard, node)).ThenBy(node => node)];

    private static ulong WeightOf(ulong shard, ulong node)
    {
        var hash = new ContentHash(shard);
        hash.Add(node);
        hash.Add(shard);
        return hash.Value;
    }
}
