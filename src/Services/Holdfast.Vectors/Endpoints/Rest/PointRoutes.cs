using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Points: write, change, delete, read by name, scroll, count.</summary>
internal static class PointRoutes
{
    private const int ScrollDefault = 10;

    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("PUT", "/collections/{name}/points", UpsertAsync),
        new("POST", "/collections/{name}/points", RetrieveAsync),
        new("GET", "/collections/{name}/points/{id}", GetAsync),
        new("POST", "/collections/{name}/points/delete", call => ChangeAsync(call, ShardCommand.Delete)),
        new("POST", "/collections/{name}/points/payload", SetPayloadAsync),
        new("PUT", "/collections/{name}/points/payload", OverwritePayloadAsync),
        new("POST", "/collections/{name}/points/payload/delete", DeletePayloadAsync),
        new("POST", "/collections/{name}/points/payload/clear", call => ChangeAsync(call, ShardCommand.ClearPayload)),
        new("PUT", "/collections/{name}/points/vectors", UpdateVectorsAsync),
        new("POST", "/collections/{name}/points/vectors/delete", DeleteVectorsAsync),
        new("POST", "/collections/{name}/points/scroll", ScrollAsync),
        new("POST", "/collections/{name}/points/count", CountAsync),
    ];

    /// <summary>What a write answers. It is always completed: a quorum has it and it shows here, whatever <c>wait</c> said (S24).</summary>
    public static WriteResult Operation(ulong number) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("operation_id", number);
        writer.WriteString("status", "completed");
        writer.WriteEndObject();
    };

    private static async ValueTask<WriteResult> UpsertAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return Operation(await call.Face.UpsertAsync(collection, PointBodies.Points(call.Body), call.Cancelled).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> UpdateVectorsAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return Operation(await call.Face.UpdateVectorsAsync(collection, PointBodies.PointList(Json.Required(call.Body, "points")), call.Cancelled).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> DeleteVectorsAsync(RestCall call)
    {
        var config = (await call.CollectionAsync().ConfigureAwait(false)).Config;
        var bits = 0UL;
        foreach (var name in PayloadSelection.Texts(Json.Field(call.Body, "vector") ?? Json.Required(call.Body, "vectors"))) bits |= 1UL << config.ColumnOf(name);
        return await ChangeAsync(call, (ids, filter) => ShardCommand.DeleteVectors(ids, bits, filter)).ConfigureAwait(false);
    }

    private static ValueTask<WriteResult> SetPayloadAsync(RestCall call)
    {
        var payload = Payload.From(Json.Required(call.Body, "payload"));
        var path = Json.Text(call.Body, "key") ?? "";
        return ChangeAsync(call, (ids, filter) => ShardCommand.SetPayload(ids, payload, path, filter));
    }

    private static ValueTask<WriteResult> OverwritePayloadAsync(RestCall call)
    {
        var payload = Payload.From(Json.Required(call.Body, "payload"));
        return ChangeAsync(call, (ids, filter) => ShardCommand.OverwritePayload(ids, payload, filter));
    }

    private static ValueTask<WriteResult> DeletePayloadAsync(RestCall call)
    {
        var keys = PayloadSelection.Texts(Json.Required(call.Body, "keys"));
        return ChangeAsync(call, (ids, filter) => ShardCommand.DeletePayload(ids, keys, filter));
    }

    private static async ValueTask<WriteResult> ChangeAsync(RestCall call, Func<IReadOnlyList<PointId>, string, byte[]> command)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        if (call.Body.ValueKind == JsonValueKind.Array) return Operation(await call.Face.ChangeAsync(collection, PointIds.ReadAll(call.Body), command, call.Cancelled).ConfigureAwait(false));
        if (call.Field("points") is { } points) return Operation(await call.Face.ChangeAsync(collection, PointIds.ReadAll(points), command, call.Cancelled).ConfigureAwait(false));
        var filter = FilterParser.Parse(call.Field("filter")) ?? throw VectorFault.BadInput("either `points` or `filter` must be given");
        return Operation(await call.Face.ChangeAsync(collection, filter, command, call.Cancelled).ConfigureAwait(false));
    }

    private static async ValueTask<WriteResult> GetAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var text = call.Part("id");
        PointId id;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) id = PointId.Of(number);
        else if (!PointId.TryParseUuid(text, out id)) throw VectorFault.BadInput($"Can not recognize \"{text}\" as point id");
        var found = await call.Face.RetrieveAsync(collection, [id], call.Level, call.Cancelled).ConfigureAwait(false);
        if (found.Count == 0) throw VectorFault.NotFound($"Point with id {id} does not exists!");
        return writer => PointBodies.Write(writer, collection.Config, found[0], PayloadSelection.All, VectorSelection.All);
    }

    private static async ValueTask<WriteResult> RetrieveAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var (payload, vectors) = (PayloadSelection.Read(call.Field("with_payload"), true), VectorSelection.Read(call.Field("with_vector")));
        var found = await call.Face.RetrieveAsync(collection, PointIds.ReadAll(Json.Required(call.Body, "ids")), call.Level, call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var point in found) PointBodies.Write(writer, collection.Config, point, payload, vectors);
            writer.WriteEndArray();
        };
    }

    private static async ValueTask<WriteResult> ScrollAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var limit = Json.Count(call.Body, "limit") ?? ScrollDefault;
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        if (call.Field("order_by") is not null) throw VectorFault.NotHere("scrolling in the order of a payload key");
        var (payload, vectors) = (PayloadSelection.Read(call.Field("with_payload"), true), VectorSelection.Read(call.Field("with_vector")));
        var from = call.Field("offset") is { } offset ? PointIds.Read(offset) : (PointId?)null;
        var (points, next) = await call.Face.ScrollAsync(collection, from, limit, FilterParser.Parse(call.Field("filter")), call.Level, call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("points");
            foreach (var point in points) PointBodies.Write(writer, collection.Config, point, payload, vectors);
            writer.WriteEndArray();
            writer.WritePropertyName("next_page_offset");
            if (next is { } id) PointIds.Write(writer, id);
            else writer.WriteNullValue();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> CountAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var count = await call.Face.CountAsync(collection, FilterParser.Parse(call.Field("filter")), call.Level, call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("count", count);
            writer.WriteEndObject();
        };
    }
}
