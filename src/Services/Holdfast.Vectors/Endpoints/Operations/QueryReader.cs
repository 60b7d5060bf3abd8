using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Where a query's examples are looked up, and the words that its kinds share.</summary>
/// <param name="Call">The request.</param>
/// <param name="Collection">What is searched.</param>
/// <param name="Scope">How it reads.</param>
internal sealed record QueryReader(VectorCall Call, CollectionRecord Collection, ReadScope Scope)
{
    private const int LimitDefault = 10;

    /// <summary>Another collection whose points may be named as examples, and its vectors' name; null for this one.</summary>
    private (CollectionRecord Collection, string? Vector)? Elsewhere { get; init; }

    /// <summary>Reads <c>lookup_from</c>.</summary>
    /// <exception cref="VectorFault">There is no such collection, or the caller may not read it.</exception>
    public async ValueTask<QueryReader> FromAsync(JsonElement body)
    {
        if (Json.Field(body, "lookup_from") is not { } from) return this with { Elsewhere = null };
        var name = Json.Text(from, "collection") ?? throw VectorFault.BadJson("missing field `collection`");
        Call.Grant.Require(AccessRight.Read, name);
        return this with { Elsewhere = (await Call.Face.Collections.FindAsync(name, Scope.Cancel).ConfigureAwait(false) ?? throw VectorFault.NoSuchOther(name), Json.Text(from, "vector")) };
    }

    /// <summary>What all queries have: filter, limit, parameters.</summary>
    /// <param name="body">The query.</param>
    /// <param name="outer">What the queries above it want.</param>
    /// <param name="limitName">The limit, in what is said of it.</param>
    public async ValueTask<QueryNode> FrameAsync(JsonElement body, Filter? outer, string limitName = "limit")
    {
        var own = FilterParser.Parse(Json.Field(body, "filter"));
        var limit = Json.Count(body, "limit") ?? Json.Count(body, "top") ?? LimitDefault;
        if (limit == 0) throw VectorFault.Invalid(limitName, "value 0 invalid, must be 1 or larger");
        var parameters = Json.Field(body, "params");
        var quantization = parameters is { } some ? Json.Field(some, "quantization") : null;
        StrictCheck.OnSearch(Collection, limit, parameters);
        await StrictCheck.OnReadAsync(Call, Collection, own).ConfigureAwait(false);
        return new QueryNode
        {
            Filter = Filter.Both(outer, own),
            Limit = (int)Math.Min((long)limit + (Json.Count(body, "offset") ?? 0), int.MaxValue - 1024),
            ScoreThreshold = Json.Number(body, "score_threshold"),
            Ef = parameters is { } given ? Json.Count(given, "hnsw_ef") : null,
            IsExact = parameters is { } also && Json.Truth(also, "exact"),
            IgnoresCodes = quantization is { } codes && Json.Truth(codes, "ignore"),
            Oversampling = quantization is { } measure ? Json.Field(measure, "rescore") is { ValueKind: JsonValueKind.False } ? 1 : Json.Number(measure, "oversampling") : null,
        };
    }

    /// <summary>The closest to a vector, or to a point's.</summary>
    public async Task<QueryNode> NearestAsync(QueryNode node, string name, JsonElement target)
    {
        var column = Collection.Config.ColumnOf(name);
        var named = new List<PointId>();
        var vector = await ExampleAsync(column, target, named).ConfigureAwait(false);
        return node with { Kind = QueryKind.Nearest, Column = column, Vector = vector, Filter = Without(node.Filter, named) };
    }

    /// <summary>Towards the positive examples and away from the negative ones, by one of three strategies.</summary>
    public async Task<QueryNode> RecommendAsync(QueryNode node, string name, JsonElement recommend)
    {
        var column = Collection.Config.ColumnOf(name);
        var strategy = Json.Text(recommend, "strategy") ?? "average_vector";
        var named = new List<PointId>();
        var positive = await ExamplesAsync(column, Json.Field(recommend, "positive"), named).ConfigureAwait(false);
        var negative = await ExamplesAsync(column, Json.Field(recommend, "negative"), named).ConfigureAwait(false);
        node = node with { Column = column, Filter = Without(node.Filter, named) };
        switch (strategy)
        {
            case "average_vector":
                if (positive.Count == 0) throw VectorFault.BadInput("At least one positive vector ID required with this strategy");
                return node with { Kind = QueryKind.Nearest, Vector = VectorNorm.Prepare(VectorMean.Towards(positive, negative, Collection.Config.Columns[column]), Collection.Config.Columns[column]) };
            case "best_score" or "sum_scores":
                if (positive.Count + negative.Count == 0) throw VectorFault.BadInput("At least one positive or negative vector ID required with this strategy");
                return node with { Kind = QueryKind.Examples, Examples = new ExampleQuestion(column, strategy == "best_score" ? ExampleRule.BestScore : ExampleRule.SumScores, positive, negative, null, node.Limit, null) };
            default:
                throw VectorFault.BadJson($"unknown variant `{strategy}`, expected one of `average_vector`, `best_score`, `sum_scores`");
        }
    }

    /// <summary>By pairs of which one is wanted nearer than the other, and a target where there is one.</summary>
    public async Task<QueryNode> DiscoverAsync(QueryNode node, string name, JsonElement? target, JsonElement? context)
    {
        var column = Collection.Config.ColumnOf(name);
        var named = new List<PointId>();
        NamedVector? wanted = target is { } given ? await ExampleAsync(column, given, named).ConfigureAwait(false) : null;
        var (positive, negative) = (new List<NamedVector>(), new List<NamedVector>());
        foreach (var pair in context is { } pairs ? pairs.ValueKind == JsonValueKind.Array ? pairs.EnumerateArray().ToArray() : [pairs] : [])
        {
            positive.Add(await ExampleAsync(column, Json.Required(pair, "positive"), named).ConfigureAwait(false));
            negative.Add(await ExampleAsync(column, Json.Required(pair, "negative"), named).ConfigureAwait(false));
        }

        node = node with { Column = column, Filter = Without(node.Filter, named) };
        return node with { Kind = QueryKind.Examples, Examples = new ExampleQuestion(column, wanted is null ? ExampleRule.Context : ExampleRule.Discover, positive, negative, wanted, node.Limit, null) };
    }

    /// <summary>
    /// Towards what a model judged relevant and away from what it judged less so: the best judged is paired with the worst, the next with the next, and a point gains by each pair as it leans to its better half,
    /// weighed by how far apart the two were judged (Qdrant's "naive" strategy: a·target + Σ apart^b·c·lead).
    /// </summary>
    public async Task<QueryNode> FeedbackAsync(QueryNode node, string name, JsonElement feedback)
    {
        var column = Collection.Config.ColumnOf(name);
        if (Json.Required(feedback, "feedback") is not { ValueKind: JsonValueKind.Array } items) throw VectorFault.BadJson("invalid type: feedback is a sequence");
        var naive = Json.Required(Json.Required(feedback, "strategy"), "naive");
        float Coefficient(string letter) => Json.Number(naive, letter) ?? throw VectorFault.BadJson($"missing field `{letter}`");
        var (a, b, c) = (Coefficient("a"), Coefficient("b"), Coefficient("c"));
        var named = new List<PointId>();
        var target = await ExampleAsync(column, Json.Required(feedback, "target"), named).ConfigureAwait(false);
        var judged = new List<(NamedVector Vector, float Score)>();
        foreach (var item in items.EnumerateArray())
            judged.Add((await ExampleAsync(column, Json.Required(item, "example"), named).ConfigureAwait(false), Json.Number(item, "score") ?? throw VectorFault.BadJson("missing field `score`")));
        var ranked = judged.OrderByDescending(each => each.Score).ToArray();
        var pairs = Enumerable.Range(0, ranked.Length / 2).Select(at => (Better: ranked[at], Worse: ranked[^(at + 1)])).ToArray();
        var question = new ExampleQuestion(column, ExampleRule.Feedback, [.. pairs.Select(pair => pair.Better.Vector)], [.. pairs.Select(pair => pair.Worse.Vector)], target, node.Limit, null)
        {
            Weights = [a, .. pairs.Select(pair => MathF.Pow(pair.Better.Score - pair.Worse.Score, b) * c)],
        };
        return node with { Kind = QueryKind.Examples, Column = column, Filter = Without(node.Filter, named), Examples = question };
    }

    private static Filter? Without(Filter? filter, IReadOnlyCollection<PointId> ids) => ids.Count == 0 ? filter : Filter.Both(filter, Filter.Without(ids.ToHashSet()));

    private async Task<List<NamedVector>> ExamplesAsync(int column, JsonElement? examples, List<PointId> named)
    {
        var vectors = new List<NamedVector>();
        if (examples is not { } given) return vectors;
        if (given.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: expected a sequence of examples");
        foreach (var example in given.EnumerateArray()) vectors.Add(await ExampleAsync(column, example, named).ConfigureAwait(false));
        return vectors;
    }

    /// <summary>A vector, or a point whose vector it is. A point that is asked about is not among its own answers, unless it is of another collection.</summary>
    private async Task<NamedVector> ExampleAsync(int column, JsonElement target, List<PointId> named)
    {
        var own = Collection.Config.Columns[column];
        if (target.ValueKind is JsonValueKind.Array or JsonValueKind.Object) return VectorNorm.Prepare(VectorBodies.Read(own.Name, target, isQuery: true), own);
        var id = PointIds.Read(target);
        var (collection, name, scope) = (Collection, own.Name, Scope);
        if (Elsewhere is { } elsewhere)
        {
            (collection, name) = (elsewhere.Collection, elsewhere.Vector ?? own.Name);
            scope = new ReadScope { Level = Scope.Level, Session = Scope.Session, Cancel = Scope.Cancel };
        }

        var isKnown = collection.Config.Columns.Any(column => column.Name == name);
        var found = await Call.Face.RetrieveAsync(collection, [id], new ContentWanted(false, isKnown ? 1UL << collection.Config.ColumnOf(name) : 0), scope).ConfigureAwait(false);
        if (found.Count == 0) throw VectorFault.NotFound($"No point with id {id} found");
        if (!isKnown) throw VectorFault.NoSuchVector(name);
        if (found[0].Vectors.Count == 0) throw VectorFault.NotFound($"No vector with name {name} found for point {id}");
        if (ReferenceEquals(collection, Collection)) named.Add(id);
        return VectorNorm.Prepare(found[0].Vectors[0] with { Name = own.Name }, own);
    }
}
