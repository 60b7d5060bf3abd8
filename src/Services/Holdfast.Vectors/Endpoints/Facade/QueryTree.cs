using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Answers a query and, before it, the queries that it rests on.</summary>
internal sealed class QueryTree(VectorFace face, CollectionRecord collection, ReadScope scope)
{
    /// <summary>The best points, best first, with the content that is wanted.</summary>
    public async Task<List<FoundPoint>> AnswerAsync(QueryNode node, ContentWanted wanted)
    {
        var lists = await Task.WhenAll(node.Prefetch.Select(before => AnswerAsync(before, ContentWanted.Nothing))).ConfigureAwait(false);
        switch (node.Kind)
        {
            case QueryKind.RankFusion: return await CutAsync(Fusion.ByRank(lists, node.RankOffset, node.Weights), node, wanted).ConfigureAwait(false);
            case QueryKind.DistributionFusion: return await CutAsync(Fusion.ByDistribution(lists), node, wanted).ConfigureAwait(false);
            case QueryKind.Formula: return await ComputedAsync(node, lists, wanted).ConfigureAwait(false);
            case QueryKind.Everything: return (await face.ScrollAsync(collection, null, node.Limit, node.Filter, wanted, scope).ConfigureAwait(false)).Points;
            case QueryKind.OrderBy: return await face.OrderedAsync(collection, node.Order, node.Limit, FilterOf(node, lists), wanted, scope).ConfigureAwait(false);
            case QueryKind.Sample: return await face.SampleAsync(collection, node.Limit, -1, FilterOf(node, lists), wanted, scope).ConfigureAwait(false);
            case QueryKind.Examples: return await face.ExamplesAsync(collection, node.Examples! with { Limit = node.Limit, ScoreThreshold = node.ScoreThreshold, Filter = FilterOf(node, lists), Wanted = wanted }, scope).ConfigureAwait(false);
            case QueryKind.Diverse: return await DiverseAsync(node, lists, wanted).ConfigureAwait(false);
            default: return await face.NearestAsync(collection, NearestOf(node, lists, node.Limit), wanted, scope).ConfigureAwait(false);
        }
    }

    /// <summary>What was prefetched is measured anew, all of it and nothing else.</summary>
    private static NearestQuery NearestOf(QueryNode node, IReadOnlyList<List<FoundPoint>> lists, int limit) => new()
    {
        Column = node.Column,
        Vector = node.Vector.Values,
        Indices = node.Vector.Indices,
        IgnoresCodes = node.IgnoresCodes,
        Oversampling = node.Oversampling,
        Filter = FilterOf(node, lists),
        Limit = limit,
        ScoreThreshold = node.ScoreThreshold,
        Ef = node.Ef,
        IsExact = node.IsExact || lists.Count > 0,
    };

    private static Filter? FilterOf(QueryNode node, IReadOnlyList<List<FoundPoint>> lists) =>
        lists.Count == 0 ? node.Filter : Filter.Both(node.Filter, Filter.Among(lists.SelectMany(list => list).Select(point => point.Id).ToHashSet()));

    private async Task<List<FoundPoint>> DiverseAsync(QueryNode node, IReadOnlyList<List<FoundPoint>> lists, ContentWanted wanted)
    {
        var column = collection.Config.Columns[node.Column];
        var found = await face.NearestAsync(collection, NearestOf(node, lists, Math.Max(node.Limit, node.Candidates)), wanted with { Columns = wanted.Columns | (1UL << node.Column) }, scope).ConfigureAwait(false);
        var candidates = found.Select(point => (Point: point, Vector: point.Vectors.FirstOrDefault(vector => vector.Name == column.Name))).Where(each => each.Vector.Values is not null).ToArray();
        var chosen = DiverseChoice.Choose(candidates, node.Vector, column, node.Relevance, node.Limit);
        return (wanted.Columns & (1UL << node.Column)) != 0 ? chosen : [.. chosen.Select(point => point with { Vectors = [.. point.Vectors.Where(vector => vector.Name != column.Name)] })];
    }

    /// <summary>Each prefetched point's score, out of those that the lists gave it and its payload.</summary>
    private async Task<List<FoundPoint>> ComputedAsync(QueryNode node, IReadOnlyList<List<FoundPoint>> lists, ContentWanted wanted)
    {
        var scores = new Dictionary<PointId, float[]>();
        for (var list = 0; list < lists.Count; list++)
            foreach (var point in lists[list])
            {
                if (!scores.TryGetValue(point.Id, out var given))
                {
                    scores[point.Id] = given = new float[lists.Count];
                    Array.Fill(given, float.NaN);
                }

                given[list] = point.Score;
            }

        var computed = new List<FoundPoint>(scores.Count);
        foreach (var point in await face.RetrieveAsync(collection, [.. scores.Keys], new ContentWanted(true, 0), scope).ConfigureAwait(false))
        {
            using var payload = point.Payload.Parse();
            computed.Add(point with { Score = node.Formula!.Of(point.Id, payload.RootElement, scores[point.Id]) });
        }

        return await CutAsync([.. computed.OrderByDescending(point => point.Score).ThenBy(point => point.Id)], node, wanted).ConfigureAwait(false);
    }

    private async Task<List<FoundPoint>> CutAsync(List<FoundPoint> points, QueryNode node, ContentWanted wanted)
    {
        if (node.ScoreThreshold is { } least) points.RemoveAll(point => point.Score < least);
        if (points.Count > node.Limit) points.RemoveRange(node.Limit, points.Count - node.Limit);
        return await face.FillAsync(collection, points, wanted, scope).ConfigureAwait(false);
    }
}
