using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>Rows that lack a graph.</summary>
/// <param name="Column">The column that lacks most.</param>
/// <param name="Rows">How many lack it there.</param>
/// <param name="Places">Where the rows are: segments, each from one row up to another.</param>
internal readonly record struct GraphNeed(int Column, int Rows, IReadOnlyList<(Segment Segment, int From, int To)> Places)
{
    /// <summary>Rows that have come and wait for their turn in the graph of their segment.</summary>
    public static GraphNeed OfTails(PointStore store)
    {
        var (column, most) = (0, 0);
        for (var number = 0; number < store.Columns.Count; number++)
        {
            if (store.Columns[number].IsGone) continue;
            var rows = 0;
            foreach (var segment in store.Segments) rows += LackingIn(segment, number);
            if (rows > most) (column, most) = (number, rows);
        }

        if (most == 0) return new GraphNeed(0, 0, []);
        var places = new List<(Segment Segment, int From, int To)>();
        foreach (var segment in store.Segments)
            if (LackingIn(segment, column) > 0) places.Add((segment, segment.Columns[column].Index!.Indexed, segment.Visible));
        return new GraphNeed(column, most, places);
    }

    /// <summary>Rows that a merge would have to insert, because the graph of none of its sources holds them.</summary>
    public static GraphNeed OfMerge(PointStore store, Segment[] sources, IndexWorkerOptions options, OptimizerRules rules)
    {
        var (column, most) = (0, 0);
        for (var number = 0; number < store.Columns.Count; number++)
        {
            var wanted = store.Columns[number];
            if (wanted.Kind != VectorKind.Dense || wanted.Graph.M == 0) continue;
            var all = sources.Sum(source => source.Columns[number].LiveCount);
            if (all < options.RowsMinOf(rules, wanted)) continue;
            var best = SegmentPlan.Largest(sources, wanted, number);
            var rows = best < 0 ? all : all - sources[best].Columns[number].LiveCount;
            if (rows > most) (column, most) = (number, rows);
        }

        return new GraphNeed(column, most, [.. sources.Select(source => (source, 0, source.Visible))]);
    }

    /// <summary>Some of the points, spread over all of them.</summary>
    public List<PointId> Sample(int most)
    {
        var sample = new List<PointId>(most);
        var rows = Places.Sum(place => (long)place.To - place.From);
        for (var at = 0; at < most && rows > 0; at++)
        {
            var wanted = at * rows / most;
            foreach (var (segment, from, to) in Places)
            {
                if (wanted >= to - from)
                {
                    wanted -= to - from;
                    continue;
                }

                if (segment.IsLive(from + (int)wanted)) sample.Add(segment.IdOf(from + (int)wanted));
                break;
            }
        }

        return sample;
    }

    private static int LackingIn(Segment segment, int number) => number < segment.Columns.Length && segment.Columns[number].Index is { } index ? Math.Max(0, segment.Visible - index.Indexed) : 0;
}
