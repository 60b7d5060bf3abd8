using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Endpoints.Telling;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>
/// What this node tells of itself, in Qdrant's shape: by <c>details_level</c> how many collections there are (0), their sizes and the machine (1), their configurations (2), their shards (3). Of segments nothing is
/// told, and of collections what the caller may see. Among the requests, as Holdfast's own: which queries are asked most, and the percentiles of what requests took.
/// </summary>
internal static class NodeTelemetry
{
    private const int HotQueriesShown = 20;

    public static readonly IReadOnlyList<RestRoute> All = [new("GET", "/telemetry", AccessRight.Open, TellAsync)];

    private sealed record CollectionTold(CollectionRecord Collection, CollectionShown? Shown, IReadOnlyList<(int Shard, ShardAnswer Answer)> Facts);

    private static async ValueTask<WriteResult> TellAsync(VectorCall call)
    {
        var level = call.QueryOf("details_level") is not { } text ? 0 : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : throw VectorFault.BadInput($"details_level \"{text}\" is no whole number");
        var all = await CollectionCalls.ListAsync(call).ConfigureAwait(false);
        var told = new List<CollectionTold>();
        foreach (var collection in level == 0 ? [] : all)
            told.Add(new CollectionTold(collection, level >= 3 ? await ClusterCalls.ShowAsync(call, collection).ConfigureAwait(false) : null, level == 2 ? [] : await call.Face.FactsAsync(collection, call.ScopeOf(default)).ConfigureAwait(false)));
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", call.Face.Collections.Cluster.Self.ToString(CultureInfo.InvariantCulture));
            writer.WriteStartObject("app");
            writer.WriteString("name", ServicePages.AppName);
            writer.WriteString("version", ServicePages.ApiVersion);
            writer.WriteString("startup", call.Room.Opened);
            writer.WriteEndObject();
            writer.WriteStartObject("collections");
            writer.WriteNumber("number_of_collections", all.Count);
            if (level > 0)
            {
                writer.WriteStartArray("collections");
                foreach (var collection in told) WriteCollection(writer, collection, level, call.Face.Collections.Cluster.Self);
                writer.WriteEndArray();
            }

            writer.WriteEndObject();
            WriteCluster(writer, call.Face.Collections.Cluster);
            WriteRequests(writer, call.Room, call.Grant);
            if (level > 0) WriteMachine(writer);
            writer.WriteEndObject();
        };
    }

    private static void WriteCollection(Utf8JsonWriter writer, CollectionTold told, int level, ulong self)
    {
        writer.WriteStartObject();
        using var config = JsonDocument.Parse(told.Collection.Config.Shown);
        if (level == 1)
        {
            writer.WriteNumber("vectors", told.Facts.Sum(each => each.Answer.Facts?.Points ?? 0));
            writer.WriteString("optimizers_status", "ok");
            writer.WritePropertyName("params");
            config.RootElement.GetProperty("params").WriteTo(writer);
            writer.WriteEndObject();
            return;
        }

        writer.WriteString("id", told.Collection.Name);
        writer.WriteNumber("init_time_ms", 0);
        writer.WritePropertyName("config");
        config.RootElement.WriteTo(writer);
        if (told.Shown is { } shown)
        {
            writer.WriteStartArray("shards");
            foreach (var shard in told.Collection.Layout.Numbers) WriteShard(writer, told.Collection, shard, [.. shown.Replicas.Where(replica => replica.Shard == shard)], told.Facts.FirstOrDefault(each => each.Shard == shard).Answer, self);
            writer.WriteEndArray();
            ClusterRoutes.WriteTransfers(writer, shown.Transfers, "transfers");
            ClusterRoutes.WriteResharding(writer, "resharding", shown.Resharding, isAlwaysThere: true);
        }

        writer.WriteEndObject();
    }

    private static void WriteShard(Utf8JsonWriter writer, CollectionRecord collection, int shard, IReadOnlyList<ReplicaShown> replicas, ShardAnswer? answer, ulong self)
    {
        writer.WriteStartObject();
        writer.WriteNumber("id", shard);
        writer.WritePropertyName("key");
        if (collection.Layout.KeyOf(shard) is { } key) writer.WriteRawValue(key, skipInputValidation: true);
        else writer.WriteNullValue();
        if (answer?.Facts is { } facts && replicas.Any(replica => replica.Node == self)) WriteLocal(writer, collection, answer, facts);
        else writer.WriteNull("local");
        writer.WriteStartArray("remote");
        foreach (var replica in replicas.Where(replica => replica.Node != self))
        {
            writer.WriteStartObject();
            writer.WriteNumber("shard_id", shard);
            writer.WriteNumber("peer_id", replica.Node);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartObject("replicate_states");
        foreach (var replica in replicas) writer.WriteString(replica.Node.ToString(CultureInfo.InvariantCulture), replica.State);
        writer.WriteEndObject();
        writer.WriteNull("partial_snapshot");
        writer.WriteEndObject();
    }

    private static void WriteLocal(Utf8JsonWriter writer, CollectionRecord collection, ShardAnswer answer, ShardFacts facts)
    {
        writer.WriteStartObject("local");
        writer.WriteString("variant_name", "local shard");
        writer.WriteString("status", facts.IsGreen ? "green" : "yellow");
        writer.WriteNumber("total_optimized_points", facts.Indexed);
        writer.WriteNumber("vectors_size_bytes", facts.Points * collection.Config.Columns.Sum(column => (long)column.VectorBytes));
        writer.WriteNumber("payloads_size_bytes", answer.Count);
        writer.WriteNumber("num_points", facts.Points);
        writer.WriteNull("num_vectors");
        writer.WriteStartObject("optimizations");
        writer.WriteString("status", "ok");
        writer.WriteStartObject("optimizations");
        writer.WriteNumber("count", 0);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteBoolean("async_scorer", false);
        writer.WriteEndObject();
    }

    private static void WriteCluster(Utf8JsonWriter writer, ClusterShown cluster)
    {
        writer.WriteStartObject("cluster");
        writer.WriteBoolean("enabled", true);
        writer.WriteStartObject("status");
        writer.WriteNumber("number_of_peers", cluster.Peers.Count);
        writer.WriteNumber("term", cluster.Term);
        writer.WriteNumber("commit", cluster.Commit);
        writer.WriteNumber("pending_operations", 0);
        writer.WriteString("role", cluster.IsLeader ? "Leader" : "Follower");
        writer.WriteBoolean("is_voter", cluster.IsVoter);
        writer.WriteNumber("peer_id", cluster.Self);
        writer.WriteStartObject("consensus_thread_status");
        writer.WriteString("consensus_thread_status", "working");
        writer.WriteString("last_update", DateTime.UtcNow);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteRequests(Utf8JsonWriter writer, VectorRoom room, AccessGrant grant)
    {
        writer.WriteStartObject("requests");
        WriteDoor(writer, "rest", room.Tally, isGrpc: false);
        WriteDoor(writer, "grpc", room.Tally, isGrpc: true);
        WriteHot(writer, room, grant);
        writer.WriteStartObject("percentiles");
        foreach (var (collection, operation, count, mean, p95) in room.Meters.List())
        {
            if (!grant.Sees(collection)) continue;
            writer.WriteStartObject($"{operation} {collection}".TrimEnd());
            writer.WriteNumber("count", count);
            writer.WriteNumber("avg_duration_micros", mean * 1e6);
            writer.WriteNumber("p95_duration_micros", p95 * 1e6);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteDoor(Utf8JsonWriter writer, string name, RequestTally tally, bool isGrpc)
    {
        writer.WriteStartObject(name);
        writer.WriteStartObject("responses");
        foreach (var endpoint in tally.List(isGrpc))
        {
            writer.WriteStartObject(endpoint.Key);
            foreach (var (status, shown) in endpoint)
            {
                writer.WriteStartObject(status.ToString(CultureInfo.InvariantCulture));
                writer.WriteNumber("count", shown.Requests);
                writer.WriteNumber("avg_duration_micros", shown.MicrosTotal / shown.Requests);
                writer.WriteNumber("min_duration_micros", shown.MicrosMin);
                writer.WriteNumber("max_duration_micros", shown.MicrosMax);
                writer.WriteNumber("total_duration_micros", (long)shown.MicrosTotal);
                writer.WriteString("last_responded", shown.Last.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture));
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteHot(Utf8JsonWriter writer, VectorRoom room, AccessGrant grant)
    {
        IReadOnlyList<HotQuery> hot;
        lock (room.Hot) hot = room.Hot.List(HotQueriesShown);
        writer.WriteStartArray("hot_queries");
        foreach (var query in hot)
        {
            if (!grant.Sees(query.Collection)) continue;
            writer.WriteStartObject();
            writer.WriteString("collection", query.Collection);
            writer.WriteString("hash", query.Hash.ToString("x16", CultureInfo.InvariantCulture));
            writer.WriteNumber("count", query.Count);
            writer.WriteNumber("count_error", query.CountError);
            writer.WriteString("begins", query.Sample);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Of memory what the runtime knows: what is in use, what it holds, what the process has.</summary>
    private static void WriteMachine(Utf8JsonWriter writer)
    {
        var collected = GC.GetGCMemoryInfo();
        writer.WriteStartObject("memory");
        writer.WriteNumber("active_bytes", collected.TotalCommittedBytes);
        writer.WriteNumber("allocated_bytes", GC.GetTotalMemory(forceFullCollection: false));
        writer.WriteNumber("metadata_bytes", 0);
        writer.WriteNumber("resident_bytes", Environment.WorkingSet);
        writer.WriteNumber("retained_bytes", Math.Max(0, collected.TotalCommittedBytes - collected.HeapSizeBytes));
        writer.WriteEndObject();
        writer.WriteStartObject("hardware");
        writer.WriteStartObject("collection_data");
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
