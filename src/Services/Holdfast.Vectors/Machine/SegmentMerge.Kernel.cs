using Holdfast.Storage;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Graphs;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Machine;

/// <summary>
/// Makes one segment out of some: the living rows are written to a file, their graph is taken over from the largest source and the others' rows are inserted, the graph is written too, and then the new segment
/// takes its sources' place between two entries. Until then the sources are searched, so recall never dips; what changed meanwhile is done to the copies before they show.
/// </summary>
internal sealed unsafe class SegmentMerge(ShardMachine machine, PointStore store, Segment[] sources, CollectionConfig collection, IndexWorkerOptions options, Action<InsertBatch> insert)
{
    /// <summary>A graph is taken over from a source of which at least this share lives; else it is built anew.</summary>
    private const double TakenOverShareMin = 0.7;

    private readonly IReadOnlyList<VectorParams> columns = store.Columns;
    private MergeWatch? watch;
    private Segment? target;
    private SegmentFiles? files;
    private bool isDone;

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
        var taken = Largest(number);
        var from = taken < 0 ? null : sources[taken].Columns[number].Index!;
        var codec = from?.Codec;
        if (from is null || codec is not null)
        {
            var choice = new CodeChoice(column, target.Visible, codec);
            foreach (var step in choice.Steps()) yield return step;
            if (choice.Codec != codec) taken = -1;
            codec = choice.Codec;
        }

        var index = new VectorIndex(column.Params, column.Rows, codec, new LinkTable(column.Params.Graph, target.RowsMax), null, 0);
        if (taken >= 0)
            foreach (var step in TakeOver(merged, taken, from!, index, column)) yield return step;

        for (var row = 0; row < target.Visible;)
        {
            var batch = new InsertBatch(target, column, index, row, Math.Min(target.Visible, row + (ShardIndexing.RowsPerBatch * Math.Max(1, options.Threads))), taken < 0 ? null : copy => merged.Rows[copy].Segment == sources[taken]);
            insert(batch);
            row = batch.To;
            yield return true;
        }

        index.Advance(target.Visible);
        if (files is null)
        {
            column.Index = index;
            yield break;
        }

        var graph = GraphFile.Write(store.Files!, index, target.Visible);
        files.Graphs[number] = graph;
        column.Index = column.Params.Graph.IsOnDisk ? GraphFile.Read(store.Files!, graph, column) ?? index : index;
    }

    /// <summary>The source whose graph is worth taking over; -1 for none.</summary>
    private int Largest(int number)
    {
        var best = -1;
        for (var at = 0; at < sources.Length; at++)
        {
            var column = sources[at].Columns[number];
            if (column.Index is not { } index || index.Indexed < sources[at].Count || column.LiveCount < sources[at].Count * TakenOverShareMin) continue;
            if (column.Params.Quantization != columns[number].Quantization || column.Params.Graph.M != columns[number].Graph.M) continue;
            if (best < 0 || column.LiveCount > sources[best].Columns[number].LiveCount) best = at;
        }

        return best;
    }

    /// <summary>Copies the links of a source's living rows under their new numbers; where one led to the dead, those that the dead led to take its place while there is room.</summary>
    private IEnumerable<bool> TakeOver(MergeWatch merged, int source, VectorIndex from, VectorIndex to, VectorColumn column)
    {
        var rows = sources[source].Count;
        for (var row = 0; row < rows; row++)
        {
            if (merged.CopyOf(source, row) is var copy && copy >= 0 && column.IsLive(copy))
            {
                to.WriteCodes(copy);
                to.Links.Begin(copy, from.Links.LevelOf(row));
            }

            if (row % 4096 == 4095) yield return true;
        }

        for (var row = 0; row < rows; row++)
        {
            if (merged.CopyOf(source, row) is var copy && copy >= 0 && column.IsLive(copy)) CopyLinks(merged, source, from.Links, row, to.Links, copy, column);
            if (row % 4096 == 4095) yield return true;
        }

        TakeEntry(merged, source, from.Links, to.Links, column, rows);
    }

    private static void CopyLinks(MergeWatch merged, int source, LinkTable from, int row, LinkTable to, int copy, VectorColumn column)
    {
        for (var level = Math.Min(from.LevelOf(row), to.LevelOf(copy)); level >= 0; level--)
        {
            var old = from.Of(row, level);
            var mine = to.Of(copy, level);
            var (linksMax, count) = (from.LinksMax(level), 0);
            for (var at = 0; at < linksMax && old[at] >= 0; at++) Take(old[at], isDirect: true);

            void Take(int link, bool isDirect)
            {
                if (count == linksMax) return;
                var moved = merged.CopyOf(source, link);
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

    private static void TakeEntry(MergeWatch merged, int source, LinkTable from, LinkTable to, VectorColumn column, int rows)
    {
        if (from.Entry is { Row: >= 0 } entry && merged.CopyOf(source, entry.Row) is var copy && copy >= 0 && column.IsLive(copy))
        {
            to.Entry = (copy, to.LevelOf(copy));
            return;
        }

        var best = (Row: -1, Level: -1);
        for (var row = 0; row < rows; row++)
            if (merged.CopyOf(source, row) is var other && other >= 0 && column.IsLive(other) && to.LevelOf(other) > best.Level) best = (other, to.LevelOf(other));
        to.Entry = best;
    }
}
