using System.Buffers;
using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Runs;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Coordination;

/// <summary>The parts of a snapshot, in their order. A chunk holds pieces of one part and begins with its number. Part of the format: never renumber.</summary>
internal enum SnapshotPart : byte
{
    /// <summary>Format version, revision, compacted revision, hash; since version 2 the alarms: member, type, whose; in version 4 the runs.</summary>
    Numbers = 1,

    /// <summary>Leases: id, seconds, renewals.</summary>
    Leases = 2,

    /// <summary>In key order: the version of each key that a read at the compacted revision sees, where it is older than that revision.</summary>
    Base = 3,

    /// <summary>In order of revisions: every change from the compacted revision on. So a restored replica serves the same history and the same watches.</summary>
    Changes = 4,

    /// <summary>The end of a snapshot of formats 1 and 2, which had no identities.</summary>
    EndOfFormat2 = 5,

    /// <summary>Users, roles and keys: a head, then records.</summary>
    Identities = 6,

    /// <summary>Nothing more comes.</summary>
    End = 7,
}

/// <summary>
/// The state after one entry, walked while later entries are applied. Capturing notes five numbers and pins the compacted revision: versions are only
/// added meanwhile, none that belongs to the snapshot is forgotten, and what is newer is passed over.
/// </summary>
internal sealed class CoordinationSnapshot : ISnapshotView
{
    /// <summary>The format of a snapshot that holds all of the history in its chunks.</summary>
    public const ushort FormatVersion = 3;

    /// <summary>The format of a snapshot whose history lies in runs, files by hash: parts <see cref="SnapshotPart.Base"/> and <see cref="SnapshotPart.Changes"/> are not there.</summary>
    public const ushort FormatVersionWithRuns = 4;

    /// <summary>The oldest format that this binary reads.</summary>
    public const ushort FormatVersionMin = 1;

    private const int ChunkBytesMax = 256 * 1024;
    private const int KeysPerChunkMax = 4096;
    private readonly MvccStore store;
    private readonly long revision, compacted, changesEnd;
    private readonly ulong hash;
    private readonly ImmutableSortedSet<Alarm> alarms;
    private readonly IdentitySnapshot identities;
    private readonly RunWriting? runs;
    private ImmutableSortedDictionary<long, LeaseGrant>.Enumerator leases;
    private SnapshotPart part = SnapshotPart.Numbers;
    private byte[] after = [];
    private long change;
    private bool isDisposed;

    /// <summary>Captures the state as it is.</summary>
    /// <param name="store">The keyspace.</param>
    /// <param name="view">The identities.</param>
    /// <param name="runs">What writes the history that is in no run yet; null for a snapshot that holds it all.</param>
    public CoordinationSnapshot(MvccStore store, IdentityView view, RunWriting? runs = null)
    {
        (this.store, this.runs) = (store, runs);
        identities = new IdentitySnapshot(view);
        (revision, compacted, hash) = (store.Revision, store.Compacted, store.Hash);
        change = store.Log.PositionOf(compacted);
        changesEnd = store.Log.End;
        alarms = store.Alarms.All;
        leases = store.Leases.Granted.GetEnumerator();
        store.Pin(compacted);
    }

    /// <inheritdoc/>
    public IReadOnlyList<FileHash> Files => runs is null ? [] : [.. runs.Named.Select(run => run.File)];

    /// <inheritdoc/>
    public FileStep WriteFile(IBufferWriter<byte> piece) => runs?.WriteNext(piece) ?? FileStep.NoMore;

    /// <inheritdoc/>
    public void OnFileSealed(FileHash file) => runs!.OnSealed(file);

    /// <inheritdoc/>
    public bool WriteNext(IBufferWriter<byte> chunk)
    {
        Invariant.Holds(!isDisposed, "a snapshot is read after it was disposed");
        if (part > SnapshotPart.End) return false;
        var writer = new SpanWriter(chunk);
        writer.WriteByte((byte)part);
        var isPartDone = part switch
        {
            SnapshotPart.Numbers => WriteNumbers(writer),
            SnapshotPart.Leases => WriteLeases(writer),
            SnapshotPart.Base => WriteBase(writer),
            SnapshotPart.Changes => WriteChanges(writer),
            SnapshotPart.Identities => identities.Write(writer),
            _ => true,
        };
        if (isPartDone) part = After(part);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isDisposed) return;
        isDisposed = true;
        store.Unpin(compacted);
        runs?.Dispose();
    }

    private SnapshotPart After(SnapshotPart done) => done switch
    {
        SnapshotPart.Leases when runs is not null => SnapshotPart.Identities,
        SnapshotPart.Changes => SnapshotPart.Identities,
        _ => done + 1,
    };

    private bool WriteNumbers(SpanWriter writer)
    {
        writer.WriteUInt16(runs is null ? FormatVersion : FormatVersionWithRuns);
        writer.WriteUInt64((ulong)revision);
        writer.WriteUInt64((ulong)compacted);
        writer.WriteUInt64(hash);
        writer.WriteUInt32((uint)alarms.Count);
        foreach (var alarm in alarms)
        {
            writer.WriteUInt64(alarm.Member);
            writer.WriteByte((byte)alarm.Type);
            writer.WriteByte(alarm.IsOwn ? (byte)1 : (byte)0);
        }

        if (runs is not null) HistoryRun.Write(writer, runs.Named, runs.SettledCount);
        return true;
    }

    private bool WriteLeases(SpanWriter writer)
    {
        for (var count = 0; count < KeysPerChunkMax; count++)
        {
            if (!leases.MoveNext()) return true;
            var (id, grant) = leases.Current;
            writer.WriteUInt64((ulong)id);
            writer.WriteUInt64((ulong)grant.Seconds);
            writer.WriteUInt64((ulong)grant.Renewals);
        }

        return false;
    }

    private bool WriteBase(SpanWriter writer)
    {
        var cursor = store.Keys.SeekAfter(after);
        var bytes = 0;
        for (var count = 0; count < KeysPerChunkMax && bytes < ChunkBytesMax; count++)
        {
            if (cursor.Next() is not { } record) return true;
            after = record.Key;
            var place = record.PlaceAt(compacted);
            if (place >= 0 && record[place].IsLive && record[place].Mod < compacted) bytes += VersionCodec.Write(writer, record.Key, record[place]);
        }

        return false;
    }

    private bool WriteChanges(SpanWriter writer)
    {
        var bytes = 0;
        for (var count = 0; count < KeysPerChunkMax && bytes < ChunkBytesMax; count++)
        {
            if (change == changesEnd) return true;
            ref readonly var next = ref store.Log[change];
            var place = next.Record.PlaceOf(next.Mod, next.Sub);
            Invariant.Holds(place >= 0, "a change in the log has lost its version");
            bytes += VersionCodec.Write(writer, next.Record.Key, next.Record[place]);
            change++;
        }

        return false;
    }
}
