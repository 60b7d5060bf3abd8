using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>
/// Whether a graph that was taken over from another replica leads to its rows. Its file was what its name says and its links lead to rows that exist, but only walking shows whether they lie close together: some rows are
/// sought by their own vectors.
/// </summary>
internal static unsafe class GraphTrial
{
    private const int Sought = 64;

    /// <summary>A graph that finds fewer is not used. One that was built here finds all but one in some hundreds.</summary>
    private const double FoundMin = 0.9;

    /// <summary>Tries it.</summary>
    public static bool FindsItsRows(VectorIndex index, Segment segment, int number)
    {
        var column = segment.Columns[number];
        var metric = GraphFactory.MetricOf(column.Params);
        var scratch = segment.Scratch.Rent();
        var query = new PinnedBuffer<float>(column.Params.RowBytes);
        var (asked, found) = (0, 0);
        for (var at = 0; at < Sought; at++)
        {
            var row = (int)((long)at * segment.Visible / Sought);
            if (!column.IsLive(row)) continue;
            VectorIndex.ReadCompared(column.Params, column.Rows.Row(row), query.Span);
            asked++;
            var own = metric((byte*)query.First, column.Rows.Row(row), column.Rows.RowBytes);

            // Not necessarily itself: others may be the same, or have a larger product.
            if (index.Search(query.First, new GraphQuestion(1, column.Params.Graph.EfConstruct), null, scratch) > 0 && scratch.Pool.First[0].Distance <= own) found++;
        }

        segment.Scratch.Return(scratch);
        GC.KeepAlive(segment);
        return found >= asked * FoundMin;
    }
}
