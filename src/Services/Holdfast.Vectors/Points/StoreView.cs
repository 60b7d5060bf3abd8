using Holdfast.Primitives;

namespace Holdfast.Vectors.Points;

/// <summary>What of a row may change while a view is open.</summary>
internal readonly record struct KeptRow(Payload Payload, ulong Version);

/// <summary>
/// The points after one entry, walked while later entries change them. Capturing notes how many rows there were: rows are only added, the dead know which entry ended them, and a payload that is changed
/// meanwhile is kept here first.
/// </summary>
internal sealed class StoreView : IDisposable
{
    private readonly PointStore store;
    private readonly Segment[] segments;
    private readonly int[] counts;
    private readonly LogIndex index;
    private readonly Dictionary<RowAddress, KeptRow> kept = [];
    private int segment;
    private int row;

    /// <summary>Captures.</summary>
    public StoreView(PointStore store, Segment[] segments, LogIndex index)
    {
        (this.store, this.segments, this.index) = (store, segments, index);
        counts = [.. segments.Select(each => each.Count)];
    }

    /// <summary>The next point that lived then; false when there is none.</summary>
    public bool MoveNext(out Segment at, out int found, out KeptRow content)
    {
        for (; segment < segments.Length; segment++, row = 0)
            while (row < counts[segment])
            {
                (at, found) = (segments[segment], row++);
                var diedAt = at.Head(found).DiedAt;
                if (diedAt != 0 && diedAt <= index.Value) continue;
                content = kept.Remove(new RowAddress(at.Number, found), out var old) ? old : new KeptRow(at.PayloadOf(found), at.Head(found).Version);
                return true;
            }

        (at, found, content) = (null!, 0, default);
        return false;
    }

    /// <summary>A payload is about to be replaced: the first one since the capture belongs to the view.</summary>
    public void Keep(RowAddress address, KeptRow old)
    {
        if (address.Segment >= counts.Length || address.Row >= counts[address.Segment]) return;
        if (address.Segment < segment || (address.Segment == segment && address.Row < row)) return;
        kept.TryAdd(address, old);
    }

    /// <inheritdoc/>
    public void Dispose() => store.Release(this);
}
