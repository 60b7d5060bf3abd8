using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Searches: the query endpoint, and the older search and recommend endpoints that clients still call.</summary>
internal static class QueryRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("POST", "/collections/{name}/points/query", call => OneAsync(call, QueryBodies.ReadAsync, isWrapped: true)),
        new("POST", "/collections/{name}/points/query/batch", call => ManyAsync(call, QueryBodies.ReadAsync, isWrapped: true)),
        new("POST", "/collections/{name}/points/search", call => OneAsync(call, QueryBodies.ReadSearchAsync, isWrapped: false)),
        new("POST", "/collections/{name}/points/search/batch", call => ManyAsync(call, QueryBodies.ReadSearchAsync, isWrapped: false)),
        new("POST", "/collections/{name}/points/recommend", call => OneAsync(call, QueryBodies.ReadRecommendationAsync, isWrapped: false)),
        new("POST", "/collections/{name}/points/recommend/batch", call => ManyAsync(call, QueryBodies.ReadRecommendationAsync, isWrapped: false)),
    ];

    private delegate Task<QueryNode> ReadQuery(RestCall call, CollectionRecord collection, JsonElement body);

    private static async ValueTask<WriteResult> OneAsync(RestCall call, ReadQuery read, bool isWrapped) =>
        await AskAsync(call, await call.CollectionAsync().ConfigureAwait(false), call.Body, read, isWrapped).ConfigureAwait(false);

    private static async ValueTask<WriteResult> ManyAsync(RestCall call, ReadQuery read, bool isWrapped)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var searches = Json.Required(call.Body, "searches");
        if (searches.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: searches is a sequence");
        var answers = new List<WriteResult>();
        foreach (var search in searches.EnumerateArray()) answers.Add(await AskAsync(call, collection, search, read, isWrapped).ConfigureAwait(false));
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var answer in answers) answer(writer);
            writer.WriteEndArray();
        };
    }

    private static async Task<WriteResult> AskAsync(RestCall call, CollectionRecord collection, JsonElement body, ReadQuery read, bool isWrapped)
    {
        var (payload, vectors) = (PayloadSelection.Read(Json.Field(body, "with_payload"), false), VectorSelection.Read(Json.Field(body, "with_vector")));
        var node = await read(call, collection, body).ConfigureAwait(false);
        var found = await QueryTree.AnswerAsync(call.Face, collection, node, call.Level, call.Cancelled).ConfigureAwait(false);
        var offset = Json.Count(body, "offset") ?? 0;
        return writer =>
        {
            if (isWrapped)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("points");
            }

            writer.WriteStartArray();
            for (var at = offset; at < found.Count; at++) PointBodies.WriteScored(writer, collection.Config, found[at], payload, vectors);
            writer.WriteEndArray();
            if (isWrapped) writer.WriteEndObject();
        };
    }
}
