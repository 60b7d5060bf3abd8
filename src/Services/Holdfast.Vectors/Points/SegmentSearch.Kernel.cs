using System.Numerics;
using Holdfast.Vectors.Graphs;

namespace Holdfast.Vectors.Points;

/// <summary>What is wanted of a column: how many, how thoroughly, and among which rows.</summary>
internal readonly ref struct SegmentQuestion
{
    /// <summary>The query as floats, padded with zeros to whole cache lines.</summary>
    public required ReadOnlySpan<float> Query { get; init; }

    /// <summary>How many are wanted.</summary>
    public required int Limit { get; init; }

    /// <summary>Candidates kept on a walk.</summary>
    public required int Ef { get; init; }

    /// <summary>Whether every admitted row is measured.</summary>
    public bool IsExact { get; init; }

    /// <summary>Bits of the rows that may be returned; those of the dead are never asked. Empty for all.</summary>
    public ReadOnlySpan<ulong> Admitted { get; init; }

    /// <summary>How many bits are set in <see cref="Admitted"/>.</summary>
    public int AdmittedCount { get; init; }
}

/// <summary>How a segment was searched, for explain.</summary>
/// <param name="Segment">Its number.</param>
/// <param name="Strategy">"graph", "graph among admitted", "scan".</param>
/// <param name="Rows">Rows that live there.</param>
/// <param name="Visited">Rows whose distance was computed.</param>
/// <param name="Scanned">Of these, rows of the tail that the graph does not hold yet.</param>
internal readonly record struct SegmentTrace(int Segment, string Strategy, int Rows, int Visited, int Scanned);

/// <summary>
/// Searches one column of one segment, on any thread: the graph, and then exactly the tail that it does not hold yet, so that recall never dips. Few admitted rows are measured one by one, and so is everything
/// when a walk among the admitted found fewer than there are.
/// </summary>
internal static unsafe class SegmentSearch
{
    /// <summary>So few admitted rows are measured one behind another about as fast as a walk among them takes, and where they all lie far from the query only that finds the closest.</summary>
    private const int ScanMax = 4000;

    /// <summary>Below one admitted row in so many, a walk finds no way through them.</summary>
    private const int ScanShare = 50;

    /// <summary>Adds what is found to the best so far.</summary>
    public static SegmentTrace Run(Segment segment, int columnNumber, in SegmentQuestion question, BestRows best)
    {
        var column = segment.Columns[columnNumber];
        var visible = segment.Visible;
        var rows = column.LiveCount;
        var metric = GraphFactory.MetricOf(column.Params);
        fixed (float* query = question.Query)
        fixed (ulong* admitted = question.Admitted)
        {
            var (index, count) = (column.Index, question.Admitted.Length > 0 ? question.AdmittedCount : rows);
            var isFew = question.Admitted.Length > 0 && (count <= ScanMax || (long)count * ScanShare < rows);
            if (index is null || question.IsExact || isFew)
            {
                var all = Scan(segment, column, query, metric, 0, visible, admitted, best);
                return new SegmentTrace(segment.Number, "scan", rows, all, all);
            }

            // Before the walk: a row that is indexed in between is found twice rather than not at all.
            var indexed = index.Indexed;
            var scratch = segment.Scratch.Rent();
            var gate = admitted is not null ? admitted : rows < visible ? column.Live : null;
            var found = index.Search(query, question.Limit, Math.Max(question.Ef, question.Limit), gate, scratch);
            for (var at = 0; at < found; at++)
                if (column.IsLive(scratch.Pool.First[at].Row)) best.Offer(scratch.Pool.First[at].Distance, segment, scratch.Pool.First[at].Row);
            var visited = scratch.Visited;
            segment.Scratch.Return(scratch);
            var isShort = admitted is not null && found < Math.Min(question.Limit, count);
            var scanned = Scan(segment, column, query, metric, isShort ? 0 : indexed, visible, admitted, best);
            GC.KeepAlive(index);
            return new SegmentTrace(segment.Number, isShort ? "graph, then scan" : admitted is null ? "graph" : "graph among admitted", rows, visited + scanned, scanned);
        }
    }

    private static int Scan(Segment segment, VectorColumn column, float* query, delegate*<byte*, byte*, int, float> metric, int from, int to, ulong* admitted, BestRows best)
    {
        var measured = 0;
        for (var word = from >> 6; word << 6 < to; word++)
        {
            var bits = Volatile.Read(ref column.Live[word]);
            if (admitted is not null) bits &= admitted[word];
            if (word == from >> 6) bits &= ulong.MaxValue << from;
            for (; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                if (row >= to) break;
                best.Offer(metric((byte*)query, column.Rows.Row(row), column.Rows.RowBytes), segment, row);
                measured++;
            }
        }

        GC.KeepAlive(column);
        return measured;
    }
}
