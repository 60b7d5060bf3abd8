using System.Collections.Immutable;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.History;

/// <summary>A change that the store still keeps.</summary>
/// <param name="Key">The key.</param>
/// <param name="Version">What the change made of it.</param>
/// <param name="IsVisible">Whether a read at the walk's revision sees it.</param>
internal readonly record struct HistoryItem(byte[] Key, KeyVersion Version, bool IsVisible);

/// <summary>
/// All that the store keeps up to a revision, in the order of revisions, as etcd's file has it after a finished compaction: what a read at the compacted
/// revision sees, then every change since. It is one moment of the store, however long it takes and whatever happens meanwhile: the compacted revision is
/// pinned. The loop works in slices; sorting is done by the caller's thread.
/// </summary>
internal sealed class HistoryWalk : IAsyncDisposable
{
    private readonly IKeyspaceGroup group;
    private readonly HistoryBegin begun;
    private int baseAt;
    private long changeAt;

    private HistoryWalk(IKeyspaceGroup group, HistoryBegin begun)
    {
        (this.group, this.begun) = (group, begun);
        begun.SortBase();
        Restart();
    }

    /// <summary>The walk's revision.</summary>
    public long Revision => begun.Revision;

    /// <summary>The compacted revision when the walk began; 0 or less when there was none.</summary>
    public long Compacted => begun.Compacted;

    /// <summary>The store's revision when the walk began.</summary>
    public long CurrentRevision => begun.CurrentRevision;

    /// <summary>The term when the walk began.</summary>
    public Term Term => begun.Term;

    /// <summary>The leases when the walk began.</summary>
    public ImmutableSortedDictionary<long, LeaseGrant> Leases => begun.Leases;

    /// <summary>Whether any key exists at the walk's revision.</summary>
    public bool HasKeys => begun.HasKeys;

    /// <summary>Begins a walk up to a revision; 0 is the newest.</summary>
    /// <exception cref="EtcdException">The revision is compacted, or lies ahead.</exception>
    public static async ValueTask<HistoryWalk> BeginAsync(IKeyspaceGroup group, long revision, CancellationToken cancel)
    {
        var begin = new HistoryBegin(revision);
        try
        {
            if (await group.ReadAsync(begin, false, cancel).ConfigureAwait(false) is { } error) throw new EtcdException(error);
        }
        catch (OperationCanceledException)
        {
            // It may have been done before the client went, and then it holds its pin.
            await EndAsync(group, begin).ConfigureAwait(false);
            throw;
        }

        return new HistoryWalk(group, begin);
    }

    /// <summary>Goes back to the first item.</summary>
    public void Restart() => (baseAt, changeAt) = (0, begun.FirstChange);

    /// <summary>The next items; none at the end.</summary>
    public async ValueTask<IReadOnlyList<HistoryItem>> NextAsync(CancellationToken cancel)
    {
        var page = await group.ReadAsync(new HistoryPage(begun, baseAt, changeAt), false, cancel).ConfigureAwait(false);
        (baseAt, changeAt) = (page.BaseAt, page.ChangeAt);
        return page.Items;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => EndAsync(group, begun);

    private static async ValueTask EndAsync(IKeyspaceGroup group, HistoryBegin begun)
    {
        try
        {
            await group.ReadAsync(new HistoryEnd(begun), false, CancellationToken.None).ConfigureAwait(false);
        }
        catch (EtcdException)
        {
            // The group stops, and its store with it.
        }
    }
}

/// <summary>Fixes the revision, pins, and finds the keys that were there at the compacted revision.</summary>
internal sealed class HistoryBegin(long wanted) : KeyspaceRead<EtcdError?>
{
    /// <summary>What each slice found, put together only off the loop: one list of a million would move its megabytes there whenever it grows.</summary>
    private readonly List<List<BaseVersion>> found = [];
    private byte[] after = [];
    private bool isPinned;

    public MvccStore? Store { get; private set; }

    /// <summary>What a read at the compacted revision sees, in the order of revisions, once sorted.</summary>
    public IReadOnlyList<BaseVersion> Base { get; private set; } = [];

    public long Revision { get; private set; }

    public long Compacted { get; private set; }

    public long CurrentRevision { get; private set; }

    public long FirstChange { get; private set; }

    public long LastChange { get; private set; }

    public Term Term { get; private set; }

    public bool HasKeys { get; private set; }

    public ImmutableSortedDictionary<long, LeaseGrant> Leases { get; private set; } = ImmutableSortedDictionary<long, LeaseGrant>.Empty;

    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (Store is null)
        {
            var store = machine.Store;
            (CurrentRevision, Compacted, Term, Leases) = (store.Revision, store.Compacted, machine.Role.Term, store.Leases.Granted);
            Revision = wanted <= 0 ? store.Revision : wanted;
            Result = Revision > store.Revision ? EtcdErrors.FutureRevision : Revision < Compacted ? EtcdErrors.Compacted : null;
            if (Result is not null) return true;
            Store = store;
            store.Pin(Compacted);
            isPinned = true;
            (FirstChange, LastChange) = (store.Log.PositionOf(Compacted + 1), store.Log.PositionOf(Revision + 1));
        }

        found.Add(new List<BaseVersion>(SliceSize.Keys));
        var cursor = after.Length == 0 ? Store.Keys.Seek(after) : Store.Keys.SeekAfter(after);
        for (var count = 0; count < SliceSize.Keys; count++)
        {
            if (cursor.Next() is not { } record) return true;
            after = record.Key;
            Look(record);
        }

        return false;
    }

    public override void Abandon()
    {
        if (isPinned) Store!.Unpin(Compacted);
        isPinned = false;
    }

    /// <summary>On the caller's thread, after the last slice.</summary>
    public void SortBase()
    {
        var all = new List<BaseVersion>(found.Sum(static slice => slice.Count));
        foreach (var slice in found) all.AddRange(slice);
        found.Clear();
        all.Sort(static (left, right) => left.Mod != right.Mod ? left.Mod.CompareTo(right.Mod) : left.Sub.CompareTo(right.Sub));
        Base = all;
    }

    private void Look(KeyRecord record)
    {
        var seen = record.PlaceAt(Revision);
        HasKeys |= seen >= 0 && record[seen].IsLive;
        var place = record.PlaceAt(Compacted);
        if (place >= 0 && record[place].IsLive) found[^1].Add(new BaseVersion(record[place].Mod, record[place].Sub, record));
    }
}

/// <summary>A version that a read at the compacted revision sees.</summary>
internal readonly record struct BaseVersion(long Mod, int Sub, KeyRecord Record);

/// <summary>A slice of a walk, and where the next one begins.</summary>
internal sealed record HistorySlice(List<HistoryItem> Items, int BaseAt, long ChangeAt);

/// <summary>Reads one slice.</summary>
internal sealed class HistoryPage(HistoryBegin begun, int baseAt, long changeAt) : KeyspaceRead<HistorySlice>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        var items = new List<HistoryItem>(SliceSize.Keys);
        for (; baseAt < begun.Base.Count && items.Count < SliceSize.Keys; baseAt++)
        {
            var (mod, sub, record) = begun.Base[baseAt];
            items.Add(Item(record, mod, sub));
        }

        for (; changeAt < begun.LastChange && items.Count < SliceSize.Keys; changeAt++)
        {
            ref readonly var change = ref begun.Store!.Log[changeAt];
            items.Add(Item(change.Record, change.Mod, change.Sub));
        }

        Result = new HistorySlice(items, baseAt, changeAt);
        return true;
    }

    private HistoryItem Item(KeyRecord record, long mod, int sub)
    {
        var place = record.PlaceOf(mod, sub);
        Invariant.Holds(place >= 0, "a walk through history has lost a version that it pinned");
        return new HistoryItem(record.Key, record[place], place == record.PlaceAt(begun.Revision));
    }
}

/// <summary>Gives back the pin.</summary>
internal sealed class HistoryEnd(HistoryBegin begun) : KeyspaceRead<bool>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        begun.Abandon();
        return true;
    }
}
