using System.Runtime.Intrinsics.X86;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Graphs;

/// <summary>
/// A column's graph in one segment: derived state, which may differ between replicas and is outside every hash. Walked by codes and measured again by the full vectors, or walked by these. Rows are inserted
/// in order; those from <see cref="Indexed"/> on are the caller's to scan, so that a row can be found from the moment it is visible.
/// </summary>
internal sealed unsafe class VectorIndex
{
    private readonly VectorParams column;
    private readonly RowMemory vectors;
    private readonly VectorGraph graph;
    private readonly Int8Codec? codec;
    private readonly delegate*<byte*, byte*, int, float> metric;
    private int indexed;

    /// <summary>An empty index.</summary>
    /// <param name="column">What is indexed.</param>
    /// <param name="vectors">The full vectors.</param>
    /// <param name="sample">Components of some of them, from which the codes' scale is learnt; reordered.</param>
    public VectorIndex(VectorParams column, RowMemory vectors, Span<float> sample)
    {
        (this.column, this.vectors) = (column, vectors);
        metric = GraphFactory.MetricOf(column);
        vectors.AskForLargePages();
        if (column.Encoding == GraphEncoding.Int8)
        {
            codec = Int8Codec.Learn(column.Size, sample, column.Distance.IsCentred());
            graph = GraphFactory.OverCodes(new RowMemory(column.Size, vectors.RowsMax), column.Distance, column.Graph);
        }
        else
        {
            graph = GraphFactory.OverVectors(vectors, column);
        }

        graph.Rows.AskForLargePages();
    }

    /// <summary>All rows before this one are in the graph, or have no vector here, or were dead when their turn came.</summary>
    public int Indexed => Volatile.Read(ref indexed);

    /// <summary>Inserts a row. Several threads may, each with its own scratch and rows; <see cref="Advance"/> is then called by their owner.</summary>
    public void Insert(int row, ulong* live, SearchScratch scratch)
    {
        if (codec is not null)
        {
            if (column.Datatype == VectorDatatype.Float32)
            {
                codec.ToRow((float*)vectors.Row(row), graph.Rows.Row(row));
            }
            else
            {
                var floats = stackalloc float[column.Size];
                for (var at = 0; at < column.Size; at++) floats[at] = (float)((Half*)vectors.Row(row))[at];
                codec.ToRow(floats, graph.Rows.Row(row));
            }
        }

        graph.Insert(row, live, scratch);
    }

    /// <summary>Says that all rows before this one have had their turn.</summary>
    public void Advance(int to) => Volatile.Write(ref indexed, to);

    /// <summary>Takes dead rows out of a living row's links; true when there were any.</summary>
    public bool Mend(int row, ulong* live, SearchScratch scratch) => graph.Mend(row, live, scratch);

    /// <summary>Moves the graph's entry to a living row.</summary>
    public void MendEntry(ulong* live) => graph.MendEntry(live, Indexed);

    /// <summary>Finds close rows, into the scratch's pool, the first <paramref name="limit"/> of them measured by the full vectors. Returns how many are there.</summary>
    /// <param name="query">The query as floats, padded with zeros to whole cache lines.</param>
    /// <param name="limit">How many are wanted.</param>
    /// <param name="ef">Candidates kept on the walk; at least <paramref name="limit"/>.</param>
    /// <param name="admitted">Bits of the rows that may be returned; null for all.</param>
    /// <param name="scratch">This thread's.</param>
    public int Search(float* query, int limit, int ef, ulong* admitted, SearchScratch scratch)
    {
        if (codec is null) return graph.Search((byte*)query, ef, admitted, Indexed, scratch);
        scratch.Query.Ensure(graph.QueryBytes);
        codec.ToQuery(query, scratch.Query.First);
        var found = graph.Search(scratch.Query.First, ef, admitted, Indexed, scratch);
        return Rescore(query, scratch.Pool.First, Math.Min(found, RescoredOf(limit)));
    }

    /// <summary>Twice the wanted and some: at 8 bits the true ten are among the first ten in 99.5 of 100 cases already.</summary>
    private static int RescoredOf(int limit) => checked((2 * limit) + 8);

    private int Rescore(float* query, Candidate* pool, int count)
    {
        if (Sse.IsSupported)
            for (var at = 0; at < count; at++)
                for (var line = 0; line < Math.Min(vectors.RowBytes, 512); line += RowMemory.LineBytes) Sse.Prefetch0(vectors.Row(pool[at].Row) + line);
        for (var at = 0; at < count; at++) pool[at].Distance = metric((byte*)query, vectors.Row(pool[at].Row), vectors.RowBytes);
        SortedPool.Sort(pool, count);
        return count;
    }
}
