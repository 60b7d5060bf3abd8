using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Vectors.Files;
using Holdfast.Vectors.Shards;

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
    private readonly SegmentFiles?[] files;
    private readonly Dictionary<int, int> places;
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
        files = [.. segments.Select(each => each.Files)];
        places = Enumerable.Range(0, segments.Length).ToDictionary(place => segments[place].Number);
        if (store.Bug == PlantedShardBug.ViewHoldsNoFiles) return;
        foreach (var file in Files) store.Files!.Hold(file);
    }

    /// <summary>The files by hash that segments are kept in: they are held until the view is disposed.</summary>
    public IEnumerable<FileHash> Files => files.OfType<SegmentFiles>().SelectMany(each => each.All);

    /// <summary>Where the walk is: a segment, its files if it is kept in any, and its next row; null at the end.</summary>
    public (Segment Segment, SegmentFiles? Files, int Row, int Count)? Place
    {
        get
        {
            while (segment < segments.Length && row == counts[segment]) (segment, row) = (segment + 1, 0);
            return segment == segments.Length ? null : (segments[segment], files[segment], row, counts[segment]);
        }
    }

    /// <summary>Passes the next row of the segment at <see cref="Place"/>: whether it lived then, and if so what it carried.</summary>
    public bool PassRow(out int passed, out KeptRow content, out bool isAsWritten)
    {
        var at = segments[segment];
        passed = row++;
        (content, isAsWritten) = (default, true);
        var diedAt = at.Head(passed).DiedAt;
        if (diedAt != 0 && diedAt <= index.Value && (files[segment] is null || store.Bug != PlantedShardBug.SnapshotForgetsDeaths)) return false;
        if (kept.Remove(new RowAddress(at.Number, passed), out content)) isAsWritten = false;
        else if (files[segment] is null || at.HasNewerPayload(passed)) (content, isAsWritten) = (new KeptRow(at.PayloadOf(passed), at.Head(passed).Version), false);
        return true;
    }

    /// <summary>A payload is about to be replaced: the first one since the capture belongs to the view.</summary>
    public void Keep(RowAddress address, KeptRow old)
    {
        if (!places.TryGetValue(address.Segment, out var place) || address.Row >= counts[place]) return;
        if (place < segment || (place == segment && address.Row < row)) return;
        kept.TryAdd(address, old);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        store.Release(this);
        if (store.Bug == PlantedShardBug.ViewHoldsNoFiles) return;
        foreach (var file in Files) store.Files!.Release(file);
    }
}
