using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>A replica as Qdrant's pages show it.</summary>
/// <param name="Shard">Its shard.</param>
/// <param name="Key">The shard's key as JSON; null for none.</param>
/// <param name="Node">Where it is.</param>
/// <param name="Points">How many points the shard has.</param>
internal sealed record ReplicaShown(int Shard, string? Key, ulong Node, long Points);

/// <summary>Where shards are, and how they are moved.</summary>
internal static class ClusterCalls
{
    /// <summary>All replicas of a collection.</summary>
    public static async Task<IReadOnlyList<ReplicaShown>> ReplicasAsync(VectorCall call, CollectionRecord collection)
    {
        var facts = (await call.Face.FactsAsync(collection, call.ScopeOf(default)).ConfigureAwait(false)).ToDictionary(each => each.Shard, each => each.Answer.Facts?.Points ?? 0);
        return [.. call.Face.Collections.PlacesOf(collection).SelectMany(place => place.Nodes.Select(node => new ReplicaShown(place.Shard, collection.Layout.KeyOf(place.Shard), node, facts.GetValueOrDefault(place.Shard))))];
    }

    /// <summary>Does what an operation of <c>POST /collections/{name}/cluster</c> asks for.</summary>
    public static async Task ChangeAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        if (Json.Field(body, "move_shard") is { } move) await PlaceAsync(call, collection, move, from => [.. from.Nodes.Where(node => node != Id(move, "from_peer_id")), Id(move, "to_peer_id")]).ConfigureAwait(false);
        else if (Json.Field(body, "replicate_shard") is { } copy) await PlaceAsync(call, collection, copy, from => [.. from.Nodes, Id(copy, "to_peer_id")]).ConfigureAwait(false);
        else if (Json.Field(body, "drop_replica") is { } drop) await PlaceAsync(call, collection, drop, from => [.. from.Nodes.Where(node => node != Id(drop, "peer_id"))]).ConfigureAwait(false);
        else if (Json.Field(body, "create_sharding_key") is { } create) await CollectionCalls.CreateShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(create, "shard_key")), Json.Count(create, "shards_number") ?? collection.Config.Shards).ConfigureAwait(false);
        else if (Json.Field(body, "drop_sharding_key") is { } gone) await CollectionCalls.DeleteShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(gone, "shard_key"))).ConfigureAwait(false);
        else throw VectorFault.NotHere("this operation on shards; move_shard, replicate_shard, drop_replica, create_sharding_key and drop_sharding_key are");
    }

    private static async Task PlaceAsync(VectorCall call, CollectionRecord collection, JsonElement operation, Func<ShardPlace, IReadOnlyList<ulong>> next)
    {
        var shard = Json.Count(operation, "shard_id") ?? throw VectorFault.BadJson("missing field `shard_id`");
        var place = call.Face.Collections.PlacesOf(collection).FirstOrDefault(each => each.Shard == shard) ?? throw VectorFault.NotFound($"Shard {shard} not found");
        var nodes = next(place).Distinct().ToArray();
        if (nodes.Length == 0) throw VectorFault.BadInput($"Shard {shard} must have at least one active replica after removing");
        await call.Face.Collections.PlaceAsync(collection, shard, nodes, call.Cancelled).ConfigureAwait(false);
    }

    private static ulong Id(JsonElement operation, string name) => Json.Required(operation, name) is { ValueKind: JsonValueKind.Number } id && id.TryGetUInt64(out var number) ? number : throw VectorFault.BadJson($"invalid type: {name} is a peer's id");
}
