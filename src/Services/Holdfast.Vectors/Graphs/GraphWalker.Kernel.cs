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

    /// <summary>The closest of rows that lie behind one another, into the scratch's pool: each is measured. Returns how many.</summary>
    /// <param name="query">In the metric's form.</param>
    /// <param name="kept">How many are kept.</param>
    /// <param name="from">The first row.</param>
    /// <param name="to">The row behind the last.</param>
    /// <param name="live">Bits of the rows that are there.</param>
    /// <param name="admitted">Bits of the rows that may be returned; null for all.</param>
    /// <param name="scratch">This thread's.</param>
    public abstract int Scan(byte* query, int kept, int from, int to, ulong* live, ulong* admitted, SearchScratch scratch);

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

    /// <summary>Of a scan, rows are asked into the cache so far ahead. What lies behind the last row is asked for in vain, which is no fault.</summary>
    private const int ScannedAhead = 8;

    /// <inheritdoc/>
    public override int QueryBytes => TMetric.QueryBytes(rows.RowBytes);

    /// <inheritdoc/>
    public override float DistanceTo(byte* query, int row) => TMetric.Of(query, rows.Row(row), rows.RowBytes);

    /// <inheritdoc/>
    public override int Scan(byte* query, int kept, int from, int to, ulong* live, ulong* admitted, SearchScratch scratch)
    {
        var pool = scratch.Pool.First;
        var (size, measured, worst) = (0, 0, float.MaxValue);
        for (var word = from >> 6; word << 6 < to; word++)
        {
            var bits = Volatile.Read(ref live[word]);
            if (admitted is not null) bits &= admitted[word];
            if (word == from >> 6) bits &= ulong.MaxValue << from;
            if (to - (word << 6) < 64) bits &= (1UL << to) - 1;
            measured += BitOperations.PopCount(bits);
            for (; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                HnswWalk<TMetric>.Prefetch(rows.Row(row + ScannedAhead), rows.RowBytes);
                var distance = TMetric.Of(query, rows.Row(row), rows.RowBytes);
                if (distance >= worst) continue;
                SortedPool.Enter(pool, ref size, kept, distance, row);
                if (size == kept) worst = pool[size - 1].Distance;
            }
        }

        scratch.Visited += measured;
        return size;
    }

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
