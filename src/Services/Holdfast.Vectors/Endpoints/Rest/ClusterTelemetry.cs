using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Endpoints.Routing;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>The whole cluster as one node sees it: every node and every replica asked, by their own word.</summary>
internal static class ClusterTelemetry
{
    public static readonly IReadOnlyList<RestRoute> All = [new("GET", "/cluster/telemetry", AccessRight.Open, TellAsync)];

    private sealed record CollectionTold(CollectionRecord Collection, CollectionShown Shown, IReadOnlyDictionary<(int Shard, ulong Node), ReplicaStanding?> Replicas);

    private static async ValueTask<WriteResult> TellAsync(VectorCall call)
    {
        var collections = call.Face.Collections;
        var peers = await Task.WhenAll(collections.Cluster.Peers.Select(async peer => (Peer: peer, Standing: await collections.PeerAsync(peer.Id, call.Cancelled).ConfigureAwait(false)))).ConfigureAwait(false);
        var told = new List<CollectionTold>();
        foreach (var collection in await CollectionCalls.ListAsync(call).ConfigureAwait(false))
        {
            var shown = await ClusterCalls.ShowAsync(call, collection).ConfigureAwait(false);
            var replicas = await Task.WhenAll(shown.Replicas.Select(async replica => (Place: (replica.Shard, replica.Node), Standing: await collections.ReplicaAsync(collection, replica.Shard, replica.Node, call.Cancelled).ConfigureAwait(false)))).ConfigureAwait(false);
            told.Add(new CollectionTold(collection, shown, replicas.ToDictionary(each => each.Place, each => each.Standing)));
        }

        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("collections");
            foreach (var collection in told) WriteCollection(writer, collection);
            writer.WriteEndObject();
            writer.WriteStartObject("cluster");
            writer.WriteBoolean("enabled", true);
            writer.WriteNumber("number_of_peers", peers.Length);
            writer.WriteStartObject("peers");
            foreach (var (peer, standing) in peers) WritePeer(writer, peer, standing);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        };
    }

    private static void WriteCollection(Utf8JsonWriter writer, CollectionTold told)
    {
        writer.WriteStartObject(told.Collection.Name);
        writer.WriteString("id", told.Collection.Name);
        writer.WriteStartArray("shards");
        foreach (var shard in told.Collection.Layout.Numbers)
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", shard);
            ClusterRoutes.WriteKey(writer, "key", told.Collection.Layout.KeyOf(shard));
            writer.WriteStartArray("replicas");
            foreach (var replica in told.Shown.Replicas.Where(replica => replica.Shard == shard)) WriteReplica(writer, replica, told.Replicas.GetValueOrDefault((shard, replica.Node)));
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        ClusterRoutes.WriteResharding(writer, "reshardings", told.Shown.Resharding);
        ClusterRoutes.WriteTransfers(writer, told.Shown.Transfers);
        writer.WriteEndObject();
    }

    /// <summary>Beside Qdrant's fields: how far the replica is, and the hash of its state there, which is the same on every replica that is as far.</summary>
    private static void WriteReplica(Utf8JsonWriter writer, ReplicaShown replica, ReplicaStanding? standing)
    {
        writer.WriteStartObject();
        writer.WriteNumber("peer_id", replica.Node);
        writer.WriteString("state", standing is null ? "Dead" : replica.State);
        if (standing is not null)
        {
            writer.WriteNumber("num_points", standing.Points);
            writer.WriteBoolean("leads", standing.Leads);
            writer.WriteNumber("term", standing.Term);
            writer.WriteNumber("applied", standing.Applied);
            writer.WriteNumber("committed", standing.Committed);
            writer.WriteString("state_hash", standing.StateHash.ToString("x16", CultureInfo.InvariantCulture));
            writer.WriteNumber("read_micros", standing.ReadMicros);
        }

        writer.WriteEndObject();
    }

    private static void WritePeer(Utf8JsonWriter writer, PeerShown peer, PeerStanding? standing)
    {
        writer.WriteStartObject(peer.Id.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("uri", peer.Uri);
        writer.WriteBoolean("responsive", standing is not null);
        if (standing is not null)
        {
            writer.WriteStartObject("details");
            writer.WriteString("version", ServicePages.ApiVersion);
            writer.WriteString("role", standing.Leads ? "Leader" : standing.IsVoter ? "Follower" : "Learner");
            writer.WriteBoolean("is_voter", standing.IsVoter);
            writer.WriteNumber("term", standing.Term);
            writer.WriteNumber("commit", standing.Commit);
            writer.WriteNumber("num_pending_operations", standing.Commit - Math.Min(standing.Commit, standing.Applied));
            writer.WriteStartObject("consensus_thread_status");
            writer.WriteString("consensus_thread_status", "working");
            writer.WriteString("last_update", DateTime.UtcNow.ToString("O", CultureInfo.InvariantCulture));
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
