using System.Numerics;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>Searches a graph by rows in some form, whatever their metric. One graph may be walked by full vectors and by codes.</summary>
internal abstract unsafe class GraphWalker
{
    /// <summary>Bytes that a query takes in the metric's form.</summary>
    public abstract int QueryBytes { get; }

    /// <summary>How far a row is from a query, in the metric's own measure.</summary>
    public abstract float DistanceTo(byte* query, int row);

    /// <summary>The closest rows, into the scratch's pool. Returns how many, <paramref name="ef"/> at most.</summary>
    /// <param name="query">In the metric's form.</param>
    /// <param name="ef">How many candidates are kept: more finds more.</param>
    /// <param name="admitted">Bits of the rows that may be returned; null for all.</param>
    /// <param name="rows">Rows before this one are in the graph, and have a bit; those that came after are not returned.</param>
    /// <param name="scratch">This thread's.</param>
    /// <param name="rest">What else is asked of a row when it is met; null for nothing.</param>
    public abstract int Search(byte* query, int ef, ulong* admitted, int rows, SearchScratch scratch, LazyRows? rest = null);
}

/// <summary>A walker compiled for its metric.</summary>
internal sealed unsafe class GraphWalker<TMetric>(RowMemory rows, LinkTable links) : GraphWalker
    where TMetric : struct, IWalkMetric
{
    private const int SeedsMax = 16;

    /// <inheritdoc/>
    public override int QueryBytes => TMetric.QueryBytes(rows.RowBytes);

    /// <inheritdoc/>
    public override float DistanceTo(byte* query, int row) => TMetric.Of(query, rows.Row(row), rows.RowBytes);

    /// <inheritdoc/>
    public override int Search(byte* query, int ef, ulong* admitted, int count, SearchScratch scratch, LazyRows? rest = null)
    {
        var (from, top) = links.Entry;
        scratch.Begin(ef);
        if (from < 0) return 0;
        scratch.Levels = top + 1;
        scratch.Pool.First[0] = HnswWalk<TMetric>.Descend(rows, links, query, new Candidate { Distance = DistanceTo(query, from), Row = from }, top, 0);
        if (admitted is null) return HnswWalk<TMetric>.Level(rows, links, query, 1, ef, 0, scratch, default(OpenGate));
        var seeds = AddSeeds(query, Math.Min(ef, SeedsMax), admitted, count, scratch);
        return rest is null
            ? HnswWalk<TMetric>.Level(rows, links, query, seeds, ef, 0, scratch, new BitGate(admitted, count))
            : HnswWalk<TMetric>.Level(rows, links, query, seeds, ef, 0, scratch, new LazyGate(rest));
    }

    /// <summary>What is admitted may all lie far from the query: the walk begins at some admitted rows as well, spread over all of them.</summary>
    private int AddSeeds(byte* query, int wanted, ulong* admitted, int count, SearchScratch scratch)
    {
        var pool = scratch.Pool.First;
        var (size, words) = (1, (count + 63) / 64);
        var closest = pool[0].Row;
        for (var part = 0; part < wanted; part++)
        {
            var (word, end) = ((int)((long)part * words / wanted), (int)((part + 1L) * words / wanted));
            while (word < end && admitted[word] == 0) word++;
            if (word == end) continue;
            var row = (word << 6) + BitOperations.TrailingZeroCount(admitted[word]);
            if (row < count && row != closest) SortedPool.Enter(pool, ref size, wanted + 1, DistanceTo(query, row), row);
        }

        return size;
    }
}
