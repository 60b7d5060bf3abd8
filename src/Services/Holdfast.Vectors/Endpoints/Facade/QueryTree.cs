using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Answers a query and, before it, the queries that it rests on.</summary>
internal static class QueryTree
{
    /// <summary>The best points, best first.</summary>
    public static async Task<List<ScoredRow>> AnswerAsync(VectorFace face, CollectionRecord collection, QueryNode node, ReadLevel level, CancellationToken cancel)
    {
        var lists = new List<List<ScoredRow>>(node.Prefetch.Count);
        foreach (var before in node.Prefetch) lists.Add(await AnswerAsync(face, collection, before, level, cancel).ConfigureAwait(false));
        switch (node.Kind)
        {
            case QueryKind.RankFusion: return Cut(Fusion.ByRank(lists, node.RankOffset), node);
            case QueryKind.DistributionFusion: return Cut(Fusion.ByDistribution(lists), node);
            case QueryKind.Everything:
                if (lists.Count > 0) throw VectorFault.BadInput("A query is needed to merge the prefetches. Can't have prefetches without defining a query.");
                var (points, _) = await face.ScrollAsync(collection, null, node.Limit, node.Filter, level, cancel).ConfigureAwait(false);
                return [.. points.Select(point => new ScoredRow(0, point.Segment, point.Row))];
            default:
                return await face.NearestAsync(collection, NearestOf(node, lists), level, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>What was prefetched is measured anew, all of it and nothing else.</summary>
    private static NearestQuery NearestOf(QueryNode node, List<List<ScoredRow>> lists)
    {
        var query = new NearestQuery { Column = node.Column, Vector = node.Vector, Filter = node.Filter, Limit = node.Limit, ScoreThreshold = node.ScoreThreshold, Ef = node.Ef, IsExact = node.IsExact };
        if (lists.Count == 0) return query;
        var found = new Filter { Must = [new HasIdCondition(lists.SelectMany(list => list).Select(row => row.Id).ToHashSet())] };
        return query with { Filter = Filter.Both(node.Filter, found), IsExact = true };
    }

    private static List<ScoredRow> Cut(List<ScoredRow> rows, QueryNode node)
    {
        if (node.ScoreThreshold is { } least) rows.RemoveAll(row => row.Score < least);
        if (rows.Count > node.Limit) rows.RemoveRange(node.Limit, rows.Count - node.Limit);
        return rows;
    }
}
