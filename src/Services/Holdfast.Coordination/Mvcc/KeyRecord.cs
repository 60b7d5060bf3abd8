using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// A key and its versions, oldest to newest. Most keys have one version, so the newest lives in the record itself and only older ones need an array.
/// </summary>
internal sealed class KeyRecord(byte[] key)
{
    private KeyVersion latest;
    private KeyVersion[]? older;
    private int olderCount;
    private bool hasLatest;

    /// <summary>The key; never changed.</summary>
    public byte[] Key { get; } = key;

    /// <summary>How many versions are kept, tombstones included.</summary>
    public int Count => hasLatest ? olderCount + 1 : 0;

    /// <summary>The newest version. Only when <see cref="Count"/> is positive.</summary>
    public ref readonly KeyVersion Latest => ref latest;

    /// <summary>Whether the key exists now.</summary>
    public bool IsLive => hasLatest && latest.IsLive;

    /// <summary>The version at a place, 0 being the oldest kept.</summary>
    public ref readonly KeyVersion this[int place]
    {
        get
        {
            if (place == olderCount) return ref latest;
            return ref older![place];
        }
    }

    /// <summary>Adds a version, which must be newer than all others.</summary>
    public void Append(in KeyVersion version)
    {
        if (hasLatest)
        {
            Invariant.Holds(version.Mod > latest.Mod || version.Sub > latest.Sub, "a key's versions must be added in the order of revisions");
            if (older is null) older = new KeyVersion[1];
            else if (olderCount == older.Length) Array.Resize(ref older, olderCount * 2);
            older[olderCount++] = latest;
        }

        latest = version;
        hasLatest = true;
    }

    /// <summary>The place of the newest version that a read at <paramref name="revision"/> sees, tombstone or not; -1 when there is none.</summary>
    public int PlaceAt(long revision)
    {
        if (!hasLatest) return -1;
        if (latest.Mod <= revision) return olderCount;
        int low = 0, high = olderCount;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (older![middle].Mod <= revision) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    /// <summary>The place of the version that was written at exactly this revision and place within it; -1 when it is not kept.</summary>
    public int PlaceOf(long mod, int sub)
    {
        var place = PlaceAt(mod);
        while (place >= 0 && this[place].Mod == mod && this[place].Sub != sub) place--;
        return place >= 0 && this[place].Mod == mod ? place : -1;
    }

    /// <summary>
    /// Forgets what no read at or above <paramref name="revision"/> can see: all versions before the one that is seen there, and that one too
    /// when it is a tombstone of an earlier revision. A tombstone of exactly this revision stays, because a watch may still begin there.
    /// Returns how many versions went.
    /// </summary>
    public int Forget(long revision)
    {
        var place = PlaceAt(revision);
        if (place < 0) return 0;
        var keepFrom = this[place].IsLive || this[place].Mod == revision ? place : place + 1;

        // Several changes of one revision are several events; a watch that begins there must see them all.
        if (this[place].Mod == revision)
            while (keepFrom > 0 && this[keepFrom - 1].Mod == revision) keepFrom--;
        if (keepFrom == 0) return 0;
        if (keepFrom > olderCount)
        {
            var all = olderCount + 1;
            older = null;
            olderCount = 0;
            hasLatest = false;
            latest = default;
            return all;
        }

        olderCount -= keepFrom;
        older = olderCount == 0 ? null : older![keepFrom..(keepFrom + olderCount)];
        return keepFrom;
    }
}
