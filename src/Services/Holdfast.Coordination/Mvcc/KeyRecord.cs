using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// A key and its versions, oldest to newest. Most keys have one version, so the newest lives in the record itself and only older ones need room of their own.
/// </summary>
internal sealed class KeyRecord(byte[] key)
{
    private KeyVersion latest; // Of revision 0: there is none.
    private OlderVersions? older;

    /// <summary>The key; never changed.</summary>
    public byte[] Key { get; } = key;

    /// <summary>How many versions are kept, tombstones included.</summary>
    public int Count => HasLatest ? OlderCount + 1 : 0;

    /// <summary>The newest version. Only when <see cref="Count"/> is positive.</summary>
    public ref readonly KeyVersion Latest => ref latest;

    /// <summary>Whether the key exists now.</summary>
    public bool IsLive => latest.IsLive;

    private bool HasLatest => latest.Mod != 0;

    private int OlderCount => older?.Count ?? 0;

    /// <summary>The version at a place, 0 being the oldest kept.</summary>
    public ref readonly KeyVersion this[int place]
    {
        get
        {
            if (place == OlderCount) return ref latest;
            return ref older![place];
        }
    }

    /// <summary>Adds a version, which must be newer than all others.</summary>
    public void Append(in KeyVersion version)
    {
        if (HasLatest)
        {
            Invariant.Holds(version.Mod > latest.Mod || version.Sub > latest.Sub, "a key's versions must be added in the order of revisions");
            (older ??= new OlderVersions()).Add(latest);
        }

        latest = version;
    }

    /// <summary>The place of the newest version that a read at <paramref name="revision"/> sees, tombstone or not; -1 when there is none.</summary>
    public int PlaceAt(long revision)
    {
        if (!HasLatest) return -1;
        if (latest.Mod <= revision) return OlderCount;
        int low = 0, high = OlderCount;
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
    /// How many of the oldest versions no read at or above <paramref name="revision"/> can see: all before the one that is seen there, and that one too
    /// when it is a tombstone of an earlier revision. A tombstone of exactly this revision stays, because a watch may still begin there.
    /// </summary>
    public int Unseen(long revision)
    {
        var place = PlaceAt(revision);
        if (place < 0) return 0;
        var keepFrom = this[place].IsLive || this[place].Mod == revision ? place : place + 1;

        // Several changes of one revision are several events; a watch that begins there must see them all. (A transaction's bound bounds this.)
        if (this[place].Mod == revision)
            while (keepFrom > 0 && this[keepFrom - 1].Mod == revision) keepFrom--;
        return keepFrom;
    }

    /// <summary>Forgets so many of the oldest versions.</summary>
    public void Forget(int versions)
    {
        var fromOlder = Math.Min(versions, OlderCount);
        if (fromOlder > 0) older!.Forget(fromOlder);
        if (OlderCount == 0) older = null;
        if (versions > fromOlder) latest = default;
    }
}
