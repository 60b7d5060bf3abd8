using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Collections: create, list, look at, change, delete; their aliases and payload indexes.</summary>
internal static class CollectionRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("GET", "/collections", AccessRight.Open, ListAsync),
        new("GET", "/collections/{name}", AccessRight.Read, ShowAsync),
        new("GET", "/collections/{name}/exists", AccessRight.Read, ExistsAsync),
        new("PUT", "/collections/{name}", AccessRight.Manage, CreateAsync),
        new("PATCH", "/collections/{name}", AccessRight.Manage, ChangeAsync),
        new("DELETE", "/collections/{name}", AccessRight.Manage, DeleteAsync),
        new("PUT", "/collections/{name}/index", AccessRight.Index, CreateIndexAsync),
        new("DELETE", "/collections/{name}/index/{key}", AccessRight.Index, DeleteIndexAsync),
        new("PUT", "/collections/{name}/vectors/{vector}", AccessRight.Manage, call => ChangeVectorsAsync(call, config => CollectionChange.MakeVector(config, call.Part("vector"), call.Body))),
        new("DELETE", "/collections/{name}/vectors/{vector}", AccessRight.Manage, call => ChangeVectorsAsync(call, config => CollectionChange.DeleteVector(config, call.Part("vector")))),
        new("GET", "/collections/{name}/optimizations", AccessRight.Read, OptimizationsAsync),
        new("GET", "/aliases", AccessRight.Open, call => AliasesAsync(call, null)),
        new("GET", "/collections/{name}/aliases", AccessRight.Read, call => AliasesAsync(call, call.CollectionName)),
        new("POST", "/collections/aliases", AccessRight.Manage, ChangeAliasesAsync),
    ];

    /// <summary>A result that is <c>true</c>.</summary>
    public static void True(Utf8JsonWriter writer) => writer.WriteBooleanValue(true);

    private static async ValueTask<WriteResult> ListAsync(VectorCall call)
    {
        var all = await CollectionCalls.ListAsync(call).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("collections");
            foreach (var collection in all)
            {
                writer.WriteStartObject();
                writer.WriteString("name", collection.Name);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> ExistsAsync(VectorCall call)
    {
        var isThere = await call.Face.Collections.FindAsync(call.CollectionName, call.Cancelled).ConfigureAwait(false) is not null;
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("exists", isThere);
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> CreateAsync(VectorCall call)
    {
        await CollectionCalls.CreateAsync(call, call.CollectionName, call.Body).ConfigureAwait(false);
        return True;
    }

    private static async ValueTask<WriteResult> ChangeAsync(VectorCall call)
    {
        await CollectionCalls.ChangeAsync(call, call.CollectionName, call.Body).ConfigureAwait(false);
        return True;
    }

    private static async ValueTask<WriteResult> DeleteAsync(VectorCall call)
    {
        var wasThere = await call.Face.Collections.DeleteAsync(call.CollectionName, call.Cancelled).ConfigureAwait(false);
        return writer => writer.WriteBooleanValue(wasThere);
    }

    private static async ValueTask<WriteResult> ShowAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var facts = await CollectionCalls.FactsAsync(call, collection).ConfigureAwait(false);
        var points = await CollectionCalls.IndexedPointsAsync(call, collection, facts).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", facts.IsGreen ? "green" : "yellow");
            writer.WriteString("optimizer_status", "ok");
            writer.WriteNumber("indexed_vectors_count", facts.Indexed);
            writer.WriteNumber("points_count", facts.Points);
            writer.WriteNumber("segments_count", facts.Segments);
            writer.WritePropertyName("config");
            writer.WriteRawValue(collection.Config.Shown, skipInputValidation: true);
            WriteIndexes(writer, facts, points);
            writer.WriteStartObject("update_queue");
            writer.WriteNumber("length", 0);
            writer.WriteEndObject();
            writer.WriteEndObject();
        };
    }

    private static void WriteIndexes(Utf8JsonWriter writer, ShardFacts facts, IReadOnlyDictionary<string, long> points)
    {
        writer.WriteStartObject("payload_schema");
        foreach (var (key, schema) in facts.Indexes)
        {
            writer.WritePropertyName(key);
            using var document = JsonDocument.Parse(schema);
            writer.WriteStartObject();
            var (type, parameters) = (document.RootElement, (JsonElement?)null);
            if (type.ValueKind == JsonValueKind.Object) (type, parameters) = (type.GetProperty("type"), type);
            writer.WriteString("data_type", type.GetString());
            if (parameters is { } given)
            {
                writer.WritePropertyName("params");
                given.WriteTo(writer);
            }

            writer.WriteNumber("points", points[key]);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static async ValueTask<WriteResult> CreateIndexAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var key = Json.Text(call.Body, "field_name") ?? throw VectorFault.BadJson("missing field `field_name`");
        var schema = call.Field("field_schema") ?? call.Field("field_type") ?? throw VectorFault.BadInput("Field type is undefined and can't be inferred");
        return PointRoutes.Operation(call, await CollectionCalls.CreateIndexAsync(call, collection, key, schema).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> DeleteIndexAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return PointRoutes.Operation(call, await call.Face.IndexAsync(collection, Shards.ShardCommand.DeleteIndex(call.Part("key")), call.Cancelled).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> ChangeVectorsAsync(VectorCall call, Func<CollectionConfig, CollectionConfig> change) => PointRoutes.Operation(call, await CollectionCalls.ChangeAsync(call, call.CollectionName, change).ConfigureAwait(false));

    /// <summary>What is not indexed yet; the work itself has no names here.</summary>
    private static async ValueTask<WriteResult> OptimizationsAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var facts = await CollectionCalls.FactsAsync(call, collection).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartObject("summary");
            writer.WriteNumber("queued_optimizations", facts.IsGreen ? 0 : 1);
            writer.WriteNumber("queued_segments", facts.IsGreen ? 0 : 1);
            writer.WriteNumber("queued_points", Math.Max(0, facts.Points - facts.Indexed));
            writer.WriteNumber("idle_segments", facts.IsGreen ? facts.Segments : Math.Max(0, facts.Segments - 1));
            writer.WriteEndObject();
            writer.WriteStartArray("running");
            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> AliasesAsync(VectorCall call, string? collection)
    {
        if (collection is not null) await call.CollectionAsync().ConfigureAwait(false);
        var aliases = await call.Face.Collections.AliasesAsync(call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("aliases");
            foreach (var (alias, named) in aliases)
            {
                if ((collection is not null && named != collection) || !call.Grant.Sees(named)) continue;
                writer.WriteStartObject();
                writer.WriteString("alias_name", alias);
                writer.WriteString("collection_name", named);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> ChangeAliasesAsync(VectorCall call)
    {
        var changes = new List<AliasChange>();
        foreach (var action in Json.Required(call.Body, "actions").EnumerateArray())
        {
            if (Json.Field(action, "create_alias") is { } create) changes.Add(new AliasChange(Text(create, "alias_name"), Text(create, "collection_name")));
            else if (Json.Field(action, "delete_alias") is { } delete) changes.Add(new AliasChange(Text(delete, "alias_name"), null));
            else if (Json.Field(action, "rename_alias") is { } rename) changes.Add(new AliasChange(Text(rename, "new_alias_name"), null, Text(rename, "old_alias_name")));
            else throw VectorFault.BadJson("data did not match any variant of untagged enum AliasOperations");
        }

        await call.Face.Collections.ChangeAliasesAsync(changes, call.Cancelled).ConfigureAwait(false);
        return True;
    }

    private static string Text(JsonElement element, string name) => Json.Text(element, name) ?? throw VectorFault.BadJson($"missing field `{name}`");
}
