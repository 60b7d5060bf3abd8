using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Machine.Sharing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>
/// Makes one segment out of some: the living rows are written to a file, their graph is taken over from the largest source, or from another replica's (<see cref="GraphLoan"/>), and the others' rows are inserted, the
/// graph is written too, and then the new segment takes its sources' place between two entries. Until then the sources are searched, so recall never dips; what changed meanwhile is done to the copies before they show.
/// </summary>
internal sealed unsafe class SegmentMerge(ShardMachine machine, PointStore store, Segment[] sources, CollectionConfig collection, IndexWorkerOptions options, Action<InsertBatch> insert)
{
    private readonly IReadOnlyList<VectorParams> columns = store.Columns;
    private MergeWatch? watch;
    private Segment? target;
    private SegmentFiles? files;
    private bool isDone;

    /// <summary>What another replica has built; null for nothing.</summary>
    public GraphLoan? Loan { get; init; }

    /// <summary>Where graphs are counted; null for nowhere.</summary>
    public GraphMeters? Meters { get; init; }

    /// <summary>A planted bug of a model.</summary>
    public PlantedSharingBug Bug { get; init; }

    /// <summary>Whether nothing was lent, or some of it was taken over.</summary>
    public bool HasBorrowed { get; private set; } = true;

    /// <summary>Carries it out, in batches of some milliseconds.</summary>
    /// <exception cref="IOException">The disk is full or broken: <see cref="Abandon"/> it.</exception>
    public IEnumerable<bool> Steps()
    {
        lock (machine.Gate) watch = store.BeginMerge(sources);
        if (watch is null) yield break;
        if (watch.Rows.Count > 0)
        {
            foreach (var step in Group(watch)) yield return step;
            foreach (var step in CopyRows(watch)) yield return step;
            for (var column = 0; column < columns.Count; column++)
                foreach (var step in Index(watch, column)) yield return step;
            foreach (var source in sources) target!.Indexes.TakeAfter(source.Indexes, target);
        }

        while (!TryFinish()) yield return true;
        if (files is not null) machine.Kept?.Invoke();
    }

    /// <summary>Gives it up: the sources stay as they are.</summary>
    public void Abandon()
    {
        if (isDone) return;
        isDone = true;
        lock (machine.Gate)
        {
            if (watch is not null) store.AbandonMerge(watch);
            if (files is not null)
                foreach (var file in files.All) store.Files!.Release(file);
        }
    }

    private bool TryFinish()
    {
        if (isDone) return true;
        lock (machine.Gate)
        {
            if (machine.State?.Store == store && !watch!.IsVoid)
            {
                if (target is not null) target.Files = files;
                if (!store.TryFinishMerge(watch!, target)) return false;
                isDone = true;
                return true;
            }
        }

        Abandon();
        return true;
    }

    /// <summary>Where payloads name tenants, the rows of each come to lie together: read together, and with a graph for themselves where there are many.</summary>
    private IEnumerable<bool> Group(MergeWatch merged)
    {
        if (machine.State?.Declared.Tenants is not { } key) yield break;
        var (tenants, numbers) = (new int[merged.Rows.Count], new Dictionary<string, int>(StringComparer.Ordinal));
        for (var row = 0; row < tenants.Length; row++)
        {
            var (segment, from) = merged.Rows[row];
            var tenant = key.Of(segment, from) ?? "";
            if (!numbers.TryGetValue(tenant, out tenants[row])) numbers[tenant] = tenants[row] = numbers.Count;
            if (row % 4096 == 4095) yield return true;
        }

        if (numbers.Count > 1) merged.Group(tenants, store.Bug);
    }

    private IEnumerable<bool> CopyRows(MergeWatch merged)
    {
        if (store.Files is { } kept)
        {
            using var writer = new SegmentFileWriter(kept, columns, merged.Rows);
            foreach (var step in writer.Steps()) yield return step;
            files = new SegmentFiles(writer.Seal(), new FileHash?[columns.Count]);
            target = new Segment(merged.Number, columns, SegmentFile.Open(kept, files.Rows, columns));
        }
        else
        {
            target = new Segment(merged.Number, columns, merged.Rows.Count);
            foreach (var (segment, row) in merged.Rows)
            {
                CopyRow(segment, row, target);
                if (target.Count % 4096 == 0) yield return true;
            }

            target.Publish();
            target.Seal();
        }

        for (var row = 0; row < target.Count; row++)
        {
            target.EnlivenWhole(row);
            if (row % 4096 == 0) yield return true;
        }
    }

    private static void CopyRow(Segment from, int row, Segment to)
    {
        var copy = to.Add(from.IdOf(row), from.PayloadOf(row));
        var head = from.Head(row);
        head.DiedAt = 0;
        for (var column = 0; column < to.Columns.Length; column++)
            if (to.Columns[column].Params.IsGone) head.Has &= ~(1UL << column);
        to.Head(copy) = head;
        for (var column = 0; column < to.Columns.Length; column++)
            if ((head.Has & (1UL << column)) != 0) to.Columns[column].Copy(copy, from.Columns[column], row);
        GC.KeepAlive(from);
    }

    private IEnumerable<bool> Index(MergeWatch merged, int number)
    {
        var column = target!.Columns[number];
        if (column.Postings is { } postings)
            while (postings.Covered < target.Visible)
            {
                postings.Extend(column, Math.Min(target.Visible, postings.Covered + 1024));
                yield return true;
            }

        if (column.Params.Kind != VectorKind.Dense || column.Params.Graph.M == 0 || column.LiveCount < options.RowsMinOf(collection.Optimizers, column.Params)) yield break;
        var taken = LargestOf(merged, number);
        if (Loan is { Column: var asked } && asked == number) HasBorrowed = false;
        var isLent = false;
        if (Loan?.GraphOf(number) is { } graph)
        {
            var match = new LoanMatch(graph, target, number);
            foreach (var step in match.Steps()) yield return step;
            isLent = match.IsUsable && match.Covered > (taken?.Rows ?? 0);
            if (isLent) taken = new TakenGraph(graph.Links, graph.Codec, match.Copies, match.Covered, GraphOrigin.Fetched);
        }

        var codec = taken?.Codec;
        if (taken is null || codec is not null)
        {
            var choice = new CodeChoice(column, target.Visible, codec);
            foreach (var step in choice.Steps()) yield return step;
            if (choice.Codec != codec) taken = null;
            codec = choice.Codec;
        }

        isLent &= taken is not null;
        var index = Empty(column, codec, taken);
        foreach (var step in Fill(index, column, taken)) yield return step;
        if (isLent && Bug != PlantedSharingBug.TrustsLinks && !GraphTrial.FindsItsRows(index, target, number))
        {
            isLent = false;
            index = Empty(column, codec, null);
            foreach (var step in Fill(index, column, null)) yield return step;
        }

        if (taken is not null) Reattach(index, column);
        HasBorrowed |= isLent;
        Meters?.NoteMade(isLent);

        if (files is null)
        {
            column.Index = index;
            yield break;
        }

        var file = GraphFile.Write(store.Files!, index, target, number, target.Visible);
        files.Graphs[number] = file;
        column.Index = column.Params.Graph.IsOnDisk ? GraphFile.Read(store.Files!, file, column) ?? index : index;
    }

    private VectorIndex Empty(VectorColumn column, RowCodec? codec, TakenGraph? taken) =>
        new(column.Params, column.Rows, codec, new LinkTable(column.Params.Graph, target!.RowsMax), null, 0) { Origin = taken?.Origin ?? GraphOrigin.Built };

    /// <summary>Of links that were taken over those to the dead are gone, and some rows had no others that led to them.</summary>
    private void Reattach(VectorIndex index, VectorColumn column)
    {
        var scratch = target!.Scratch.Rent();
        index.Reattach(column.Live, scratch);
        target.Scratch.Return(scratch);
        GC.KeepAlive(target);
    }

    /// <summary>What can be taken over is, and the other rows are inserted.</summary>
    private IEnumerable<bool> Fill(VectorIndex index, VectorColumn column, TakenGraph? taken)
    {
        bool[]? isThere = null;
        if (taken is not null)
        {
            isThere = new bool[target!.Visible];
            foreach (var copy in taken.Copies)
                if (copy >= 0) isThere[copy] = true;
            foreach (var step in TakeOver(taken, index, column)) yield return step;
        }

        for (var row = 0; row < target!.Visible;)
        {
            var batch = new InsertBatch(target, column, index, row, Math.Min(target.Visible, row + (ShardIndexing.RowsPerBatch * Math.Max(1, options.Threads))), isThere);
            insert(batch);
            row = batch.To;
            yield return true;
        }

        index.Advance(target.Visible);
    }

    /// <summary>The graph of the source whose is worth taking over; null for none.</summary>
    private TakenGraph? LargestOf(MergeWatch merged, int number)
    {
        var best = SegmentPlan.Largest(sources, columns[number], number);
        return best < 0 ? null : sources[best].Columns[number] is { Index: { } index } column ? new TakenGraph(index.Links, index.Codec, merged.CopiesOf(best), column.LiveCount, index.Origin) : null;
    }

    /// <summary>Copies the links of living rows under their new numbers; where one led to the dead, those that the dead led to take its place while there is room.</summary>
    private static IEnumerable<bool> TakeOver(TakenGraph from, VectorIndex to, VectorColumn column)
    {
        for (var row = 0; row < from.Copies.Length; row++)
        {
            if (from.Copies[row] is var copy && copy >= 0 && column.IsLive(copy))
            {
                to.WriteCodes(copy);
                to.Links.Begin(copy, from.Links.LevelOf(row));
            }

            if (row % 4096 == 4095) yield return true;
        }

        for (var row = 0; row < from.Copies.Length; row++)
        {
            if (from.Copies[row] is var copy && copy >= 0 && column.IsLive(copy)) CopyLinks(from, row, to.Links, copy, column);
            if (row % 4096 == 4095) yield return true;
        }

        TakeEntry(from, to.Links, column);
    }

    private static void CopyLinks(TakenGraph taken, int row, LinkTable to, int copy, VectorColumn column)
    {
        var from = taken.Links;
        for (var level = Math.Min(from.LevelOf(row), to.LevelOf(copy)); level >= 0; level--)
        {
            var old = from.Of(row, level);
            var mine = to.Of(copy, level);
            var (linksMax, count) = (from.LinksMax(level), 0);
            for (var at = 0; at < linksMax && old[at] >= 0; at++) Take(old[at], isDirect: true);

            void Take(int link, bool isDirect)
            {
                if (count == linksMax) return;
                var moved = taken.Copies[link];
                if (moved >= 0 && column.IsLive(moved))
                {
                    if (moved == copy || to.LevelOf(moved) < level || new ReadOnlySpan<int>(mine, count).Contains(moved)) return;
                    mine[count++] = moved;
                }
                else if (isDirect && from.LevelOf(link) >= level)
                {
                    var beyond = from.Of(link, level);
                    for (var at = 0; at < linksMax && beyond[at] >= 0; at++) Take(beyond[at], isDirect: false);
                }
            }
        }
    }

    private static void TakeEntry(TakenGraph from, LinkTable to, VectorColumn column)
    {
        if (from.Links.Entry is { Row: >= 0 } entry && from.Copies[entry.Row] is var copy && copy >= 0 && column.IsLive(copy))
        {
            to.Entry = (copy, to.LevelOf(copy));
            return;
        }

        var best = (Row: -1, Level: -1);
        foreach (var other in from.Copies)
            if (other >= 0 && column.IsLive(other) && to.LevelOf(other) > best.Level) best = (other, to.LevelOf(other));
        to.Entry = best;
    }

    /// <summary>A graph whose links are taken over.</summary>
    /// <param name="Links">By the numbers that its rows have there.</param>
    /// <param name="Codec">Its codes; null where it has none.</param>
    /// <param name="Copies">What each of its rows is here; -1 for none.</param>
    /// <param name="Rows">How many of its rows are here.</param>
    /// <param name="Origin">Where it comes from.</param>
    private sealed record TakenGraph(LinkTable Links, RowCodec? Codec, int[] Copies, int Rows, GraphOrigin Origin);
}
