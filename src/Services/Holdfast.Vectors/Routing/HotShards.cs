namespace Holdfast.Vectors.Routing;

/// <summary>What answering questions took of a replica's node lately.</summary>
/// <param name="Collection">Of which collection.</param>
/// <param name="Shard">Of which shard.</param>
/// <param name="Node">Where.</param>
/// <param name="Processors">How many processors were at it, on average.</param>
internal readonly record struct ReplicaHeat(string Collection, int Shard, ulong Node, double Processors)
{
    /// <summary>Whether it leads its shard: writes go through it, and every strong read asks it.</summary>
    public bool Leads { get; init; }
}

/// <summary>A replica that should go elsewhere, or only the lead of its shard.</summary>
internal sealed record ShardRelief(string Collection, int Shard, ulong From, ulong To)
{
    /// <summary>Whether the lead alone goes, to a replica that is there: that costs nothing, and is tried first.</summary>
    public bool IsLeadOnly { get; init; }
}

/// <summary>
/// Finds the node that answers far more than another could. It first hands over what it leads, the hottest shard first, to replicas on nodes that are cool; while it is hot all the same, the replica goes whose move
/// makes the two nodes most alike. Pure, and slow on purpose: a node must be hot in several looks in a row, a move must pay, and after one nothing is moved for a long time, so that a burst moves nothing and two
/// nodes never pass a shard to and fro. One thread at a time.
/// </summary>
internal sealed class HotShards
{
    /// <summary>A node that is busy with less is not relieved, however idle the others are.</summary>
    public const double ProcessorsLeast = 0.5;

    /// <summary>It must be so many times as busy as the one that would get the replica.</summary>
    public const double Factor = 2;

    /// <summary>Looks in a row in which it must be so.</summary>
    public const int LooksBefore = 6;

    /// <summary>Looks after a move in which nothing is moved.</summary>
    public const int LooksAfter = 60;

    private ulong hottest;
    private int hotFor;
    private int resting;

    /// <summary>One look; a move when it is time for one.</summary>
    /// <param name="replicas">All replicas and what they took since the last look.</param>
    /// <param name="nodes">The nodes that carry shards.</param>
    public ShardRelief? Look(IReadOnlyList<ReplicaHeat> replicas, IReadOnlyList<ulong> nodes)
    {
        if (resting > 0)
        {
            resting--;
            return null;
        }

        var heat = new SortedDictionary<ulong, double>();
        foreach (var node in nodes) heat[node] = replicas.Where(replica => replica.Node == node).Sum(replica => replica.Processors);
        if (heat.Count < 2) return null;
        var hot = heat.MaxBy(each => each.Value);
        if (hot.Value < ProcessorsLeast || (LeadOf(replicas, heat, hot.Key) ?? BestOf(replicas, heat, hot.Key)) is not { } relief)
        {
            hotFor = 0;
            return null;
        }

        hotFor = hottest == hot.Key ? hotFor + 1 : 1;
        hottest = hot.Key;
        if (hotFor < LooksBefore) return null;
        (hotFor, resting) = (0, relief.IsLeadOnly ? 0 : LooksAfter);
        return relief;
    }

    /// <summary>The hottest shard that the node leads, and the coolest node that could lead it instead; null when it leads none, or the others are busy too.</summary>
    private static ShardRelief? LeadOf(IReadOnlyList<ReplicaHeat> replicas, SortedDictionary<ulong, double> heat, ulong hot)
    {
        foreach (var led in replicas.Where(replica => replica is { Leads: true, Processors: > 0 } && replica.Node == hot).OrderByDescending(replica => replica.Processors))
        {
            ulong[] able = [.. replicas.Where(other => (other.Collection, other.Shard) == (led.Collection, led.Shard) && other.Node != hot && heat.TryGetValue(other.Node, out var busy) && busy * Factor <= heat[hot]).Select(other => other.Node)];
            if (able.Length > 0) return new ShardRelief(led.Collection, led.Shard, hot, able.MinBy(node => heat[node])) { IsLeadOnly = true };
        }

        return null;
    }

    /// <summary>The move after which the busier of the two nodes is least busy; null when none pays.</summary>
    private static ShardRelief? BestOf(IReadOnlyList<ReplicaHeat> replicas, SortedDictionary<ulong, double> heat, ulong hot)
    {
        ShardRelief? best = null;
        var least = heat[hot];
        foreach (var replica in replicas.Where(replica => replica.Node == hot && replica.Processors > 0))
            foreach (var (node, busy) in heat)
            {
                if (node == hot || busy * Factor > heat[hot] || replicas.Any(other => (other.Collection, other.Shard, other.Node) == (replica.Collection, replica.Shard, node))) continue;
                var after = Math.Max(heat[hot] - replica.Processors, busy + replica.Processors);
                if (after >= least) continue;
                (best, least) = (new ShardRelief(replica.Collection, replica.Shard, hot, node), after);
            }

        // It must pay: a move costs a copy of the whole shard.
        return least <= heat[hot] * 0.8 ? best : null;
    }
}
