using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine;

/// <summary>Which segments should become one.</summary>
internal static class SegmentPlan
{
    /// <summary>A sealed segment joins those that are merged while it has at most so many times their rows: each row is then written again only so often as the shard doubles.</summary>
    private const int SizeRatio = 2;

    /// <summary>A graph is taken over from a source of which at least this share lives; else it is built anew.</summary>
    public const double TakenOverShareMin = 0.7;

    /// <summary>The next merge; null when everything is as it should be.</summary>
    public static Segment[]? Next(PointStore store, IndexWorkerOptions options)
    {
        var segments = store.Segments;
        foreach (var segment in segments)
            if (segment.IsSealed && (IsWorn(segment, options) || segment.IsScattered || IsOutdated(segment, store) || IsUnkept(segment, store))) return [segment];
        var growing = segments.LastOrDefault(segment => !segment.IsSealed);
        var rowsMax = Math.Min(store.RowsMax, options.SegmentRowsMax);
        if (growing is null || growing.Visible < Math.Min(Math.Min(options.SealRowsMin, growing.RowsMax), options.SegmentRowsMax)) return Pair(segments, rowsMax);
        List<Segment> sources = [growing];
        long rows = growing.LiveCount;
        foreach (var segment in segments.Where(each => each.IsSealed).OrderBy(each => each.LiveCount))
        {
            if (segment.LiveCount > rows * SizeRatio || rows + segment.LiveCount > rowsMax) break;
            sources.Add(segment);
            rows += segment.LiveCount;
        }

        return [.. sources];
    }

    /// <summary>Two sealed segments of about the same size, such as restarts and many small seals leave.</summary>
    private static Segment[]? Pair(Segment[] segments, int rowsMax)
    {
        var inOrder = segments.Where(each => each.IsSealed).OrderBy(each => each.LiveCount).ToArray();
        for (var at = 1; at < inOrder.Length; at++)
            if (inOrder[at].LiveCount <= inOrder[at - 1].LiveCount * SizeRatio && inOrder[at].LiveCount + inOrder[at - 1].LiveCount <= rowsMax) return [inOrder[at - 1], inOrder[at]];
        return null;
    }

    private static bool IsWorn(Segment segment, IndexWorkerOptions options)
    {
        var dead = segment.Visible - segment.LiveCount;
        return segment.LiveCount == 0 || (dead >= options.DeadRowsMin && dead > segment.Visible * options.DeadShareMax);
    }

    /// <summary>The collection's settings were changed since: graphs are built anew, or codes.</summary>
    private static bool IsOutdated(Segment segment, PointStore store)
    {
        for (var column = 0; column < segment.Columns.Length; column++)
            if (!segment.Columns[column].Params.IsBuiltAs(store.Columns[column])) return true;
        return false;
    }

    /// <summary>It was sealed by a merge that then failed.</summary>
    private static bool IsUnkept(Segment segment, PointStore store) => segment.Files is null && store.Files is not null;

    /// <summary>The source whose graph of a column is worth taking over in a merge; -1 for none.</summary>
    public static int Largest(Segment[] sources, VectorParams wanted, int number)
    {
        var best = -1;
        for (var at = 0; at < sources.Length; at++)
        {
            var column = sources[at].Columns[number];
            if (column.Index is not { } index || index.Indexed < sources[at].Count || column.LiveCount < sources[at].Count * TakenOverShareMin) continue;
            if (column.Params.Quantization != wanted.Quantization || column.Params.Graph.M != wanted.Graph.M) continue;
            if (best < 0 || column.LiveCount > sources[best].Columns[number].LiveCount) best = at;
        }

        return best;
    }
}
