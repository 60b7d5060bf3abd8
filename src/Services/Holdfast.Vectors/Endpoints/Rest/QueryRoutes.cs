using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Searches: the query endpoint, and the older search, recommend and discover endpoints that clients still call.</summary>
internal static class QueryRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        .. Kinds("query", QueryBodies.ReadAsync, isWrapped: true, hasGroups: true),
        .. Kinds("search", QueryBodies.ReadSearchAsync, isWrapped: false, hasGroups: true),
        .. Kinds("recommend", QueryBodies.ReadRecommendationAsync, isWrapped: false, hasGroups: true),
        .. Kinds("discover", QueryBodies.ReadDiscoveryAsync, isWrapped: false, hasGroups: false),
        new("POST", "/collections/{name}/points/search/matrix/pairs", AccessRight.Read, PairsAsync),
        new("POST", "/collections/{name}/points/search/matrix/offsets", AccessRight.Read, OffsetsAsync),
    ];

    private static IEnumerable<RestRoute> Kinds(string word, ReadQuery read, bool isWrapped, bool hasGroups)
    {
        yield return new("POST", $"/collections/{{name}}/points/{word}", AccessRight.Read, call => OneAsync(call, read, isWrapped));
        yield return new("POST", $"/collections/{{name}}/points/{word}/batch", AccessRight.Read, call => ManyAsync(call, read, isWrapped));
        if (hasGroups) yield return new("POST", $"/collections/{{name}}/points/{word}/groups", AccessRight.Read, call => GroupsAsync(call, read));
    }

    private static async ValueTask<WriteResult> OneAsync(VectorCall call, ReadQuery read, bool isWrapped)
    {
        var done = await Searches.OneAsync(call, await call.CollectionAsync().ConfigureAwait(false), call.Body, read).ConfigureAwait(false);
        return writer => Write(writer, done, isWrapped);
    }

    private static async ValueTask<WriteResult> ManyAsync(VectorCall call, ReadQuery read, bool isWrapped)
    {
        var all = await Searches.ManyAsync(call, await call.CollectionAsync().ConfigureAwait(false), read).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var done in all) Write(writer, done, isWrapped);
            writer.WriteEndArray();
        };
    }

    private static async ValueTask<WriteResult> GroupsAsync(VectorCall call, ReadQuery read)
    {
        var done = await Searches.GroupsAsync(call, await call.CollectionAsync().ConfigureAwait(false), call.Body, read).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("groups");
            foreach (var group in done.Groups)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("id");
                writer.WriteRawValue(group.Value, skipInputValidation: true);
                writer.WriteStartArray("hits");
                foreach (var point in group.Points) PointBodies.WriteScored(writer, done.Collection, point, done.Shown);
                writer.WriteEndArray();
                if (group.Lookup is { } lookup)
                {
                    writer.WritePropertyName("lookup");
                    PointBodies.Write(writer, done.LookedUpIn!, lookup, done.LookupShown!);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static void Write(Utf8JsonWriter writer, SearchDone done, bool isWrapped)
    {
        if (isWrapped)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("points");
        }

        writer.WriteStartArray();
        foreach (var point in done.Points) PointBodies.WriteScored(writer, done.Collection, point, done.Shown);
        writer.WriteEndArray();
        if (isWrapped) writer.WriteEndObject();
    }

    private static async ValueTask<WriteResult> PairsAsync(VectorCall call)
    {
        var done = await Searches.MatrixAsync(call, await call.CollectionAsync().ConfigureAwait(false), call.Body).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("pairs");
            foreach (var (one, other, score) in done.Pairs)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("a");
                PointIds.Write(writer, done.Ids[one]);
                writer.WritePropertyName("b");
                PointIds.Write(writer, done.Ids[other]);
                writer.WriteNumber("score", score);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> OffsetsAsync(VectorCall call)
    {
        var done = await Searches.MatrixAsync(call, await call.CollectionAsync().ConfigureAwait(false), call.Body).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("offsets_row");
            foreach (var pair in done.Pairs) writer.WriteNumberValue(pair.One);
            writer.WriteEndArray();
            writer.WriteStartArray("offsets_col");
            foreach (var pair in done.Pairs) writer.WriteNumberValue(pair.Other);
            writer.WriteEndArray();
            writer.WriteStartArray("scores");
            foreach (var pair in done.Pairs) writer.WriteNumberValue(pair.Score);
            writer.WriteEndArray();
            writer.WriteStartArray("ids");
            foreach (var id in done.Ids) PointIds.Write(writer, id);
            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }
}
