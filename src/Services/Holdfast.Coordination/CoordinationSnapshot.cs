using System.Buffers;
using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Coordination;

/// <summary>The parts of a snapshot, in their order. A chunk holds pieces of one part and begins with its number. Part of the format: never renumber.</summary>
internal enum SnapshotPart : byte
{
    /// <summary>Format version, revision, compacted revision, hash; since version 2 the alarms: member, type, whose.</summary>
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
    /// <summary>The format that this binary writes.</summary>
    public const ushort FormatVersion = 3;

    /// <summary>The oldest format that this binary reads.</summary>
    public const ushort FormatVersionMin = 1;

    private const int ChunkBytesMax = 256 * 1024;
    private const int KeysPerChunkMax = 4096;
    private readonly MvccStore store;
    private readonly long revision, compacted, changesEnd;
    private readonly ulong hash;
    private readonly ImmutableSortedSet<Alarm> alarms;
    private readonly IdentitySnapshot identities;
    private ImmutableSortedDictionary<long, LeaseGrant>.Enumerator leases;
    private SnapshotPart part = SnapshotPart.Numbers;
    private byte[] after = [];
    private long change;
    private bool isDisposed;

    /// <summary>Captures the state as it is.</summary>
    public CoordinationSnapshot(MvccStore store, IdentityView view)
    {
        this.store = store;
        identities = new IdentitySnapshot(view);
        (revision, compacted, hash) = (store.Revision, store.Compacted, store.Hash);
        change = store.Log.PositionOf(compacted);
        changesEnd = store.Log.End;
        alarms = store.Alarms.All;
        leases = store.Leases.Granted.GetEnumerator();
        store.Pin(compacted);
    }

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
        if (isPartDone) part = part == SnapshotPart.Changes ? SnapshotPart.Identities : part + 1;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (isDisposed) return;
        isDisposed = true;
        store.Unpin(compacted);
    }

    private static int Write(SpanWriter writer, byte[] key, in KeyVersion version)
    {
        writer.WriteBlock(key);
        writer.WriteUInt64((ulong)version.Mod);
        writer.WriteUInt32((uint)version.Sub);
        writer.WriteUInt64((ulong)version.Create);
        writer.WriteUInt64((ulong)version.Number);
        writer.WriteUInt64((ulong)version.Lease);
        writer.WriteByte(version.IsLive ? (byte)1 : (byte)0);
        writer.WriteBlock(version.Value);
        return 45 + key.Length + (version.Value?.Length ?? 0);
    }

    private bool WriteNumbers(SpanWriter writer)
    {
        writer.WriteUInt16(FormatVersion);
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
            if (place >= 0 && record[place].IsLive && record[place].Mod < compacted) bytes += Write(writer, record.Key, record[place]);
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
            bytes += Write(writer, next.Record.Key, next.Record[place]);
            change++;
        }

        return false;
    }
}

/// <summary>Builds a store from a snapshot's chunks, beside the live one.</summary>
internal sealed class CoordinationRestore(Action<MvccStore, IdentityView> replace) : ISnapshotBuilder
{
    private readonly MvccStore built = new();
    private readonly IdentityRestore identities = new();
    private SnapshotPart part = SnapshotPart.Numbers;

    /// <inheritdoc/>
    public void ReadNext(ReadOnlySpan<byte> chunk)
    {
        var reader = new SpanReader(chunk);
        var next = (SnapshotPart)reader.ReadByte();
        Invariant.Holds(next >= part, "a snapshot's parts are out of order");
        Invariant.Holds(next <= SnapshotPart.End, "a snapshot has a part that this binary does not know");
        part = next;
        if (part == SnapshotPart.Numbers) ReadNumbers(ref reader);
        while (reader.Rest.Length > 0 && reader.IsWhole) ReadPiece(ref reader);
        Invariant.Holds(reader.IsWhole, "a snapshot's chunk ends in the middle of a piece");
    }

    /// <inheritdoc/>
    public void Complete()
    {
        Invariant.Holds(part is SnapshotPart.End or SnapshotPart.EndOfFormat2, "a snapshot is incomplete");
        replace(built, identities.View);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The half-built store is garbage.
    }

    private void ReadNumbers(ref SpanReader reader)
    {
        var version = reader.ReadUInt16();
        Invariant.Holds(version is >= CoordinationSnapshot.FormatVersionMin and <= CoordinationSnapshot.FormatVersion, "a snapshot has a format that this binary does not know");
        built.RestoreNumbers((long)reader.ReadUInt64(), (long)reader.ReadUInt64(), reader.ReadUInt64());
        var alarmCount = version < 2 ? 0 : reader.ReadUInt32();
        for (; alarmCount > 0 && reader.IsWhole; alarmCount--) built.Alarms.Raise(new Alarm(reader.ReadUInt64(), (AlarmType)reader.ReadByte(), reader.ReadByte() != 0));
    }

    private void ReadPiece(ref SpanReader reader)
    {
        if (part == SnapshotPart.Identities)
        {
            identities.Read(ref reader);
            return;
        }

        if (part == SnapshotPart.Leases)
        {
            var id = (long)reader.ReadUInt64();
            built.Leases.Set(id, new LeaseGrant((long)reader.ReadUInt64(), (long)reader.ReadUInt64()));
            return;
        }

        var key = reader.ReadBlock().ToArray();
        var mod = (long)reader.ReadUInt64();
        var sub = (int)reader.ReadUInt32();
        var create = (long)reader.ReadUInt64();
        var number = (long)reader.ReadUInt64();
        var lease = (long)reader.ReadUInt64();
        var isLive = reader.ReadByte() != 0;
        var value = reader.ReadBlock();
        if (!reader.IsWhole) return;
        var version = new KeyVersion(mod, sub, create, number, lease, isLive ? value.ToArray() : null);
        if (part == SnapshotPart.Base) built.RestoreBase(key, version);
        else built.RestoreChange(key, version);
    }
}
