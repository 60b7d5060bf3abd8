using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>A replica as Qdrant's pages show it.</summary>
/// <param name="Shard">Its shard.</param>
/// <param name="Key">The shard's key as JSON; null for none.</param>
/// <param name="Node">Where it is.</param>
/// <param name="Points">How many points the shard has.</param>
/// <param name="IsServing">Whether it counts; else it is being filled.</param>
internal sealed record ReplicaShown(int Shard, string? Key, ulong Node, long Points, bool IsServing)
{
    /// <summary>Its state in Qdrant's word.</summary>
    public string State => IsServing ? "Active" : "Partial";
}

/// <summary>A split under way, as Qdrant's pages show a resharding.</summary>
/// <param name="Shard">The shard that is made.</param>
/// <param name="Key">Its key as JSON; null for none.</param>
/// <param name="Node">Who leads it.</param>
internal sealed record ReshardingShown(int Shard, string? Key, ulong Node);

/// <summary>Where a collection's shards are, and what is on its way.</summary>
/// <param name="Replicas">All replicas, those that are being filled too.</param>
/// <param name="Transfers">Replicas on their way.</param>
/// <param name="Resharding">The split under way; null for none.</param>
internal sealed record CollectionShown(IReadOnlyList<ReplicaShown> Replicas, IReadOnlyList<ShardTransfer> Transfers, ReshardingShown? Resharding);

/// <summary>Where shards are, and how they are moved and split.</summary>
internal static class ClusterCalls
{
    private const string Known = "move_shard, replicate_shard, abort_transfer, restart_transfer, drop_replica, create_sharding_key, drop_sharding_key, start_resharding, abort_resharding and split_shard";

    /// <summary>Times that a change is tried when others change the same collection at once.</summary>
    private const int TriesMax = 16;

    /// <summary>Where a collection's shards are.</summary>
    public static async Task<CollectionShown> ShowAsync(VectorCall call, CollectionRecord collection)
    {
        var standings = await call.Face.Collections.StandingsAsync(collection, call.Cancelled).ConfigureAwait(false);
        var facts = (await call.Face.FactsAsync(collection, call.ScopeOf(default)).ConfigureAwait(false)).ToDictionary(each => each.Shard, each => each.Answer.Facts?.Points ?? 0);
        var layout = collection.Layout;
        var replicas = standings.Where(standing => layout.Numbers.Contains(standing.Shard)).SelectMany(standing => standing.Serving.Union(standing.Wanted).Order()
            .Select(node => new ReplicaShown(standing.Shard, layout.KeyOf(standing.Shard), node, facts.GetValueOrDefault(standing.Shard), standing.Serves(node))));
        var transfers = standings.SelectMany(ShardTransfer.Of).ToList();
        if (layout.Split is not { } split) return new CollectionShown([.. replicas], transfers, null);
        var (source, target) = (standings.First(each => each.Shard == split.Source), standings.First(each => each.Shard == split.Target));
        transfers.Add(ShardTransfer.OfSplit(source, target));
        return new CollectionShown([.. replicas], transfers, new ReshardingShown(split.Target, layout.KeyOf(split.Source), target.Leader));
    }

    /// <summary>Does what an operation of <c>POST /collections/{name}/cluster</c> asks for. It returns when it is decided; how far it is stands among the transfers.</summary>
    public static async Task ChangeAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        if (Json.Field(body, "move_shard") is { } move) await MoveAsync(call, collection, move, isCopy: false).ConfigureAwait(false);
        else if (Json.Field(body, "replicate_shard") is { } copy) await MoveAsync(call, collection, copy, isCopy: true).ConfigureAwait(false);
        else if (Json.Field(body, "abort_transfer") is { } abort) await AbortAsync(call, collection, abort).ConfigureAwait(false);
        else if (Json.Field(body, "restart_transfer") is { } restart) await RestartAsync(call, collection, restart).ConfigureAwait(false);
        else if (Json.Field(body, "drop_replica") is { } drop) await DropAsync(call, collection, drop).ConfigureAwait(false);
        else if (Json.Field(body, "create_sharding_key") is { } create) await CollectionCalls.CreateShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(create, "shard_key")), Json.Count(create, "shards_number") ?? collection.Config.Shards).ConfigureAwait(false);
        else if (Json.Field(body, "drop_sharding_key") is { } gone) await CollectionCalls.DeleteShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(gone, "shard_key"))).ConfigureAwait(false);
        else if (Json.Field(body, "start_resharding") is { } grow) await GrowAsync(call, collection, grow).ConfigureAwait(false);
        else if (Json.Field(body, "split_shard") is { } cut) await SplitAsync(call, collection, ShardOf(cut)).ConfigureAwait(false);
        else if (Json.Field(body, "abort_resharding") is not null) await GiveUpAsync(call, collection).ConfigureAwait(false);
        else throw VectorFault.NotHere($"this operation on shards; {Known} are");
    }

    /// <summary>A peer's id out of a request. One that went through a JavaScript number is close to an id and not equal to any: it means the member that the number is closest to.</summary>
    public static ulong PeerOf(VectorCall call, JsonElement id)
    {
        if (id.ValueKind != JsonValueKind.Number || !id.TryGetUInt64(out var number)) throw VectorFault.BadJson("invalid type: a peer's id is a whole number");
        return PeerOf(call, number);
    }

    /// <summary>The member that a number means.</summary>
    public static ulong PeerOf(VectorCall call, ulong number)
    {
        var members = call.Face.Collections.Cluster.Peers;
        if (members.Any(peer => peer.Id == number)) return number;
        var alike = members.Where(peer => (double)peer.Id == number).ToArray();
        return alike.Length == 1 ? alike[0].Id : number;
    }

    private static async Task MoveAsync(VectorCall call, CollectionRecord collection, JsonElement operation, bool isCopy)
    {
        var standing = await StandingAsync(call, collection, operation).ConfigureAwait(false);
        var (from, to) = (Peer(call, operation, "from_peer_id"), Peer(call, operation, "to_peer_id"));
        RequirePeer(call, from);
        RequirePeer(call, to);
        if (from == to) throw VectorFault.BadInput($"Cannot transfer shard {standing.Shard} from peer {from} to itself");
        if (!standing.Serves(from)) throw VectorFault.BadInput($"Shard {standing.Shard} does not have an active replica on peer {from}");
        if (standing.Wanted.Contains(to)) throw VectorFault.BadInput($"Shard {standing.Shard} is already on, or on its way to, peer {to}");
        await PlaceAsync(call, collection, standing, isCopy ? [.. standing.Wanted, to] : [.. standing.Wanted.Where(node => node != from), to]).ConfigureAwait(false);
    }

    /// <summary>The replica that comes is wanted no more, and the one whose place it was to take is wanted again.</summary>
    private static async Task AbortAsync(VectorCall call, CollectionRecord collection, JsonElement operation)
    {
        var (standing, transfer) = await TransferAsync(call, collection, operation).ConfigureAwait(false);
        await PlaceAsync(call, collection, standing, [.. standing.Wanted.Where(node => node != transfer.To), .. transfer.IsCopy ? [] : (ulong[])[transfer.From]]).ConfigureAwait(false);
    }

    /// <summary>A transfer goes on by itself from where it stopped, and what is there already is not fetched again: there is nothing to restart but what is not there.</summary>
    private static async Task RestartAsync(VectorCall call, CollectionRecord collection, JsonElement operation) => await TransferAsync(call, collection, operation).ConfigureAwait(false);

    private static async Task DropAsync(VectorCall call, CollectionRecord collection, JsonElement operation)
    {
        var standing = await StandingAsync(call, collection, operation).ConfigureAwait(false);
        var peer = Peer(call, operation, "peer_id");
        if (!standing.Wanted.Contains(peer)) throw VectorFault.BadInput($"Shard {standing.Shard} has no replica on peer {peer}");
        if (!standing.Serving.Any(node => node != peer && standing.Wanted.Contains(node))) throw VectorFault.BadInput($"Shard {standing.Shard} must have at least one active replica after removing {peer}");
        await PlaceAsync(call, collection, standing, [.. standing.Wanted.Where(node => node != peer)]).ConfigureAwait(false);
    }

    /// <summary>One shard more: the largest of those that the key names is cut in half.</summary>
    private static async Task GrowAsync(VectorCall call, CollectionRecord collection, JsonElement operation)
    {
        if (!string.Equals(Json.Text(operation, "direction"), "up", StringComparison.OrdinalIgnoreCase)) throw VectorFault.NotHere("fewer shards: resharding goes up only");
        var keys = ShardLayout.ReadKeys(Json.Field(operation, "shard_key"));
        var facts = await call.Face.FactsAsync(collection, call.ScopeOf(default)).ConfigureAwait(false);
        var meant = collection.Layout.Meant(keys);
        if (meant.Count == 0) throw VectorFault.BadInput("the collection has no shards yet");
        await SplitAsync(call, collection, facts.Where(each => meant.Contains(each.Shard)).MaxBy(each => each.Answer.Facts?.Points ?? 0).Shard).ConfigureAwait(false);
    }

    private static async Task SplitAsync(VectorCall call, CollectionRecord collection, int shard)
    {
        if (!call.Face.Collections.KnowsSplits) throw VectorFault.Unavailable("shards are split when every node runs a program that knows how; nothing was changed");
        for (var tries = 0; tries < TriesMax; tries++)
        {
            var known = await call.Face.RequireAsync(collection.Name, call.Cancelled).ConfigureAwait(false);
            if (!known.Layout.Numbers.Contains(shard)) throw VectorFault.NotFound($"Shard {shard} not found");
            if (known.Layout.Split is not null) throw VectorFault.BadInput($"Resharding is already in progress for collection {known.Name}");
            if (known.Layout.Numbers.Count >= CollectionLimits.ShardsMax || known.Layout.PartOf(shard).Depth >= HashPart.DepthMax) throw VectorFault.BadInput($"a collection has at most {CollectionLimits.ShardsMax} shards");
            if (await call.Face.Collections.UpdateAsync(known, known.Config, known.Layout.Splitting(shard), call.Cancelled).ConfigureAwait(false)) return;
        }

        throw VectorFault.Unavailable("others change the collection at the same time; nothing was changed");
    }

    private static async Task GiveUpAsync(VectorCall call, CollectionRecord collection)
    {
        if (collection.Layout.Split is null) throw VectorFault.BadInput($"No resharding is in progress for collection {collection.Name}");
        if (!await SplitRunner.GiveUpAsync(call.Face.Collections, collection, call.Cancelled).ConfigureAwait(false)) throw VectorFault.BadInput("Resharding cannot be aborted any more: the points have arrived");
    }

    private static async Task<(ShardStanding Standing, ShardTransfer Transfer)> TransferAsync(VectorCall call, CollectionRecord collection, JsonElement operation)
    {
        var standing = await StandingAsync(call, collection, operation).ConfigureAwait(false);
        var (from, to) = (Peer(call, operation, "from_peer_id"), Peer(call, operation, "to_peer_id"));
        var transfer = ShardTransfer.Of(standing).FirstOrDefault(each => each.To == to && (each.From == from || each.IsCopy));
        return transfer is null ? throw VectorFault.NotFound($"There is no transfer for shard {standing.Shard} from {from} to {to}") : (standing, transfer);
    }

    private static async Task<ShardStanding> StandingAsync(VectorCall call, CollectionRecord collection, JsonElement operation)
    {
        var shard = ShardOf(operation);
        var standings = await call.Face.Collections.StandingsAsync(collection, call.Cancelled).ConfigureAwait(false);
        return standings.FirstOrDefault(each => each.Shard == shard) ?? throw VectorFault.NotFound($"Shard {shard} not found");
    }

    private static async Task PlaceAsync(VectorCall call, CollectionRecord collection, ShardStanding standing, IEnumerable<ulong> nodes) =>
        await call.Face.Collections.PlaceAsync(collection, standing.Shard, [.. nodes.Distinct()], call.Cancelled).ConfigureAwait(false);

    private static void RequirePeer(VectorCall call, ulong peer)
    {
        if (call.Face.Collections.Cluster.Peers.All(each => each.Id != peer)) throw VectorFault.BadInput(string.Create(CultureInfo.InvariantCulture, $"Peer {peer} does not exist"));
    }

    private static int ShardOf(JsonElement operation) => Json.Count(operation, "shard_id") ?? throw VectorFault.BadJson("missing field `shard_id`");

    private static ulong Peer(VectorCall call, JsonElement operation, string name) => PeerOf(call, Json.Required(operation, name));
}
