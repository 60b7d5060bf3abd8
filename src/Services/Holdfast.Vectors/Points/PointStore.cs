using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Points;

/// <summary>
/// A shard's points: the replicated state. Changed by the group's loop, entry by entry; what an entry changed shows to readers on other threads when <see cref="Publish"/> ends it, whole points at a time.
/// The rows' order is this replica's own business; the hash is over ids and content.
/// </summary>
internal sealed class PointStore
{
    private readonly int rowsMax;
    private readonly IdIndex ids = new();
    private readonly List<RowAddress> born = [];
    private readonly List<RowAddress> ended = [];
    private readonly List<StoreView> views = [];
    private readonly Dictionary<int, Segment> numbered = [];
    private Segment[] segments = [];
    private MergeWatch? watch;
    private int nextNumber;
    private bool isForgetting;
    private long payloadBytes;

    /// <summary>No points.</summary>
    /// <param name="columns">The collection's columns.</param>
    /// <param name="rowsMax">Rows of a segment.</param>
    public PointStore(IReadOnlyList<VectorParams> columns, int rowsMax)
    {
        Invariant.Holds(columns.Count <= CollectionLimits.ColumnsMax, "a collection has more columns than a row has bits for them");
        (Columns, this.rowsMax) = (columns, rowsMax);
        Known = KnownOf(columns);
    }

    /// <summary>The columns. Those of older segments may be indexed in other ways.</summary>
    public IReadOnlyList<VectorParams> Columns { get; private set; }

    /// <summary>A bit for each column that was not deleted.</summary>
    public ulong Known { get; private set; }

    /// <summary>Rows of a segment.</summary>
    public int RowsMax => rowsMax;

    /// <summary>The segments' files by hash, where they are kept; null where they are in memory only. Set once, before the first point.</summary>
    public StateFiles? Files { get; init; }

    /// <summary>A planted bug of the simulator.</summary>
    internal PlantedShardBug Bug { get; init; }

    /// <summary>The segments, oldest first; the last one takes new rows. For any thread.</summary>
    public Segment[] Segments => Volatile.Read(ref segments);

    /// <summary>How many points there are. The writer's; others may see it a little early.</summary>
    public int Count => ids.Count;

    /// <summary>The sum of all points' hashes.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Bytes of all points' payloads. Others may see it a little early.</summary>
    public long PayloadBytes => Volatile.Read(ref payloadBytes);

    /// <summary>The ids in order. The writer's.</summary>
    public IdIndex Ids => ids;

    /// <summary>Where a point is. The writer's.</summary>
    public bool TryFind(in PointId id, out Segment segment, out int row)
    {
        var isThere = ids.TryFind(id, out var address);
        segment = isThere ? numbered[address.Segment] : null!;
        row = address.Row;
        return isThere;
    }

    /// <summary>Writes a whole point; one of the same id is replaced.</summary>
    public void Upsert(PointWrite point, LogIndex index) => Upsert(point, index, index.Value);

    /// <summary>Writes a whole point as it was at some entry: from a snapshot.</summary>
    public void Upsert(PointWrite point, LogIndex index, ulong version)
    {
        var segment = Active();
        var row = segment.Add(point.Id, point.Payload);
        foreach (var vector in point.Vectors)
        {
            var column = ColumnOf(vector.Name);
            segment.Columns[column].Write(row, vector);
            segment.Head(row).Has |= 1UL << column;
        }

        Enter(point.Id, segment, row, index, version);
    }

    /// <summary>Writes a point's vectors that are named and keeps the others; with null values it loses them. False when there is no such point.</summary>
    public bool ChangeVectors(in PointId id, IReadOnlyList<(int Column, NamedVector? Vector)> changes, LogIndex index)
    {
        if (!TryFind(id, out var old, out var oldRow)) return false;
        var segment = Active();
        var row = segment.Add(id, old.PayloadOf(oldRow));
        for (var column = 0; column < Columns.Count; column++)
        {
            var isKept = (old.Head(oldRow).Has & Known & (1UL << column)) != 0;
            foreach (var change in changes)
                if (change.Column == column)
                {
                    isKept = false;
                    if (change.Vector is not { } vector) continue;
                    segment.Columns[column].Write(row, vector);
                    segment.Head(row).Has |= 1UL << column;
                }

            if (!isKept) continue;
            segment.Columns[column].Copy(row, old.Columns[column], oldRow);
            segment.Head(row).Has |= 1UL << column;
        }

        Enter(id, segment, row, index, index.Value);
        return true;
    }

    /// <summary>Gives a point another payload. False when there is no such point.</summary>
    public bool ChangePayload(in PointId id, Func<Payload, Payload> change, LogIndex index)
    {
        if (!TryFind(id, out var segment, out var row)) return false;
        var old = segment.PayloadOf(row);
        foreach (var view in views) view.Keep(new RowAddress(segment.Number, row), new KeptRow(old, segment.Head(row).Version));
        Hash -= HashOf(id, segment, row);
        watch?.Note(new RowAddress(segment.Number, row));
        var next = change(old);
        payloadBytes += next.Json.Length - old.Json.Length;
        segment.SetPayload(row, next);
        Hash += HashOf(id, segment, row);
        segment.Head(row).Version = index.Value;
        return true;
    }

    /// <summary>Deletes a point. False when there is none.</summary>
    public bool Delete(in PointId id, LogIndex index)
    {
        if (!TryFind(id, out var segment, out var row)) return false;
        End(id, segment, row, index);
        ids.Remove(id);
        return true;
    }

    /// <summary>Ends an entry: what it changed shows. New rows show before old ones vanish, so that a point is never missing meanwhile.</summary>
    public void Publish()
    {
        if (born.Count == 0 && ended.Count == 0) return;
        foreach (var segment in segments) segment.Publish();
        foreach (var address in born)
        {
            var segment = numbered[address.Segment];
            if (segment.Head(address.Row).DiedAt == 0) segment.EnlivenWhole(address.Row);
        }

        foreach (var address in ended) numbered[address.Segment].KillWhole(address.Row);

        born.Clear();
        ended.Clear();
    }

    /// <summary>A view of the points as they are after the last entry.</summary>
    public StoreView Capture(LogIndex index)
    {
        var view = new StoreView(this, segments, index);
        views.Add(view);
        return view;
    }

    /// <summary>The number of a column.</summary>
    public int ColumnOf(string name)
    {
        for (var column = 0; column < Columns.Count; column++)
            if (Columns[column].Name == name && !Columns[column].IsGone) return column;
        return -1;
    }

    /// <summary>Where an id list's place is. The writer's.</summary>
    public Segment SegmentOf(RowAddress address) => numbered[address.Segment];

    /// <summary>Rows of new segments are indexed by other settings from now on. Sizes, distances and types are the same; columns may have come or gone, which a merge under way knows nothing of.</summary>
    public void Reconfigure(IReadOnlyList<VectorParams> columns)
    {
        var known = KnownOf(columns);
        if (watch is not null && (columns.Count > Columns.Count || known != Known)) watch.IsVoid = true;
        foreach (var segment in segments) segment.Widen(columns);
        (Columns, Known, isForgetting) = (columns, known, false);
    }

    /// <summary>
    /// Lets points forget what they have in columns that are about to be deleted: their hashes are over what is left. Some rows of some segment at a time; false while there are others. No other entry comes in
    /// between, and no merge begins.
    /// </summary>
    /// <param name="known">A bit for each column that stays.</param>
    /// <param name="done">Rows that are done.</param>
    /// <param name="most">How many are done at once.</param>
    public bool TryForget(ulong known, ref int done, int most)
    {
        isForgetting = true;
        if (watch is not null) watch.IsVoid = true;
        var before = 0;
        foreach (var segment in segments)
        {
            for (var row = Math.Max(0, done - before); row < segment.Count; row++)
            {
                if (most-- == 0) return false;
                done++;
                ref var head = ref segment.Head(row);
                if (head.DiedAt != 0 || (head.Has & Known & ~known) == 0) continue;
                var id = segment.IdOf(row);
                Hash -= HashOf(id, segment, row);
                head.VectorHash = VectorHashOf(segment, row, known);
                Hash += HashOf(id, segment, row);
            }

            before += segment.Count;
        }

        return true;
    }

    /// <summary>
    /// Begins to merge segments: they take no more rows. One merge at a time; null while there is another, or an entry is half done. Between entries, where nothing is applied meanwhile.
    /// </summary>
    public MergeWatch? BeginMerge(IReadOnlyList<Segment> sources)
    {
        if (watch is not null || isForgetting || born.Count > 0 || ended.Count > 0 || sources.Any(source => !segments.Contains(source))) return null;
        foreach (var source in sources) source.Seal();
        return watch = new MergeWatch(sources, nextNumber++);
    }

    /// <summary>
    /// Lets the copy take its sources' place, at once for all readers; null where nothing lived. False while an entry is half done: ask again. A reader that still looks at the sources sees the points as they were.
    /// </summary>
    public bool TryFinishMerge(MergeWatch merge, Segment? target)
    {
        Invariant.Holds(merge == watch, "a merge was finished that was not begun");
        if ((born.Count > 0 || ended.Count > 0) && Bug != PlantedShardBug.MergeEndsInsideEntry) return false;
        if (target is not null)
        {
            merge.CatchUp(target, Bug);
            numbered[target.Number] = target;
        }

        ids.Readdress(merge.Moved);
        var others = segments.Where(segment => !merge.Sources.Contains(segment)).ToList();
        if (target is not null) others.Insert(others.Count > 0 && !others[^1].IsSealed ? others.Count - 1 : others.Count, target);
        Volatile.Write(ref segments, [.. others]);
        foreach (var source in merge.Sources)
        {
            numbered.Remove(source.Number);
            Let(source);
        }

        watch = null;
        return true;
    }

    /// <summary>Gives a merge up.</summary>
    public void AbandonMerge(MergeWatch merge)
    {
        if (watch == merge) watch = null;
    }

    /// <summary>Adds a segment of a snapshot: none of its rows is alive yet. The files are held from now on.</summary>
    public Segment Restore(SegmentFiles files)
    {
        var rows = SegmentFile.Open(Files!, files.Rows, Columns);
        var segment = new Segment(nextNumber++, Columns, rows) { Files = files };
        foreach (var file in files.All) Files!.Hold(file);
        if (files.Graphs.Length < Columns.Count) segment.Files = files with { Graphs = [.. files.Graphs, .. new FileHash?[Columns.Count - files.Graphs.Length]] };
        numbered[segment.Number] = segment;
        Volatile.Write(ref segments, [.. segments, segment]);
        return segment;
    }

    /// <summary>A row of a restored segment is alive, with another payload than the file's if there is one; else it is dead.</summary>
    public void RestoreRow(Segment segment, int row, bool isAlive, KeptRow? newer)
    {
        ref var head = ref segment.Head(row);
        if (!isAlive)
        {
            head.DiedAt = 1;
            return;
        }

        if (newer is { } change && Bug != PlantedShardBug.RestoreForgetsPayloads)
        {
            segment.SetPayload(row, change.Payload);
            head.Version = change.Version;
        }

        if ((head.Has & ~Known) != 0)
        {
            // Written before a column was deleted.
            head.Has &= Known;
            head.VectorHash = VectorHashOf(segment, row, Known);
        }

        var id = segment.IdOf(row);
        Invariant.Holds(ids.Set(id, new RowAddress(segment.Number, row)), "a snapshot names a point twice: it passed its checksum, so it was written by another program");
        Hash += HashOf(id, segment, row);
        payloadBytes += segment.PayloadJson(row).Length;
        segment.EnlivenWhole(row);
    }

    /// <summary>The store is read no more by its writer: its files need not be kept.</summary>
    public void LetGo()
    {
        foreach (var segment in segments) Let(segment);
    }

    internal void Release(StoreView view) => views.Remove(view);

    private void Enter(in PointId id, Segment segment, int row, LogIndex index, ulong version)
    {
        segment.Head(row).Version = version;
        segment.Head(row).VectorHash = VectorHashOf(segment, row, Known);
        if (TryFind(id, out var old, out var oldRow)) End(id, old, oldRow, index);
        ids.Set(id, new RowAddress(segment.Number, row));
        Hash += HashOf(id, segment, row);
        payloadBytes += segment.PayloadJson(row).Length;
        born.Add(new RowAddress(segment.Number, row));
    }

    private void End(in PointId id, Segment segment, int row, LogIndex index)
    {
        Hash -= HashOf(id, segment, row);
        payloadBytes -= segment.PayloadJson(row).Length;
        segment.Head(row).DiedAt = index.Value;
        watch?.Note(new RowAddress(segment.Number, row));
        ended.Add(new RowAddress(segment.Number, row));
    }

    private Segment Active()
    {
        if (segments.Length > 0 && !segments[^1].IsFull) return segments[^1];
        var made = new Segment(nextNumber++, Columns, rowsMax);
        numbered[made.Number] = made;
        Volatile.Write(ref segments, [.. segments, made]);
        return made;
    }

    private void Let(Segment segment)
    {
        if (segment.Files is not { } held) return;
        foreach (var file in held.All) Files!.Release(file);
        segment.Files = null;
    }

    private static ulong KnownOf(IReadOnlyList<VectorParams> columns)
    {
        var known = 0UL;
        for (var column = 0; column < columns.Count; column++)
            if (!columns[column].IsGone) known |= 1UL << column;
        return known;
    }

    /// <summary>The hash of what a row has in some columns.</summary>
    private static ulong VectorHashOf(Segment segment, int row, ulong known)
    {
        var hash = new ContentHash(0);
        for (var column = 0; column < segment.Columns.Length; column++)
        {
            if ((segment.Head(row).Has & known & (1UL << column)) == 0) continue;
            hash.Add((ulong)column);
            hash.Add(segment.Columns[column].Content(row));
        }

        return hash.Value;
    }

    /// <summary>A point's share of the hash.</summary>
    internal static ulong HashOf(in PointId id, Segment segment, int row)
    {
        var hash = new ContentHash(id.StableHash);
        hash.Add(segment.Head(row).VectorHash);
        hash.Add(segment.PayloadJson(row));
        GC.KeepAlive(segment);
        return hash.Value;
    }
}
