using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>The cluster, where collections' shards are, and the keys by which clients name them.</summary>
internal static class ClusterRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("GET", "/cluster", AccessRight.Read, ShowAsync),
        new("POST", "/cluster/recover", AccessRight.Manage, RecoverAsync),
        new("DELETE", "/cluster/peer/{peer}", AccessRight.Manage, RemovePeerAsync),
        new("GET", "/collections/{name}/cluster", AccessRight.Read, ShowCollectionAsync),
        new("POST", "/collections/{name}/cluster", AccessRight.Manage, ChangeAsync),
        new("GET", "/collections/{name}/shards", AccessRight.Read, KeysAsync),
        new("PUT", "/collections/{name}/shards", AccessRight.Manage, CreateKeyAsync),
        new("POST", "/collections/{name}/shards/delete", AccessRight.Manage, DeleteKeyAsync),
    ];

    private static ValueTask<WriteResult> ShowAsync(VectorCall call)
    {
        var cluster = call.Face.Collections.Cluster;
        return new(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", "enabled");
            writer.WriteNumber("peer_id", cluster.Self);
            writer.WriteStartObject("peers");
            foreach (var peer in cluster.Peers)
            {
                writer.WriteStartObject(peer.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
                writer.WriteString("uri", peer.Uri);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteStartObject("raft_info");
            writer.WriteNumber("term", cluster.Term);
            writer.WriteNumber("commit", cluster.Commit);
            writer.WriteNumber("pending_operations", 0);
            if (cluster.Leader != 0) writer.WriteNumber("leader", cluster.Leader);
            else writer.WriteNull("leader");
            writer.WriteString("role", cluster.IsLeader ? "Leader" : "Follower");
            writer.WriteBoolean("is_voter", cluster.IsVoter);
            writer.WriteEndObject();
            writer.WriteStartObject("consensus_thread_status");
            writer.WriteString("consensus_thread_status", "working");
            writer.WriteString("last_update", DateTime.UtcNow.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
            writer.WriteEndObject();
            writer.WriteStartObject("message_send_failures");
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private static async ValueTask<WriteResult> RemovePeerAsync(VectorCall call)
    {
        if (!ulong.TryParse(call.Part("peer"), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var node)) throw VectorFault.BadInput($"\"{call.Part("peer")}\" is no peer's id");
        await call.Face.Collections.RemovePeerAsync(ClusterCalls.PeerOf(call, node), call.QueryOf("force") is "true" or "1" or "", call.Cancelled).ConfigureAwait(false);
        return CollectionRoutes.True;
    }

    /// <summary>A node that lacks something fetches it by itself, always; it has recovered when it has heard from the directory's leader and has what it has.</summary>
    private static async ValueTask<WriteResult> RecoverAsync(VectorCall call)
    {
        await call.Face.Collections.CatchUpAsync(call.Cancelled).ConfigureAwait(false);
        return CollectionRoutes.True;
    }

    private static async ValueTask<WriteResult> ShowCollectionAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var shown = await ClusterCalls.ShowAsync(call, collection).ConfigureAwait(false);
        var self = call.Face.Collections.Cluster.Self;
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("peer_id", self);
            writer.WriteNumber("shard_count", collection.Layout.Numbers.Count);
            foreach (var isLocal in new[] { true, false })
            {
                writer.WriteStartArray(isLocal ? "local_shards" : "remote_shards");
                foreach (var replica in shown.Replicas.Where(replica => replica.Node == self == isLocal)) WriteReplica(writer, replica, isLocal);
                writer.WriteEndArray();
            }

            WriteTransfers(writer, shown.Transfers);
            WriteResharding(writer, "resharding_operations", shown.Resharding);
            writer.WriteEndObject();
        };
    }

    /// <summary>Replicas on their way.</summary>
    internal static void WriteTransfers(Utf8JsonWriter writer, IReadOnlyList<ShardTransfer> transfers, string name = "shard_transfers")
    {
        writer.WriteStartArray(name);
        foreach (var transfer in transfers)
        {
            writer.WriteStartObject();
            writer.WriteNumber("shard_id", transfer.Shard);
            if (transfer.ToShard is { } target) writer.WriteNumber("to_shard_id", target);
            writer.WriteNumber("from", transfer.From);
            writer.WriteNumber("to", transfer.To);
            writer.WriteBoolean("sync", transfer.IsCopy);
            writer.WriteString("method", transfer.Method);
            writer.WriteString("comment", transfer.Comment);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>The split under way, if there is one.</summary>
    internal static void WriteResharding(Utf8JsonWriter writer, string name, ReshardingShown? resharding, bool isAlwaysThere = false)
    {
        if (resharding is null && !isAlwaysThere) return;
        writer.WriteStartArray(name);
        if (resharding is not null) WriteResharding(writer, resharding);
        writer.WriteEndArray();
    }

    private static void WriteResharding(Utf8JsonWriter writer, ReshardingShown resharding)
    {
        writer.WriteStartObject();
        writer.WriteString("direction", "up");
        writer.WriteNumber("shard_id", resharding.Shard);
        writer.WriteNumber("peer_id", resharding.Node);
        WriteKey(writer, "shard_key", resharding.Key);
        writer.WriteEndObject();
    }

    /// <summary>A shard's key, where it has one.</summary>
    internal static void WriteKey(Utf8JsonWriter writer, string name, string? key)
    {
        if (key is null) return;
        writer.WritePropertyName(name);
        writer.WriteRawValue(key, skipInputValidation: true);
    }

    private static void WriteReplica(Utf8JsonWriter writer, ReplicaShown replica, bool isLocal)
    {
        writer.WriteStartObject();
        writer.WriteNumber("shard_id", replica.Shard);
        WriteKey(writer, "shard_key", replica.Key);
        if (isLocal) writer.WriteNumber("points_count", replica.Points);
        else writer.WriteNumber("peer_id", replica.Node);
        writer.WriteString("state", replica.State);
        writer.WriteEndObject();
    }

    private static async ValueTask<WriteResult> ChangeAsync(VectorCall call)
    {
        await ClusterCalls.ChangeAsync(call, call.Body).ConfigureAwait(false);
        return CollectionRoutes.True;
    }

    private static async ValueTask<WriteResult> KeysAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("shard_keys");
            foreach (var key in collection.Layout.Keys)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("key");
                writer.WriteRawValue(key.Key, skipInputValidation: true);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> CreateKeyAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        await CollectionCalls.CreateShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(call.Body, "shard_key")), Json.Count(call.Body, "shards_number") ?? collection.Config.Shards).ConfigureAwait(false);
        return CollectionRoutes.True;
    }

    private static async ValueTask<WriteResult> DeleteKeyAsync(VectorCall call)
    {
        await CollectionCalls.DeleteShardKeyAsync(call, call.CollectionName, ShardLayout.ReadKey(Json.Required(call.Body, "shard_key"))).ConfigureAwait(false);
        return CollectionRoutes.True;
    }
}
