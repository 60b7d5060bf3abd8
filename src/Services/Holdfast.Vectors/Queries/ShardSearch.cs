using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Sparse;

namespace Holdfast.Vectors.Queries;

/// <summary>Answers a query from one shard's state, on any thread, with what every segment has; segments are searched one after another.</summary>
internal static class ShardSearch
{
    /// <summary>The closest points, best first.</summary>
    public static List<ScoredRow> Nearest(ShardState state, NearestQuery query, List<SegmentTrace>? traces = null)
    {
        var column = state.Store.Columns[query.Column];
        var segments = state.Store.Segments;
        var vector = column is { Kind: VectorKind.Sparse, IsWeightedByRarity: true } ? Rarity.Weighted(segments, query.Column, query.Indices, query.Vector) : Padded(query.Vector, column);
        var best = new BestRows(query.Limit);
        var tenant = query.Filter is null ? null : state.Declared.Tenants?.In(query.Filter);
        foreach (var segment in segments)
        {
            var begun = query.Clock?.Invoke() ?? 0;
            var admitted = query.Filter is null ? default : SegmentSearch.Walks(segment, query.Column, query.IsExact) ? AdmittedRows.ForWalk(query.Filter, segment, state) : AdmittedRows.Of(query.Filter, segment, state);
            if (query.Filter is not null && admitted is { Count: 0, Rest: null }) continue;
            var filtered = query.Clock?.Invoke() ?? 0;
            var question = new SegmentQuestion
            {
                Query = vector,
                Indices = query.Indices,
                Limit = Math.Min(query.Limit, Math.Max(1, segment.Visible)),
                Ef = Math.Min(query.Ef ?? column.Graph.EfConstruct, Math.Max(1, segment.Visible)),
                IsExact = query.IsExact,
                IgnoresCodes = query.IgnoresCodes,
                Oversampling = query.Oversampling,
                Admitted = admitted.Bits,
                AdmittedCount = admitted.Count,
                Rest = admitted.Rest,
                ScanRowsMax = column.ScanRowsMax,
                Own = tenant is not null && segment.Columns[query.Column].Tenants is { } graphs && graphs.Key.Equals(state.Declared.Tenants) ? graphs.Of(tenant) : null,
            };
            var trace = SegmentSearch.Run(segment, query.Column, question, best);
            traces?.Add(trace with
            {
                Admitted = query.Filter is null ? -1 : admitted.Count,
                Filter = admitted.Strategy ?? "",
                FilterMicros = filtered - begun,
                SearchMicros = (query.Clock?.Invoke() ?? 0) - filtered,
            });
        }

        return Scored(best, column.Distance, query.ScoreThreshold);
    }

    /// <summary>A query as kernels want it: each of its vectors padded with zeros to a whole row. A sparse one stays as it is.</summary>
    private static float[] Padded(float[] vector, VectorParams column)
    {
        if (column.Kind == VectorKind.Sparse) return vector;
        var (count, stride) = (vector.Length / column.Size, column.RowBytes / column.ElementBytes);
        var padded = new float[count * stride];
        for (var one = 0; one < count; one++)
        {
            vector.AsSpan(one * column.Size, column.Size).CopyTo(padded.AsSpan(one * stride));
            if (column is { Datatype: VectorDatatype.Uint8, Distance: Distance.Cosine }) StoredVectors.BringToLengthOne(padded.AsSpan(one * stride, stride));
        }

        return padded;
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
