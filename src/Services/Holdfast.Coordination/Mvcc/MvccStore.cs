using Holdfast.Coordination.Leases;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// The keyspace over all its revisions. A write is a batch: <see cref="BeginWrite"/>, changes, <see cref="EndWrite"/>; its changes share one revision
/// and become visible to others together. A read names its revision and sees the versions up to it, so reads and snapshots need no copy and no lock:
/// they <see cref="Pin"/> the revision below which nothing may be forgotten while they walk.
/// </summary>
internal sealed class MvccStore
{
    /// <summary>Never compacted. etcd's own beginning: compacting at 0 is allowed once.</summary>
    public const long NeverCompacted = -1;

    /// <summary>A version beside its key and value: the version itself, two array headers, its place in the log, and its part of the record and of a page.</summary>
    private const int VersionOverheadBytes = 160;

    /// <summary>What an empty store takes: the first segment of the log of changes, and the first page of keys.</summary>
    private const int EmptyBytes = 25 * 1024;

    /// <summary>A slice of a sweep forgets so many versions for each key that it may look at: a key that was written a million times takes several slices.</summary>
    private const int VersionsPerKeyMax = 4;

    private static readonly Mark SweepHeldBack = new("coordination: sweep held back by a pin");
    private readonly List<long> pins = [];
    private int changesInBatch;
    private bool isWriting;
    private long sweptTo = NeverCompacted;
    private long sweepTarget = NeverCompacted;
    private byte[]? sweepFrom; // the last key that the sweep has dealt with; null when none is under way

    /// <summary>All keys.</summary>
    public KeyIndex Keys { get; } = new();

    /// <summary>All changes that are not compacted.</summary>
    public RevisionLog Log { get; } = new();

    /// <summary>The leases.</summary>
    public LeaseTable Leases { get; } = new();

    /// <summary>Deletions that only the runs of history must still be told of.</summary>
    public ForgottenDeletions Forgotten { get; } = new();

    /// <summary>The alarms.</summary>
    public AlarmTable Alarms { get; } = new();

    /// <summary>The newest whole revision. An empty store is at 1, as etcd's is.</summary>
    public long Revision { get; private set; } = 1;

    /// <summary>Reads below this revision fail.</summary>
    public long Compacted { get; private set; } = NeverCompacted;

    /// <summary>Rolls over every change, in order.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Bytes of keys and values kept, all versions.</summary>
    public long Bytes { get; private set; }

    /// <summary>Versions kept, tombstones included.</summary>
    public long Versions { get; private set; }

    /// <summary>Bytes of all versions kept as snapshots write them.</summary>
    public long RecordBytes { get; private set; }

    /// <summary>What the store takes in memory, about: what the quota bounds. How far a sweep has come shows in it, so members differ a little.</summary>
    public long SizeBytes => EmptyBytes + Bytes + (Versions * VersionOverheadBytes);

    /// <summary>Keys written since this store was made: for the eye, no part of the state.</summary>
    public long PutCount { get; private set; }

    /// <summary>Keys deleted since this store was made, by leases that ended too.</summary>
    public long DeletionCount { get; private set; }

    /// <summary>The revision that a read sees now: within a batch that has changed something, the batch's own.</summary>
    public long ReadRevision => changesInBatch > 0 ? Revision + 1 : Revision;

    /// <summary>Begins a batch of changes.</summary>
    public void BeginWrite()
    {
        Invariant.Holds(!isWriting, "two write batches at once");
        isWriting = true;
    }

    /// <summary>Ends the batch; the revision rises if anything changed. Returns whether it did.</summary>
    public bool EndWrite()
    {
        Invariant.Holds(isWriting, "a write batch ends that did not begin");
        isWriting = false;
        if (changesInBatch == 0) return false;
        changesInBatch = 0;
        Revision++;
        return true;
    }

    /// <summary>The live version of a key as the batch, or the newest revision, sees it.</summary>
    public KeyRecord? FindLive(ReadOnlySpan<byte> key) => Keys.Find(key) is { IsLive: true } record ? record : null;

    /// <summary>Writes a key within a batch.</summary>
    public void Put(byte[] key, byte[] value, long lease)
    {
        Invariant.Holds(isWriting, "a key is written outside of a batch");
        var record = Keys.FindOrAdd(key);
        var isLive = record.IsLive;
        var oldLease = isLive ? record.Latest.Lease : 0;
        var version = new KeyVersion(Revision + 1, changesInBatch, isLive ? record.Latest.Create : Revision + 1, isLive ? record.Latest.Number + 1 : 1, lease, value);
        Append(record, version);
        PutCount++;
        if (oldLease == lease) return;
        if (oldLease != 0) Leases.Detach(oldLease, record);
        if (lease != 0) Leases.Attach(lease, record);
    }

    /// <summary>Deletes a live key within a batch.</summary>
    public void Delete(KeyRecord record)
    {
        Invariant.Holds(isWriting, "a key is deleted outside of a batch");
        Invariant.Holds(record.IsLive, "a key is deleted that does not exist");
        var lease = record.Latest.Lease;
        Append(record, KeyVersion.Tombstone(Revision + 1, changesInBatch));
        DeletionCount++;
        if (lease != 0) Leases.Detach(lease, record);
    }

    /// <summary>Adds to the rolling hash what changed beside keys: leases, compactions.</summary>
    public void AddToHash(byte kind, long first, long second)
    {
        var hash = new RollingHash(Hash);
        hash.Add((ulong)kind);
        hash.Add(first);
        hash.Add(second);
        Hash = hash.Value;
    }

    /// <summary>Forbids reads below a revision. Memory follows in slices (<see cref="Sweep"/>).</summary>
    public void Compact(long revision)
    {
        Invariant.Holds(revision > Compacted, "compaction went back");
        Invariant.Holds(revision <= Revision, "compaction of a revision that does not exist yet");
        Compacted = revision;
        AddToHash(1, revision, 0);
    }

    /// <summary>Leaves out revisions and forbids reads of all before: nobody may hold the numbers in between for something that is here (S12).</summary>
    public void Skip(long revisions)
    {
        Invariant.Holds(!isWriting, "revisions are left out within a batch");
        Revision += revisions;
        Compact(Revision);
    }

    /// <summary>Keeps what reads at or above <paramref name="revision"/> need until <see cref="Unpin"/>.</summary>
    public void Pin(long revision) => pins.Add(revision);

    /// <summary>Gives back a pin.</summary>
    public void Unpin(long revision) => pins.Remove(revision);

    /// <summary>
    /// Forgets the compacted versions of a bounded number of keys, and a bounded number of versions. True when nothing is left to forget, or a pin holds the rest back. What a read returns
    /// does not depend on how far this has come.
    /// </summary>
    public bool Sweep(int keysMax)
    {
        if (sweepFrom is null && !BeginSweep()) return true;
        var cursor = Keys.SeekAfter(sweepFrom);
        var versionsMax = keysMax * VersionsPerKeyMax;
        List<byte[]>? emptied = null;
        while (keysMax-- > 0)
        {
            if (cursor.Next() is not { } record)
            {
                sweepFrom = null;
                break;
            }

            if (!Forget(record, ref versionsMax)) break; // The next slice goes on with this key.
            sweepFrom = record.Key;
            if (record.Count == 0) (emptied ??= []).Add(record.Key);
        }

        if (emptied is not null)
            foreach (var key in emptied) Keys.Remove(key);
        if (sweepFrom is not null) return false;
        sweptTo = sweepTarget;
        return sweptTo == Compacted;
    }

    /// <summary>Takes a version from a snapshot. Its changes come in order afterwards (<see cref="RestoreChange"/>).</summary>
    public void RestoreBase(byte[] key, in KeyVersion version)
    {
        var record = Keys.FindOrAdd(key);
        Link(record, version);
    }

    /// <summary>Takes a change from a snapshot.</summary>
    public void RestoreChange(byte[] key, in KeyVersion version)
    {
        var record = Keys.FindOrAdd(key);
        Link(record, version);
        Log.Append(new Change(version.Mod, version.Sub, record));
    }

    /// <summary>
    /// Takes a version from a run of history. What is older than the compacted revision is the key's past, of which only the newest counts, in whatever order it comes; from there on every change comes in order.
    /// </summary>
    public void RestoreFromRun(byte[] key, in KeyVersion version)
    {
        if (version.Mod >= Compacted)
        {
            var changed = Keys.FindOrAdd(key);
            Link(changed, version);
            Log.Append(new Change(version.Mod, version.Sub, changed));
            if (version.Mod == Compacted) Drop(changed, changed.Unseen(Compacted));
            return;
        }

        if (!version.IsLive) Forgotten.Note(key, version.Mod);
        var record = version.IsLive ? Keys.FindOrAdd(key) : Keys.Find(key);
        if (record is null || (record.Count > 0 && record.Latest.Mod > version.Mod)) return;
        Link(record, version);
        Drop(record, version.IsLive ? record.Count - 1 : record.Count);
        if (record.Count == 0) Keys.Remove(key);
    }

    /// <summary>Takes the numbers from a snapshot.</summary>
    public void RestoreNumbers(long revision, long compacted, ulong hash)
    {
        (Revision, Compacted, Hash) = (revision, compacted, hash);
        sweptTo = compacted;
    }

    private void Link(KeyRecord record, in KeyVersion version)
    {
        if (record.IsLive && record.Latest.Lease != 0) Leases.Detach(record.Latest.Lease, record);
        if (record.Count == 0) Bytes += record.Key.Length;
        record.Append(version);
        Bytes += version.Value?.Length ?? 0;
        RecordBytes += VersionCodec.BytesOf(record.Key, version);
        Versions++;
        if (version.Lease != 0) Leases.Attach(version.Lease, record);
    }

    private void Append(KeyRecord record, in KeyVersion version)
    {
        if (record.Count == 0) Bytes += record.Key.Length;
        Bytes += version.Value?.Length ?? 0;
        RecordBytes += VersionCodec.BytesOf(record.Key, version);
        record.Append(version);
        Log.Append(new Change(version.Mod, version.Sub, record));
        changesInBatch++;
        Versions++;
        var hash = new RollingHash(Hash);
        hash.Add(record.Key, version);
        Hash = hash.Value;
    }

    /// <summary>Forgets what a key has at the sweep's revision and nobody sees, up to so many versions; the number is lowered by what it took. False: there is more.</summary>
    private bool Forget(KeyRecord record, ref int versionsMax)
    {
        var unseen = record.Unseen(sweepTarget);
        var going = Math.Min(unseen, versionsMax);
        Drop(record, going);
        versionsMax -= going;
        return going == unseen;
    }

    /// <summary>Forgets so many of a key's oldest versions.</summary>
    private void Drop(KeyRecord record, int versions)
    {
        if (versions == 0) return;
        for (var at = 0; at < versions; at++)
        {
            ref readonly var version = ref record[at];
            Bytes -= version.Value?.Length ?? 0;
            RecordBytes -= VersionCodec.BytesOf(record.Key, version);
            if (!version.IsLive) Forgotten.Note(record.Key, version.Mod);
        }

        record.Forget(versions);
        Versions -= versions;
        if (record.Count == 0) Bytes -= record.Key.Length;
    }

    /// <summary>Whether there is a new revision to sweep to.</summary>
    private bool BeginSweep()
    {
        var target = Compacted;
        foreach (var pin in pins)
        {
            if (pin >= target) continue;
            SweepHeldBack.Hit();
            target = pin;
        }

        if (target <= sweptTo) return false;
        sweepTarget = target;
        sweepFrom = [];
        Log.ForgetBefore(target);
        return true;
    }
}
