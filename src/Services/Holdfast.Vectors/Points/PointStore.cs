using Holdfast.Primitives;

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
    private Segment[] segments = [];

    /// <summary>No points.</summary>
    /// <param name="columns">The collection's columns.</param>
    /// <param name="rowsMax">Rows of a segment.</param>
    public PointStore(IReadOnlyList<VectorParams> columns, int rowsMax)
    {
        Invariant.Holds(columns.Count <= CollectionLimits.ColumnsMax, "a collection has more columns than a row has bits for them");
        (Columns, this.rowsMax) = (columns, rowsMax);
    }

    /// <summary>The columns.</summary>
    public IReadOnlyList<VectorParams> Columns { get; }

    /// <summary>The segments, oldest first; the last one takes new rows. For any thread.</summary>
    public Segment[] Segments => Volatile.Read(ref segments);

    /// <summary>How many points there are. The writer's; others may see it a little early.</summary>
    public int Count => ids.Count;

    /// <summary>The sum of all points' hashes.</summary>
    public ulong Hash { get; private set; }

    /// <summary>The ids in order. The writer's.</summary>
    public IdIndex Ids => ids;

    /// <summary>Where a point is. The writer's.</summary>
    public bool TryFind(in PointId id, out Segment segment, out int row)
    {
        var isThere = ids.TryFind(id, out var address);
        segment = isThere ? segments[address.Segment] : null!;
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
        foreach (var (name, values) in point.Vectors)
        {
            var column = ColumnOf(name);
            segment.Columns[column].Write(row, values);
            segment.Head(row).Has |= 1UL << column;
        }

        Enter(point.Id, segment, row, index, version);
    }

    /// <summary>Writes a point's vectors that are named and keeps the others; with null values it loses them. False when there is no such point.</summary>
    public bool ChangeVectors(in PointId id, IReadOnlyList<(int Column, float[]? Values)> changes, LogIndex index)
    {
        if (!TryFind(id, out var old, out var oldRow)) return false;
        var segment = Active();
        var row = segment.Add(id, old.PayloadOf(oldRow));
        for (var column = 0; column < Columns.Count; column++)
        {
            var isKept = (old.Head(oldRow).Has & (1UL << column)) != 0;
            foreach (var change in changes)
                if (change.Column == column)
                {
                    isKept = false;
                    if (change.Values is null) continue;
                    segment.Columns[column].Write(row, change.Values);
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
        Hash -= HashOf(id, segment, row, old);
        var changed = change(old);
        Hash += HashOf(id, segment, row, changed);
        segment.SetPayload(row, changed);
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
            var segment = segments[address.Segment];
            if (segment.Head(address.Row).DiedAt != 0) continue;
            for (var column = 0; column < Columns.Count; column++)
                if ((segment.Head(address.Row).Has & (1UL << column)) != 0) segment.Columns[column].Enliven(address.Row);
            segment.Enliven(address.Row);
        }

        foreach (var address in ended)
        {
            var segment = segments[address.Segment];
            foreach (var column in segment.Columns) column.Kill(address.Row);
            segment.Kill(address.Row);
        }

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
            if (Columns[column].Name == name) return column;
        return -1;
    }

    internal void Release(StoreView view) => views.Remove(view);

    private void Enter(in PointId id, Segment segment, int row, LogIndex index, ulong version)
    {
        segment.Head(row).Version = version;
        var hash = new ContentHash(0);
        for (var column = 0; column < Columns.Count; column++)
        {
            if ((segment.Head(row).Has & (1UL << column)) == 0) continue;
            hash.Add((ulong)column);
            hash.Add(segment.Columns[column].Content(row));
        }

        segment.Head(row).VectorHash = hash.Value;
        if (TryFind(id, out var old, out var oldRow)) End(id, old, oldRow, index);
        ids.Set(id, new RowAddress(segment.Number, row));
        Hash += HashOf(id, segment, row, segment.PayloadOf(row));
        born.Add(new RowAddress(segment.Number, row));
    }

    private void End(in PointId id, Segment segment, int row, LogIndex index)
    {
        Hash -= HashOf(id, segment, row, segment.PayloadOf(row));
        segment.Head(row).DiedAt = index.Value;
        ended.Add(new RowAddress(segment.Number, row));
    }

    private Segment Active()
    {
        if (segments.Length > 0 && !segments[^1].IsFull) return segments[^1];
        Volatile.Write(ref segments, [.. segments, new Segment(segments.Length, Columns, rowsMax)]);
        return segments[^1];
    }

    private static ulong HashOf(in PointId id, Segment segment, int row, Payload payload)
    {
        var hash = new ContentHash(id.StableHash);
        hash.Add(segment.Head(row).VectorHash);
        hash.Add(payload.Json);
        return hash.Value;
    }
}
