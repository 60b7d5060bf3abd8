using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What is asked of the service and not of a collection, in the protocol's envelope: telemetry and issues.</summary>
internal static class ServiceRoutes
{
    private const int HotQueriesShown = 20;

    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("GET", "/telemetry", AccessRight.Manage, TelemetryAsync),
        new("GET", "/issues", AccessRight.Read, IssuesAsync),
        new("DELETE", "/issues", AccessRight.Manage, _ => new(CollectionRoutes.True)),
    ];

    private static async ValueTask<WriteResult> TelemetryAsync(VectorCall call)
    {
        var all = await call.Face.Collections.ListAsync(call.Cancelled).ConfigureAwait(false);
        var facts = new List<(string Name, Queries.ShardFacts Facts)>();
        foreach (var collection in all) facts.Add((collection.Name, await CollectionCalls.FactsAsync(call, collection).ConfigureAwait(false)));
        IReadOnlyList<HotQuery> hot;
        lock (call.Room.Hot) hot = call.Room.Hot.List(HotQueriesShown);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("id", call.Face.Collections.Cluster.Self.ToString(System.Globalization.CultureInfo.InvariantCulture));
            writer.WriteStartObject("app");
            writer.WriteString("name", "holdfast");
            writer.WriteString("version", ServicePages.ApiVersion);
            writer.WriteEndObject();
            writer.WriteStartObject("collections");
            writer.WriteNumber("number_of_collections", facts.Count);
            writer.WriteStartArray("collections");
            foreach (var (name, counters) in facts)
            {
                writer.WriteStartObject();
                writer.WriteString("id", name);
                writer.WriteNumber("vectors", counters.Points);
                writer.WriteString("optimizers_status", "ok");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
            WriteCluster(writer, call.Face.Collections.Cluster);
            writer.WriteStartArray("hot_queries");
            foreach (var query in hot)
            {
                writer.WriteStartObject();
                writer.WriteString("collection", query.Collection);
                writer.WriteString("hash", query.Hash.ToString("x16", System.Globalization.CultureInfo.InvariantCulture));
                writer.WriteNumber("count", query.Count);
                writer.WriteNumber("count_error", query.CountError);
                writer.WriteString("begins", query.Sample);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartObject("requests");
            foreach (var (collection, operation, count, mean, p95) in call.Room.Meters.List())
            {
                writer.WriteStartObject($"{operation} {collection}".TrimEnd());
                writer.WriteNumber("count", count);
                writer.WriteNumber("avg_duration_micros", mean * 1e6);
                writer.WriteNumber("p95_duration_micros", p95 * 1e6);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        };
    }

    private static void WriteCluster(System.Text.Json.Utf8JsonWriter writer, Facade.ClusterShown cluster)
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
        writer.WriteString("last_update", DateTime.UtcNow.ToString("O", System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Nothing is proposed here: what Qdrant calls an issue, a missing payload index, is made when it is asked for.</summary>
    private static ValueTask<WriteResult> IssuesAsync(VectorCall call) => new(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("issues");
        writer.WriteEndArray();
        writer.WriteEndObject();
    });
}
