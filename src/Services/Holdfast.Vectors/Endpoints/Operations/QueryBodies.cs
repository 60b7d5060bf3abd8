using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Reads a request's body as a query.</summary>
internal delegate Task<QueryNode> ReadQuery(QueryReader reader, JsonElement body);

/// <summary>Queries in bodies: what is asked, of which vectors, resting on what. Points that are named as examples are looked up here and become their vectors.</summary>
internal static class QueryBodies
{
    private const int DepthMax = 8;
    private const int PrefetchesMax = 64;

    /// <summary>Reads a query of the query endpoint.</summary>
    public static Task<QueryNode> ReadAsync(QueryReader reader, JsonElement body) => ReadAsync(reader, body, null, 0, Json.Count(body, "offset") ?? 0);

    /// <summary>Reads a search of the older endpoint: its vector may carry the name of its column.</summary>
    public static async Task<QueryNode> ReadSearchAsync(QueryReader reader, JsonElement body)
    {
        var vector = Json.Required(body, "vector");
        var isNamed = vector.ValueKind == JsonValueKind.Object && vector.TryGetProperty("name", out _);
        var node = await reader.FrameAsync(body, null).ConfigureAwait(false);
        return await reader.NearestAsync(node, isNamed ? Json.Text(vector, "name") ?? "" : "", isNamed ? Json.Required(vector, "vector") : vector).ConfigureAwait(false);
    }

    /// <summary>Reads a recommendation of the older endpoint.</summary>
    public static async Task<QueryNode> ReadRecommendationAsync(QueryReader reader, JsonElement body) =>
        await (await reader.FromAsync(body).ConfigureAwait(false)).RecommendAsync(await reader.FrameAsync(body, null).ConfigureAwait(false), UsingOf(body), body).ConfigureAwait(false);

    /// <summary>Reads a discovery of the older endpoint: a target, a context, or both.</summary>
    public static async Task<QueryNode> ReadDiscoveryAsync(QueryReader reader, JsonElement body)
    {
        var node = await reader.FrameAsync(body, null).ConfigureAwait(false);
        if (Json.Field(body, "target") is null && Json.Field(body, "context") is null) throw VectorFault.BadInput("either `target` or `context` must be given");
        return await (await reader.FromAsync(body).ConfigureAwait(false)).DiscoverAsync(node, UsingOf(body), Json.Field(body, "target"), Json.Field(body, "context")).ConfigureAwait(false);
    }

    /// <param name="reader">Where examples are looked up.</param>
    /// <param name="body">The query, or one that it rests on.</param>
    /// <param name="outer">What the queries above it want.</param>
    /// <param name="depth">How many are above it.</param>
    /// <param name="skipped">Points that the reply leaves out in front: whatever a query rests on must find so many more.</param>
    private static async Task<QueryNode> ReadAsync(QueryReader reader, JsonElement body, Filter? outer, int depth, int skipped)
    {
        if (depth > DepthMax) throw VectorFault.BadInput($"prefetches are nested deeper than {DepthMax} levels");
        var node = await reader.FrameAsync(body, outer, depth == 0 ? "internal.limit" : "prefetch.limit").ConfigureAwait(false);
        if (depth > 0) node = node with { Limit = (int)Math.Min((long)node.Limit + skipped, int.MaxValue - 1024) };
        node = node with { Prefetch = await PrefetchAsync(reader, body, node.Filter, depth, skipped).ConfigureAwait(false) };
        if (Json.Field(body, "query") is not { } query) return RequirePlain(node);
        if (depth == 0) RequireMeaning(body, query);
        var (column, here) = (UsingOf(body), await reader.FromAsync(body).ConfigureAwait(false));
        if (query.ValueKind != JsonValueKind.Object || IsVector(query)) return await here.NearestAsync(node, column, query).ConfigureAwait(false);
        if (Json.Field(query, "nearest") is { } nearest) return Diverse(await here.NearestAsync(node, column, nearest).ConfigureAwait(false), Json.Field(query, "mmr"));
        if (Json.Field(query, "recommend") is { } recommend) return await here.RecommendAsync(node, column, recommend).ConfigureAwait(false);
        if (Json.Field(query, "discover") is { } discover) return await here.DiscoverAsync(node, column, Json.Required(discover, "target"), Json.Field(discover, "context")).ConfigureAwait(false);
        if (Json.Field(query, "context") is { } context) return await here.DiscoverAsync(node, column, null, context).ConfigureAwait(false);
        if (Json.Field(query, "relevance_feedback") is { } feedback) return await here.FeedbackAsync(node, column, feedback).ConfigureAwait(false);
        if (Json.Field(query, "order_by") is { } order) return node with { Kind = QueryKind.OrderBy, Order = OrderBodies.Read(order) };
        if (Json.Text(query, "sample") is { } sample) return sample == "random" ? node with { Kind = QueryKind.Sample } : throw VectorFault.BadJson($"unknown variant `{sample}`, expected `random`");
        if (Json.Text(query, "fusion") is { } fusion) return Fused(node, fusion, Fusion.RankOffset, []);
        if (Json.Field(query, "rrf") is { } ranks) return Fused(node, "rrf", Json.Count(ranks, "k") ?? Fusion.RankOffset, WeightsOf(ranks));
        if (Json.Field(query, "formula") is { } formula) return Computed(node, FormulaParser.Parse(formula, Json.Field(query, "defaults")));
        throw VectorFault.NotHere("this kind of query; nearest, recommend, discover, context, order_by, sample, fusion, rrf, formula and relevance_feedback are");
    }

    /// <summary>Without a query points come in the order of their names: there is nothing to merge and nothing to measure.</summary>
    private static QueryNode RequirePlain(QueryNode node) =>
        node.Prefetch.Count > 0 ? throw VectorFault.BadRequest("A query is needed to merge the prefetches. Can't have prefetches without defining a query.")
        : node.ScoreThreshold is not null ? throw VectorFault.BadRequest("A query is needed to use the score_threshold. Can't have score_threshold without defining a query.")
        : node;

    /// <summary>Refuses what the kind of query cannot have beside it.</summary>
    private static void RequireMeaning(JsonElement body, JsonElement query)
    {
        if (query.ValueKind != JsonValueKind.Object) return;
        if (Json.Field(query, "order_by") is not null && Json.Field(body, "score_threshold") is not null) throw VectorFault.BadRequest("Can't use score_threshold with an order_by query.");
        if ((Json.Field(query, "fusion") ?? Json.Field(query, "rrf")) is not null && Json.Field(body, "using") is not null) throw VectorFault.BadRequest("Fusion queries cannot be combined with the 'using' field.");
    }

    /// <summary>A sparse vector is an object too, with its indices and values.</summary>
    private static bool IsVector(JsonElement query) => query.TryGetProperty("indices", out _) || query.TryGetProperty("text", out _);

    private static string UsingOf(JsonElement body) => Json.Text(body, "using") ?? "";

    private static async Task<List<QueryNode>> PrefetchAsync(QueryReader reader, JsonElement body, Filter? filter, int depth, int skipped)
    {
        var nodes = new List<QueryNode>();
        if (Json.Field(body, "prefetch") is not { } prefetch) return nodes;
        foreach (var each in prefetch.ValueKind == JsonValueKind.Array ? prefetch.EnumerateArray().ToArray() : [prefetch])
        {
            if (nodes.Count == PrefetchesMax) throw VectorFault.BadInput($"a query rests on at most {PrefetchesMax} others");
            nodes.Add(await ReadAsync(reader, each, filter, depth + 1, skipped).ConfigureAwait(false));
        }

        return nodes;
    }

    private static QueryNode Diverse(QueryNode node, JsonElement? mmr)
    {
        if (mmr is not { } given) return node;
        var diversity = Json.Number(given, "diversity") ?? 0.5f;
        if (diversity is < 0 or > 1) throw VectorFault.Invalid("mmr.diversity", FormattableString.Invariant($"value {diversity} invalid, must be from 0.0 to 1.0"));
        var candidates = Json.Count(given, "candidates_limit") ?? node.Limit;
        return candidates > 16_384 ? throw VectorFault.Invalid("mmr.candidates_limit", $"value {candidates} invalid, must be from 0 to 16384") : node with { Kind = QueryKind.Diverse, Relevance = 1 - diversity, Candidates = candidates };
    }

    private static QueryNode Fused(QueryNode node, string fusion, int offset, float[] weights)
    {
        if (node.Prefetch.Count == 0) throw VectorFault.BadInput("Fusion queries require at least one prefetch");
        if (weights.Length > 0 && weights.Length != node.Prefetch.Count) throw VectorFault.BadInput($"the number of weights must be the number of prefetches ({weights.Length} != {node.Prefetch.Count})");
        return fusion switch
        {
            "rrf" when offset >= 1 => node with { Kind = QueryKind.RankFusion, RankOffset = offset, Weights = weights },
            "rrf" => throw VectorFault.Invalid("rrf.k", "value 0 invalid, must be 1 or larger"),
            "dbsf" => node with { Kind = QueryKind.DistributionFusion },
            _ => throw VectorFault.BadJson($"unknown variant `{fusion}`, expected `rrf` or `dbsf`"),
        };
    }

    private static QueryNode Computed(QueryNode node, Formula formula) => node.Prefetch.Count == 0
        ? throw VectorFault.BadInput("Formula queries require at least one prefetch")
        : node with { Kind = QueryKind.Formula, Formula = formula };

    private static float[] WeightsOf(JsonElement ranks) => Json.Field(ranks, "weights") is { ValueKind: JsonValueKind.Array } weights ? [.. weights.EnumerateArray().Select(weight => weight.GetSingle())] : [];
}

/// <summary>Orders in bodies.</summary>
internal static class OrderBodies
{
    /// <summary>Reads an order: a key, or an object with one.</summary>
    public static ValueOrder Read(JsonElement order)
    {
        if (order.ValueKind == JsonValueKind.String) return new ValueOrder(order.GetString()!, false, double.NaN);
        var key = Json.Text(order, "key") ?? throw VectorFault.BadJson("missing field `key`");
        var direction = Json.Text(order, "direction");
        if (direction is not (null or "asc" or "desc")) throw VectorFault.BadJson($"unknown variant `{direction}`, expected `asc` or `desc`");
        var start = double.NaN;
        if (Json.Field(order, "start_from") is { } from && !PayloadScan.TryNumber(from, out start, out _)) throw VectorFault.BadJson("start_from is a number or a date and time (RFC 3339)");
        return new ValueOrder(key, direction == "desc", start);
    }
}
