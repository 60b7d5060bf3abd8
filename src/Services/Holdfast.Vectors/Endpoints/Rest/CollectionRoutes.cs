using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Collections: create, list, look at, delete.</summary>
internal static class CollectionRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("GET", "/collections", ListAsync),
        new("GET", "/collections/{name}", ShowAsync),
        new("GET", "/collections/{name}/exists", ExistsAsync),
        new("PUT", "/collections/{name}", CreateAsync),
        new("DELETE", "/collections/{name}", DeleteAsync),
        new("PUT", "/collections/{name}/index", CreateIndexAsync),
        new("DELETE", "/collections/{name}/index/{key}", DeleteIndexAsync),
    ];

    private static async ValueTask<WriteResult> ListAsync(RestCall call)
    {
        var all = await call.Face.Collections.ListAsync(call.Cancelled).ConfigureAwait(false);
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

    private static async ValueTask<WriteResult> ExistsAsync(RestCall call)
    {
        var isThere = await call.Face.Collections.FindAsync(call.CollectionName, call.Cancelled).ConfigureAwait(false) is not null;
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("exists", isThere);
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> CreateAsync(RestCall call)
    {
        var name = call.CollectionName;
        if (Encoding.UTF8.GetByteCount(name) > CollectionLimits.NameBytesMax || name.AsSpan().IndexOfAny("<>:\"/\\|?*\0\u001f") >= 0) throw VectorFault.Invalid("collection_name", $"value \"{name}\" invalid, length must be from 1 to 255 and it may not contain any of < > : \" / \\ | ? *");
        var config = CollectionConfig.Create(call.Body, replicasByDefault: 1);
        if (!await call.Face.Collections.CreateAsync(name, config, call.Cancelled).ConfigureAwait(false)) throw VectorFault.CollectionExists(name);
        return True;
    }

    private static async ValueTask<WriteResult> DeleteAsync(RestCall call)
    {
        var wasThere = await call.Face.Collections.DeleteAsync(call.CollectionName, call.Cancelled).ConfigureAwait(false);
        return writer => writer.WriteBooleanValue(wasThere);
    }

    private static async ValueTask<WriteResult> ShowAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var states = (await call.Face.ShardsAsync(collection, call.Cancelled).ConfigureAwait(false)).Select(shard => shard.Peek).OfType<ShardState>().ToArray();
        var points = states.Sum(state => (long)state.Store.Count);
        var indexed = states.Sum(state => state.Store.Segments.Sum(segment => segment.Columns.Sum(column => (long)Math.Min(column.Index?.Indexed ?? 0, column.LiveCount))));
        var isGreen = states.All(state => state.Store.Segments.All(segment => segment.Columns.All(column => column.Index is not { } index || index.Indexed >= segment.Visible)));
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", isGreen ? "green" : "yellow");
            writer.WriteString("optimizer_status", "ok");
            writer.WriteNumber("indexed_vectors_count", indexed);
            writer.WriteNumber("points_count", points);
            writer.WriteNumber("segments_count", states.Sum(state => Math.Max(1, state.Store.Segments.Length)));
            writer.WritePropertyName("config");
            writer.WriteRawValue(collection.Config.Json, skipInputValidation: true);
            WriteIndexes(writer, states);
            writer.WriteEndObject();
        };
    }

    private static void WriteIndexes(Utf8JsonWriter writer, ShardState[] states)
    {
        writer.WriteStartObject("payload_schema");
        foreach (var (key, schema) in states.Length > 0 ? states[0].Indexes : ImmutableSortedDictionary<string, string>.Empty)
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

            writer.WriteNumber("points", states.Sum(state => (long)state.Store.Count));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static async ValueTask<WriteResult> CreateIndexAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var key = Json.Text(call.Body, "field_name") ?? throw VectorFault.BadJson("missing field `field_name`");
        var schema = call.Field("field_schema") ?? call.Field("field_type") ?? throw VectorFault.BadInput("Field type is undefined and can't be inferred");
        if (schema.ValueKind is not (JsonValueKind.String or JsonValueKind.Object)) throw VectorFault.BadJson("field_schema is a type or an object with one");
        var type = schema.ValueKind == JsonValueKind.String ? schema.GetString() : Json.Text(schema, "type");
        if (type is not ("keyword" or "integer" or "float" or "bool" or "datetime" or "geo" or "text" or "uuid")) throw VectorFault.BadJson($"unknown variant `{type}`, expected one of `keyword`, `integer`, `float`, `geo`, `text`, `bool`, `datetime`, `uuid`");
        return PointRoutes.Operation(await call.Face.TellAllAsync(collection, ShardCommand.CreateIndex(key, schema.GetRawText()), call.Cancelled).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> DeleteIndexAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return PointRoutes.Operation(await call.Face.TellAllAsync(collection, ShardCommand.DeleteIndex(call.Part("key")), call.Cancelled).ConfigureAwait(false));
    }

    private static void True(Utf8JsonWriter writer) => writer.WriteBooleanValue(true);
}
