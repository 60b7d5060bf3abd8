using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Queries;

/// <summary>Answers a query from one shard's state, on any thread, with what every segment has; segments are searched one after another.</summary>
internal static class ShardSearch
{
    /// <summary>The closest points, best first.</summary>
    public static List<ScoredRow> Nearest(ShardState state, NearestQuery query, List<SegmentTrace>? traces = null) => Nearest(state, query, traces, out _);

    /// <summary>The closest points, best first, and how the filter was answered.</summary>
    public static List<ScoredRow> Nearest(ShardState state, NearestQuery query, List<SegmentTrace>? traces, out string filterStrategy)
    {
        filterStrategy = "";
        var column = state.Store.Columns[query.Column];
        var padded = new float[(query.Vector.Length + 31) / 32 * 32];
        query.Vector.CopyTo(padded, 0);
        var best = new BestRows(query.Limit);
        foreach (var segment in state.Store.Segments)
        {
            var admitted = query.Filter is null ? default : AdmittedRows.Of(query.Filter, segment, state);
            if (query.Filter is not null) filterStrategy = admitted.Strategy;
            if (query.Filter is not null && admitted.Count == 0) continue;
            var question = new SegmentQuestion
            {
                Query = padded,
                Limit = Math.Min(query.Limit, Math.Max(1, segment.Visible)),
                Ef = Math.Min(query.Ef ?? column.Graph.EfConstruct, Math.Max(1, segment.Visible)),
                IsExact = query.IsExact,
                Admitted = admitted.Bits,
                AdmittedCount = admitted.Count,
            };
            traces?.Add(SegmentSearch.Run(segment, query.Column, question, best));
            if (traces is null) SegmentSearch.Run(segment, query.Column, question, best);
        }

        return Scored(best, column.Distance, query.ScoreThreshold);
    }

    /// <summary>Rows as scored points: one per point, although a change may have shown its old and its new row for a moment.</summary>
    private static List<ScoredRow> Scored(BestRows best, Distance distance, float? threshold)
    {
        var scored = new List<ScoredRow>(best.Rows.Count);
        var seen = new HashSet<PointId>();
        foreach (var row in best.Rows)
        {
            var score = distance.ScoreOf(row.Distance);
            if (threshold is { } least && (distance.IsSimilarity() ? score < least : score > least)) break;
            if (seen.Add(row.Segment.IdOf(row.Row))) scored.Add(new ScoredRow(score, row.Segment, row.Row));
        }

        return scored;
    }
}
