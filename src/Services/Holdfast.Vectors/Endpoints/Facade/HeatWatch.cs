using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Asks every replica what answering took it, on the node that leads the directory, and moves a shard's lead, or else a replica, away from a node that is hot for long.</summary>
internal sealed class HeatWatch(ICollections collections)
{
    /// <summary>Replicas that are asked in one look; of more the rest is not looked at.</summary>
    private const int ReplicasMax = 512;

    private readonly HotShards plan = new();
    private Dictionary<(string Id, int Shard, ulong Node), long> before = [];
    private long lookedAt;

    /// <summary>One look; the move that was begun, if there was one.</summary>
    public async Task<ShardRelief?> LookAsync(IReadOnlyList<ulong> nodes, CancellationToken cancel)
    {
        var now = new Dictionary<(string Id, int Shard, ulong Node), long>();
        var heat = new List<ReplicaHeat>();
        var (time, isSettled) = (Environment.TickCount64, true);
        var records = await collections.ListAsync(cancel).ConfigureAwait(false);
        foreach (var record in records)
            foreach (var place in collections.PlacesOf(record))
                foreach (var node in place.Nodes.Take(ReplicasMax - now.Count))
                {
                    if (await collections.ReplicaAsync(record, place.Shard, node, cancel).ConfigureAwait(false) is not { } standing) continue;
                    isSettled &= standing.Serves;
                    var key = (record.Id, place.Shard, node);
                    now[key] = standing.ReadMicros;
                    var took = before.TryGetValue(key, out var last) && lookedAt > 0 ? Math.Max(0, standing.ReadMicros - last) / (1000.0 * Math.Max(1, time - lookedAt)) : 0;
                    heat.Add(new ReplicaHeat(record.Name, place.Shard, node, took) { Leads = standing.Leads });
                }

        (before, lookedAt) = (now, time);
        if (!isSettled || plan.Look(heat, nodes) is not { } relief) return null; // While something moves already, nothing else does.
        var collection = records.First(record => record.Name == relief.Collection);
        if (relief.IsLeadOnly)
        {
            await collections.HandOverAsync(collection, relief.Shard, relief.From, relief.To, cancel).ConfigureAwait(false);
            return relief;
        }

        var moved = collections.PlacesOf(collection).First(place => place.Shard == relief.Shard);
        await collections.PlaceAsync(collection, relief.Shard, [.. moved.Nodes.Where(node => node != relief.From), relief.To], cancel).ConfigureAwait(false);
        return relief;
    }
}
