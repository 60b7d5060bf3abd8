using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>One change: which key, at which revision, and its place within the revision.</summary>
internal readonly record struct Change(long Mod, int Sub, KeyRecord Record);

/// <summary>
/// All changes that are not compacted, in the order in which they happened. Watches read it through positions that never shift, however far behind
/// they are: there is no second path for slow ones. It costs 24 bytes a change beside the version that it points to.
/// </summary>
internal sealed class RevisionLog
{
    private const int SegmentChanges = 1024;
    private readonly List<Change[]> segments = [];
    private long segmentsBegin;

    /// <summary>The position of the oldest change kept.</summary>
    public long First { get; private set; }

    /// <summary>The position that the next change will have.</summary>
    public long End { get; private set; }

    /// <summary>The change at a position.</summary>
    public ref readonly Change this[long position]
    {
        get
        {
            Invariant.Holds(position >= First, "a change is read that was already forgotten");
            Invariant.Holds(position < End, "a change is read that has not happened");
            var offset = position - segmentsBegin;
            return ref segments[(int)(offset / SegmentChanges)][offset % SegmentChanges];
        }
    }

    /// <summary>Adds a change.</summary>
    public void Append(in Change change)
    {
        var offset = End - segmentsBegin;
        if (offset == (long)segments.Count * SegmentChanges) segments.Add(new Change[SegmentChanges]);
        segments[(int)(offset / SegmentChanges)][offset % SegmentChanges] = change;
        End++;
    }

    /// <summary>The position of the first change at or after a revision; <see cref="End"/> when there is none.</summary>
    public long PositionOf(long revision)
    {
        long low = First, high = End;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (this[middle].Mod < revision) low = middle + 1;
            else high = middle;
        }

        return low;
    }

    /// <summary>Forgets all changes before a revision, whole segments at a time.</summary>
    public void ForgetBefore(long revision)
    {
        First = PositionOf(revision);
        var whole = (int)Math.Min((First - segmentsBegin) / SegmentChanges, segments.Count);
        if (whole > 0)
        {
            segments.RemoveRange(0, whole);
            segmentsBegin += (long)whole * SegmentChanges;
        }

        // The forgotten part of the first segment must not keep records alive.
        if (segments.Count > 0) Array.Clear(segments[0], 0, (int)(First - segmentsBegin));
    }
}
