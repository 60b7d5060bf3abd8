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

    /// <summary>
    /// Links living rows that no walk comes to any more, because those that led to them died or chose closer ones. A search goes through one dead row at a time, and so does this. Nobody may insert meanwhile.
    /// </summary>
    /// <returns>How many there were.</returns>
    public abstract int Reattach(ulong* live, int rows, SearchScratch scratch);
}

/// <summary>
/// Builds a hierarchical navigable small world (Malkov and Yashunin), compiled for its metric. Rows are written by their owner before they are inserted and never change; links live in a
/// <see cref="LinkTable"/>. Levels follow from the row's number. Insertion locks one row's links at a time; only a row that rises above all others is inserted alone.
/// </summary>
internal sealed unsafe class HnswGraph<TMetric>(RowMemory rows, GraphOptions options, LinkTable links) : GraphBuilder
    where TMetric : struct, IRowMetric
{
    /// <summary>Where all that were found are dead, so many times as many are looked for.</summary>
    private const int Further = 4;

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
        var kept = stackalloc Candidate[Math.Max(links.LinksOnGround, links.M)];
        var had = false;
        for (var level = links.LevelOf(row); level >= 0; level--)
        {
            var block = links.Of(row, level);
            var linksMax = links.LinksMax(level);
            var (count, living) = (0, 0);
            links.Lock(row);
            for (; count < linksMax && block[count] >= 0; count++)
                if (IsLive(block[count], live)) kept[living++].Row = block[count];
            var size = living;
            if (living < count)
            {
                // The living stay: to some of them nobody else may lead.
                size = Choose(scratch.Block.First, Successors(row, block, linksMax, level, live, scratch, -1), linksMax, kept, living);
                Write(block, linksMax, kept, size);
            }

            links.Unlock(row);
            had |= living < count;
            for (var at = living; at < size; at++) LinkBack(kept[at].Row, row, level, live, scratch);
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

    /// <inheritdoc/>
    public override int Reattach(ulong* live, int count, SearchScratch scratch)
    {
        if (links.Entry.Row < 0) return 0;
        var (reached, todo, attached) = (new ulong[(count + 63) >> 6], new Stack<int>(), 0);
        Follow(links.Entry.Row, live, count, reached, todo);
        for (var row = 0; row < count; row++)
        {
            if (!IsLive(row, live) || IsSet(reached, row)) continue;
            Attach(row, live, scratch);
            Follow(row, live, count, reached, todo);
            attached++;
        }

        return attached;
    }

    private static bool IsLive(int row, ulong* live) => live is null || new BitGate(live).Admits(row);

    private static bool IsSet(ulong[] bits, int row) => (bits[row >> 6] & (1UL << row)) != 0;

    /// <summary>Marks all rows that a walk from this one comes to on the ground, where all are.</summary>
    private void Follow(int from, ulong* live, int count, ulong[] reached, Stack<int> todo)
    {
        Reach(from);
        while (todo.TryPop(out var row))
            for (int at = 0, link; at < links.LinksOnGround && (link = links.Of(row, 0)[at]) >= 0; at++)
            {
                if (IsLive(link, live)) Reach(link);
                else
                    for (int two = 0, beyond; two < links.LinksOnGround && (beyond = links.Of(link, 0)[two]) >= 0; two++)
                        if (IsLive(beyond, live)) Reach(beyond);
            }

        void Reach(int row)
        {
            if (row >= count || IsSet(reached, row)) return;
            reached[row >> 6] |= 1UL << row;
            todo.Push(row);
        }
    }

    /// <summary>Has the closest that a walk comes to link to a row.</summary>
    private void Attach(int row, ulong* live, SearchScratch scratch)
    {
        scratch.Query.Ensure(TMetric.QueryBytes(rows.RowBytes));
        scratch.Begin(options.EfConstruct);
        TMetric.ToQuery(rows.Row(row), scratch.Query.First, rows.RowBytes);
        var query = scratch.Query.First;
        var (level, (entry, top)) = (links.LevelOf(row), links.Entry);
        for (var each = Math.Min(level, top); each >= 0; each--)
        {
            var closest = HnswWalk<TMetric>.Descend(rows, links, query, At(query, entry), top, each);
            scratch.Pool.First[0] = IsLive(closest.Row, live) ? closest : At(query, entry);
            var found = HnswWalk<TMetric>.Level(rows, links, query, 1, options.EfConstruct, each, scratch, new BitGate(live));
            var chosen = Choose(scratch.Pool.First, WithoutSelfAndDead(row, found, live, scratch), options.M, scratch.Chosen.First, 0);
            for (var at = 0; at < chosen; at++) LinkBack(scratch.Chosen.First[at].Row, row, each, live, scratch);
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
            var chosen = Choose(scratch.Pool.First, Near(row, query, each, live, ref closest, scratch), options.M, scratch.Chosen.First, 0);
            links.Lock(row);
            var own = links.Of(row, each);
            for (var at = 0; at < chosen; at++) Volatile.Write(ref own[at], scratch.Chosen.First[at].Row);
            links.Unlock(row);
            for (var at = 0; at < chosen; at++) LinkBack(scratch.Chosen.First[at].Row, row, each, live, scratch);
        }
    }

    /// <summary>Living rows that are near, closest first, into the pool. Where all that are near are dead, as around a point that is written again and again, it is looked further.</summary>
    private int Near(int row, byte* query, int level, ulong* live, ref Candidate closest, SearchScratch scratch)
    {
        for (var ef = options.EfConstruct; ; ef *= Further)
        {
            if (ef > options.EfConstruct) scratch.Begin(ef);
            var pool = scratch.Pool.First;
            pool[0] = closest;
            var found = HnswWalk<TMetric>.Level(rows, links, query, 1, ef, level, scratch, default(OpenGate));
            if (found > 0 && pool[0].Row != row) closest = pool[0];
            else if (found > 1) closest = pool[1];
            var kept = WithoutSelfAndDead(row, found, live, scratch);
            if (kept > 0 || found < ef) return kept;
        }
    }

    private static int WithoutSelfAndDead(int row, int found, ulong* live, SearchScratch scratch)
    {
        var pool = scratch.Pool.First;
        var kept = 0;
        for (var at = 0; at < found; at++)
            if (pool[at].Row != row && IsLive(pool[at].Row, live)) pool[kept++] = pool[at];
        return kept;
    }

    /// <summary>Adds a link; a full block is chosen anew from the living that it had, those that its dead led to, and the newcomer.</summary>
    private void LinkBack(int at, int newcomer, int level, ulong* live, SearchScratch scratch)
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
            // Not the scratch's Chosen: its caller may be walking through that.
            var kept = stackalloc Candidate[linksMax];
            var size = IsWhole(block, linksMax, live) ? WithNewcomer(at, block, linksMax, newcomer, scratch) : Successors(at, block, linksMax, level, live, scratch, newcomer);
            Write(block, linksMax, kept, Choose(scratch.Block.First, size, linksMax, kept, 0));
        }

        links.Unlock(at);
    }

    private static bool IsWhole(int* block, int linksMax, ulong* live)
    {
        for (var at = 0; at < linksMax; at++)
            if (!IsLive(block[at], live)) return false;
        return true;
    }

    /// <summary>What a full block has, and one more, sorted.</summary>
    private int WithNewcomer(int at, int* block, int linksMax, int newcomer, SearchScratch scratch)
    {
        var all = scratch.Block.First;
        var row = rows.Row(at);
        var size = 0;
        SortedPool.Enter(all, ref size, linksMax + 1, TMetric.OfRows(row, rows.Row(newcomer), rows.RowBytes), newcomer);
        for (var link = 0; link < linksMax; link++) SortedPool.Enter(all, ref size, linksMax + 1, TMetric.OfRows(row, rows.Row(block[link]), rows.RowBytes), block[link]);
        return size;
    }

    /// <summary>
    /// Whom a row may be linked to when some of its links died, sorted: the living that the dead led to and, with a newcomer, that and the living that it had.
    /// </summary>
    private int Successors(int row, int* block, int linksMax, int level, ulong* live, SearchScratch scratch, int newcomer)
    {
        var marks = scratch.BeginWalk(out var version);
        marks[row] = version;
        var all = scratch.Block.First;
        var size = 0;
        if (newcomer >= 0) Consider(newcomer);
        for (var at = 0; at < linksMax && block[at] >= 0; at++)
        {
            if (!IsLive(block[at], live)) continue;
            if (newcomer >= 0) Consider(block[at]);
            else marks[block[at]] = version;
        }

        for (var at = 0; at < linksMax && block[at] >= 0; at++)
        {
            if (IsLive(block[at], live)) continue;
            var beyond = links.Of(block[at], level);
            for (var two = 0; two < linksMax && beyond[two] >= 0; two++)
                if (IsLive(beyond[two], live)) Consider(beyond[two]);
        }

        return size;

        void Consider(int link)
        {
            if (marks[link] == version) return;
            marks[link] = version;
            SortedPool.Enter(all, ref size, scratch.Block.Length - 1, TMetric.OfRows(rows.Row(row), rows.Row(link), rows.RowBytes), link);
        }
    }

    private static void Write(int* block, int linksMax, Candidate* kept, int count)
    {
        for (var at = 0; at < linksMax; at++) Volatile.Write(ref block[at], at < count ? kept[at].Row : -1);
    }

    /// <summary>The paper's heuristic: a candidate that is closer to one already chosen than to the row itself is reached through that one. Adds to those that are chosen already.</summary>
    private int Choose(Candidate* sorted, int count, int wanted, Candidate* chosen, int size)
    {
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
