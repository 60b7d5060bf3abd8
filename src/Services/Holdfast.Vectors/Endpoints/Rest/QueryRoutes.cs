using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Searches: the query endpoint, and the older search endpoint that clients still call.</summary>
internal static class QueryRoutes
{
    private const int LimitDefault = 10;

    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("POST", "/collections/{name}/points/query", QueryAsync),
        new("POST", "/collections/{name}/points/query/batch", QueryBatchAsync),
        new("POST", "/collections/{name}/points/search", SearchAsync),
        new("POST", "/collections/{name}/points/search/batch", SearchBatchAsync),
    ];

    private static async ValueTask<WriteResult> QueryAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var answer = await AskAsync(call, collection, call.Body, false).ConfigureAwait(false);
        return writer => WritePoints(writer, answer);
    }

    private static async ValueTask<WriteResult> SearchAsync(RestCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        return await AskAsync(call, collection, call.Body, true).ConfigureAwait(false);
    }

    private static async ValueTask<WriteResult> QueryBatchAsync(RestCall call)
    {
        var answers = await AskAllAsync(call, false).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var answer in answers) WritePoints(writer, answer);
            writer.WriteEndArray();
        };
    }

    private static async ValueTask<WriteResult> SearchBatchAsync(RestCall call)
    {
        var answers = await AskAllAsync(call, true).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var answer in answers) answer(writer);
            writer.WriteEndArray();
        };
    }

    private static async Task<List<WriteResult>> AskAllAsync(RestCall call, bool isLegacy)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var searches = Json.Required(call.Body, "searches");
        if (searches.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: searches is a sequence");
        var answers = new List<WriteResult>();
        foreach (var search in searches.EnumerateArray()) answers.Add(await AskAsync(call, collection, search, isLegacy).ConfigureAwait(false));
        return answers;
    }

    private static async Task<WriteResult> AskAsync(RestCall call, CollectionRecord collection, JsonElement body, bool isLegacy)
    {
        if (Json.Field(body, "prefetch") is not null) throw VectorFault.NotHere("queries with prefetch");
        var (limit, offset) = (Json.Count(body, "limit") ?? LimitDefault, Json.Count(body, "offset") ?? 0);
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        var (payload, vectors) = (PayloadSelection.Read(Json.Field(body, "with_payload"), false), VectorSelection.Read(Json.Field(body, "with_vector")));
        var filter = FilterParser.Parse(Json.Field(body, "filter"));
        var config = collection.Config;
        var (using_, target) = isLegacy ? LegacyTarget(Json.Required(body, "vector")) : (Json.Text(body, "using") ?? "", Json.Field(body, "query"));
        if (target is null) return await ScrolledAsync(call, collection, limit, filter, payload, vectors).ConfigureAwait(false);
        var column = config.ColumnOf(using_);
        var (vector, asked) = await TargetAsync(call, collection, column, target.Value).ConfigureAwait(false);
        var parameters = Json.Field(body, "params");
        var query = new NearestQuery
        {
            Column = column,
            Vector = VectorNorm.Prepare(vector, config.Columns[column]),
            Filter = asked is null ? filter : Without(filter, asked.Value),
            Limit = (int)Math.Min((long)limit + offset, int.MaxValue - 1024),
            ScoreThreshold = Json.Number(body, "score_threshold"),
            Ef = parameters is { } given ? Json.Count(given, "hnsw_ef") : null,
            IsExact = parameters is { } also && Json.Truth(also, "exact"),
        };
        var found = await call.Face.NearestAsync(collection, query, call.Level, call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            for (var at = offset; at < found.Count; at++) PointBodies.WriteScored(writer, config, found[at], payload, vectors);
            writer.WriteEndArray();
        };
    }

    private static async Task<WriteResult> ScrolledAsync(RestCall call, CollectionRecord collection, int limit, Filter? filter, PayloadSelection payload, VectorSelection vectors)
    {
        var (points, _) = await call.Face.ScrollAsync(collection, null, limit, filter, call.Level, call.Cancelled).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var point in points) PointBodies.WriteScored(writer, collection.Config, new ScoredRow(0, point.Segment, point.Row), payload, vectors);
            writer.WriteEndArray();
        };
    }

    private static (string Using, JsonElement? Target) LegacyTarget(JsonElement vector) => vector.ValueKind == JsonValueKind.Object
        ? (Json.Text(vector, "name") ?? "", Json.Required(vector, "vector"))
        : ("", vector);

    /// <summary>A vector, a point whose vector it is, or either under <c>nearest</c>. A point that is asked about is not among its own answers.</summary>
    private static async Task<(float[] Vector, PointId? Asked)> TargetAsync(RestCall call, CollectionRecord collection, int column, JsonElement target)
    {
        if (target.ValueKind == JsonValueKind.Array) return (Json.Vector(target), null);
        if (target.ValueKind == JsonValueKind.Object)
            return Json.Field(target, "nearest") is { } nearest ? await TargetAsync(call, collection, column, nearest).ConfigureAwait(false) : throw VectorFault.NotHere("this kind of query; nearest is");
        var id = PointIds.Read(target);
        var found = await call.Face.RetrieveAsync(collection, [id], call.Level, call.Cancelled).ConfigureAwait(false);
        if (found.Count == 0) throw VectorFault.NotFound($"No point with id {id} found");
        var held = found[0].Segment.Columns[column];
        return (found[0].Segment.Head(found[0].Row).Has & (1UL << column)) != 0 ? (held.Read(found[0].Row), id) : throw VectorFault.NotFound($"No vector with name {held.Params.Name} found for point {id}");
    }

    private static Filter Without(Filter? filter, PointId id)
    {
        var isOther = new HasIdCondition(new HashSet<PointId> { id });
        return filter is null ? new Filter { MustNot = [isOther] } : filter with { MustNot = [.. filter.MustNot, isOther] };
    }

    private static void WritePoints(Utf8JsonWriter writer, WriteResult points)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("points");
        points(writer);
        writer.WriteEndObject();
    }
}
