using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Queries in bodies: what is asked, of which vectors, resting on what. Points that are named as examples are looked up here and become their vectors.</summary>
internal static class QueryBodies
{
    private const int LimitDefault = 10;
    private const int DepthMax = 8;
    private const int PrefetchesMax = 64;

    /// <summary>Reads a query of the query endpoint.</summary>
    public static Task<QueryNode> ReadAsync(RestCall call, CollectionRecord collection, JsonElement body) => ReadAsync(call, collection, body, null, 0);

    /// <summary>Reads a search of the older endpoint: its vector may carry the name of its column.</summary>
    public static async Task<QueryNode> ReadSearchAsync(RestCall call, CollectionRecord collection, JsonElement body)
    {
        var vector = Json.Required(body, "vector");
        var isNamed = vector.ValueKind == JsonValueKind.Object;
        var node = Frame(body, FilterParser.Parse(Json.Field(body, "filter")));
        return await NearestAsync(call, collection, node, isNamed ? Json.Text(vector, "name") ?? "" : "", isNamed ? Json.Required(vector, "vector") : vector).ConfigureAwait(false);
    }

    /// <summary>Reads a recommendation of the older endpoint.</summary>
    public static Task<QueryNode> ReadRecommendationAsync(RestCall call, CollectionRecord collection, JsonElement body) =>
        RecommendAsync(call, collection, Frame(body, FilterParser.Parse(Json.Field(body, "filter"))), Json.Text(body, "using") ?? "", body);

    private static async Task<QueryNode> ReadAsync(RestCall call, CollectionRecord collection, JsonElement body, Filter? outer, int depth)
    {
        if (depth > DepthMax) throw VectorFault.BadInput($"prefetches are nested deeper than {DepthMax} levels");
        var filter = Filter.Both(outer, FilterParser.Parse(Json.Field(body, "filter")));
        var node = Frame(body, filter) with { Prefetch = await PrefetchAsync(call, collection, body, filter, depth).ConfigureAwait(false) };
        if (Json.Field(body, "query") is not { } query) return node;
        var column = Json.Text(body, "using") ?? "";
        if (query.ValueKind != JsonValueKind.Object) return await NearestAsync(call, collection, node, column, query).ConfigureAwait(false);
        if (Json.Field(query, "nearest") is { } nearest && Json.Field(query, "mmr") is null) return await NearestAsync(call, collection, node, column, nearest).ConfigureAwait(false);
        if (Json.Field(query, "recommend") is { } recommend) return await RecommendAsync(call, collection, node, column, recommend).ConfigureAwait(false);
        if (Json.Text(query, "fusion") is { } fusion) return Fused(node, fusion, Fusion.RankOffset);
        if (Json.Field(query, "rrf") is { } ranks) return Fused(node, "rrf", Json.Count(ranks, "k") ?? Fusion.RankOffset);
        throw VectorFault.NotHere("this kind of query; nearest, recommend by average_vector, fusion and rrf are");
    }

    private static QueryNode Frame(JsonElement body, Filter? filter)
    {
        var limit = Json.Count(body, "limit") ?? LimitDefault;
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        var parameters = Json.Field(body, "params");
        return new QueryNode
        {
            Filter = filter,
            Limit = (int)Math.Min((long)limit + (Json.Count(body, "offset") ?? 0), int.MaxValue - 1024),
            ScoreThreshold = Json.Number(body, "score_threshold"),
            Ef = parameters is { } given ? Json.Count(given, "hnsw_ef") : null,
            IsExact = parameters is { } also && Json.Truth(also, "exact"),
        };
    }

    private static async Task<List<QueryNode>> PrefetchAsync(RestCall call, CollectionRecord collection, JsonElement body, Filter? filter, int depth)
    {
        var nodes = new List<QueryNode>();
        if (Json.Field(body, "prefetch") is not { } prefetch) return nodes;
        foreach (var each in prefetch.ValueKind == JsonValueKind.Array ? prefetch.EnumerateArray().ToArray() : [prefetch])
        {
            if (nodes.Count == PrefetchesMax) throw VectorFault.BadInput($"a query rests on at most {PrefetchesMax} others");
            nodes.Add(await ReadAsync(call, collection, each, filter, depth + 1).ConfigureAwait(false));
        }

        return nodes;
    }

    private static QueryNode Fused(QueryNode node, string fusion, int offset) => node.Prefetch.Count == 0
        ? throw VectorFault.BadInput("Fusion queries require at least one prefetch")
        : fusion switch
        {
            "rrf" when offset >= 1 => node with { Kind = QueryKind.RankFusion, RankOffset = offset },
            "rrf" => throw VectorFault.Invalid("rrf.k", "value 0 invalid, must be 1 or larger"),
            "dbsf" => node with { Kind = QueryKind.DistributionFusion },
            _ => throw VectorFault.BadJson($"unknown variant `{fusion}`, expected `rrf` or `dbsf`"),
        };

    private static async Task<QueryNode> NearestAsync(RestCall call, CollectionRecord collection, QueryNode node, string name, JsonElement target)
    {
        var column = collection.Config.ColumnOf(name);
        var (vector, asked) = await ExampleAsync(call, collection, column, target).ConfigureAwait(false);
        return node with { Kind = QueryKind.Nearest, Column = column, Vector = VectorNorm.Prepare(vector, collection.Config.Columns[column]), Filter = Without(node.Filter, asked) };
    }

    /// <summary>The mean of the positive examples, moved by as much again away from that of the negative ones.</summary>
    private static async Task<QueryNode> RecommendAsync(RestCall call, CollectionRecord collection, QueryNode node, string name, JsonElement recommend)
    {
        if (Json.Text(recommend, "strategy") is not (null or "average_vector")) throw VectorFault.NotHere("this strategy of recommendation; average_vector is");
        var column = collection.Config.ColumnOf(name);
        var named = new List<PointId>();
        var positive = await MeanAsync(call, collection, column, Json.Field(recommend, "positive"), named).ConfigureAwait(false) ?? throw VectorFault.BadInput("At least one positive vector ID required with this strategy");
        var negative = await MeanAsync(call, collection, column, Json.Field(recommend, "negative"), named).ConfigureAwait(false);
        var vector = negative is null ? positive : [.. positive.Zip(negative, (plus, minus) => plus + plus - minus)];
        return node with { Kind = QueryKind.Nearest, Column = column, Vector = VectorNorm.Prepare(vector, collection.Config.Columns[column]), Filter = Without(node.Filter, [.. named]) };
    }

    private static async Task<float[]?> MeanAsync(RestCall call, CollectionRecord collection, int column, JsonElement? examples, List<PointId> named)
    {
        if (examples is not { } list || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0) return null;
        var mean = new float[collection.Config.Columns[column].Size];
        foreach (var example in list.EnumerateArray())
        {
            var (vector, asked) = await ExampleAsync(call, collection, column, example).ConfigureAwait(false);
            if (vector.Length != mean.Length) throw VectorFault.WrongDimension(mean.Length, vector.Length);
            named.AddRange(asked);
            for (var at = 0; at < mean.Length; at++) mean[at] += vector[at] / list.GetArrayLength();
        }

        return mean;
    }

    /// <summary>A vector, or a point whose vector it is. A point that is asked about is not among its own answers.</summary>
    private static async Task<(float[] Vector, PointId[] Asked)> ExampleAsync(RestCall call, CollectionRecord collection, int column, JsonElement target)
    {
        if (target.ValueKind == JsonValueKind.Array) return (Json.Vector(target), []);
        if (target.ValueKind == JsonValueKind.Object) throw VectorFault.NotHere("this kind of vector; sequences of numbers and point IDs are");
        var id = PointIds.Read(target);
        var found = await call.Face.RetrieveAsync(collection, [id], call.Level, call.Cancelled).ConfigureAwait(false);
        if (found.Count == 0) throw VectorFault.NotFound($"No point with id {id} found");
        var held = found[0].Segment.Columns[column];
        return (found[0].Segment.Head(found[0].Row).Has & (1UL << column)) != 0 ? (held.Read(found[0].Row), [id]) : throw VectorFault.NotFound($"No vector with name {held.Params.Name} found for point {id}");
    }

    private static Filter? Without(Filter? filter, PointId[] ids) => ids.Length == 0 ? filter : Filter.Both(filter, new Filter { MustNot = [new HasIdCondition(ids.ToHashSet())] });
}
