using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Memory;

namespace Holdfast.Vectors.Graphs;

/// <summary>Adds rows to a graph and mends it, whatever the metric by which rows are compared.</summary>
internal abstract unsafe class GraphBuilder
{
    /// <summary>Adds a written row. Several threads may add different rows at once, while others search.</summary>
    /// <param name="row">The row.</param>
    /// <param name="live">Bits of the rows that may be linked to; null for all.</param>
    /// <param name="scratch">This thread's.</param>
    public abstract void Insert(int row, ulong* live, SearchScratch scratch);

    /// <summary>Takes the dead out of a living row's links and links it to whom they led to. True when it had any.</summary>
    public abstract bool Mend(int row, ulong* live, SearchScratch scratch);

    /// <summary>Moves the entry away from a dead row, once its place has been taken by living ones.</summary>
    public abstract void MendEntry(ulong* live, int rows);
}

/// <summary>
/// Builds a hierarchical navigable small world (Malkov and Yashunin), compiled for its metric. Rows are written by their owner before they are inserted and never change; links live in a
/// <see cref="LinkTable"/>. Levels follow from the row's number. Insertion locks one row's links at a time; only a row that rises above all others is inserted alone.
/// </summary>
internal sealed unsafe class HnswGraph<TMetric>(RowMemory rows, GraphOptions options, LinkTable links) : GraphBuilder
    where TMetric : struct, IRowMetric
{
    /// <inheritdoc/>
    public override void Insert(int row, ulong* live, SearchScratch scratch)
    {
        var level = links.Begin(row);
        scratch.Query.Ensure(TMetric.QueryBytes(rows.RowBytes));
        scratch.Begin(options.EfConstruct);
        TMetric.ToQuery(rows.Row(row), scratch.Query.First, rows.RowBytes);
        if (level <= links.Entry.Level)
        {
            Link(row, level, live, scratch);
            return;
        }

        lock (links.Rising)
        {
            Link(row, level, live, scratch);
            if (level > links.Entry.Level) links.Entry = (row, level);
        }
    }

    /// <inheritdoc/>
    public override bool Mend(int row, ulong* live, SearchScratch scratch)
    {
        var gate = new BitGate(live);
        var had = false;
        for (var level = links.LevelOf(row); level >= 0; level--)
        {
            var block = links.Of(row, level);
            var linksMax = links.LinksMax(level);
            var isWhole = true;
            for (var at = 0; at < linksMax && block[at] >= 0; at++) isWhole &= gate.Admits(block[at]);
            if (isWhole) continue;
            had = true;
            links.Lock(row);
            var count = Successors(row, block, linksMax, level, gate, scratch);
            Replace(block, linksMax, count, scratch);
            links.Unlock(row);
        }

        return had;
    }

    /// <inheritdoc/>
    public override void MendEntry(ulong* live, int count)
    {
        var gate = new BitGate(live);
        lock (links.Rising)
        {
            var (from, _) = links.Entry;
            if (from < 0 || gate.Admits(from)) return;
            var (best, top) = (-1, -1);
            for (var row = 0; row < count; row++)
                if (gate.Admits(row) && links.LevelOf(row) > top) (best, top) = (row, links.LevelOf(row));
            if (best >= 0) links.Entry = (best, top);
        }
    }

    private Candidate At(byte* query, int row) => new() { Distance = TMetric.Of(query, rows.Row(row), rows.RowBytes), Row = row };

    private void Link(int row, int level, ulong* live, SearchScratch scratch)
    {
        var (from, top) = links.Entry;
        if (from < 0) return;
        var query = scratch.Query.First;
        var closest = HnswWalk<TMetric>.Descend(rows, links, query, At(query, from), top, level);
        for (var each = Math.Min(level, top); each >= 0; each--)
        {
            scratch.Pool.First[0] = closest;
            var found = HnswWalk<TMetric>.Level(rows, links, query, 1, options.EfConstruct, each, scratch, default(OpenGate));
            var count = WithoutSelfAndDead(row, scratch.Pool.First, found, live, ref closest);
            var chosen = Choose(scratch.Pool.First, count, options.M, scratch.Chosen.First);
            links.Lock(row);
            var own = links.Of(row, each);
            for (var at = 0; at < chosen; at++) Volatile.Write(ref own[at], scratch.Chosen.First[at].Row);
            links.Unlock(row);
            for (var at = 0; at < chosen; at++) LinkBack(scratch.Chosen.First[at].Row, row, each, scratch);
        }
    }

    private static int WithoutSelfAndDead(int row, Candidate* pool, int found, ulong* live, ref Candidate closest)
    {
        if (found > 0 && pool[0].Row != row) closest = pool[0];
        else if (found > 1) closest = pool[1];
        var kept = 0;
        for (var at = 0; at < found; at++)
            if (pool[at].Row != row && (live is null || new BitGate(live).Admits(pool[at].Row))) pool[kept++] = pool[at];
        return kept;
    }

    /// <summary>Adds a link; a full block is chosen anew from what it had and the newcomer.</summary>
    private void LinkBack(int at, int newcomer, int level, SearchScratch scratch)
    {
        links.Lock(at);
        var block = links.Of(at, level);
        var linksMax = links.LinksMax(level);
        var count = 0;
        while (count < linksMax && block[count] >= 0 && block[count] != newcomer) count++;
        if (count < linksMax)
        {
            Volatile.Write(ref block[count], newcomer);
        }
        else
        {
            var all = scratch.Block.First;
            var row = rows.Row(at);
            var size = 0;
            SortedPool.Enter(all, ref size, linksMax + 1, TMetric.OfRows(row, rows.Row(newcomer), rows.RowBytes), newcomer);
            for (var link = 0; link < linksMax; link++) SortedPool.Enter(all, ref size, linksMax + 1, TMetric.OfRows(row, rows.Row(block[link]), rows.RowBytes), block[link]);
            Replace(block, linksMax, size, scratch);
        }

        links.Unlock(at);
    }

    /// <summary>What a row whose links died is linked to: the living it had, and the living that the dead led to.</summary>
    private int Successors(int row, int* block, int linksMax, int level, BitGate gate, SearchScratch scratch)
    {
        var marks = scratch.BeginWalk(out var version);
        marks[row] = version;
        var all = scratch.Block.First;
        var size = 0;
        for (var at = 0; at < linksMax && block[at] >= 0; at++)
        {
            var link = block[at];
            if (gate.Admits(link))
            {
                Consider(link);
                continue;
            }

            var beyond = links.Of(link, level);
            for (var two = 0; two < linksMax && beyond[two] >= 0; two++)
                if (gate.Admits(beyond[two])) Consider(beyond[two]);
        }

        return size;

        void Consider(int link)
        {
            if (marks[link] == version) return;
            marks[link] = version;
            SortedPool.Enter(all, ref size, scratch.Block.Length - 1, TMetric.OfRows(rows.Row(row), rows.Row(link), rows.RowBytes), link);
        }
    }

    private void Replace(int* block, int linksMax, int count, SearchScratch scratch)
    {
        // Not the scratch's Chosen: its caller may be walking through that.
        var kept = stackalloc Candidate[linksMax];
        var chosen = Choose(scratch.Block.First, count, linksMax, kept);
        for (var at = 0; at < linksMax; at++) Volatile.Write(ref block[at], at < chosen ? kept[at].Row : -1);
    }

    /// <summary>The paper's heuristic: a candidate that is closer to one already chosen than to the row itself is reached through that one.</summary>
    private int Choose(Candidate* sorted, int count, int wanted, Candidate* chosen)
    {
        var size = 0;
        for (var at = 0; at < count && size < wanted; at++)
        {
            var vector = rows.Row(sorted[at].Row);
            var isNew = true;
            for (var one = 0; one < size && isNew; one++) isNew = TMetric.OfRows(vector, rows.Row(chosen[one].Row), rows.RowBytes) >= sorted[at].Distance;
            if (isNew) chosen[size++] = sorted[at];
        }

        return size;
    }
}
