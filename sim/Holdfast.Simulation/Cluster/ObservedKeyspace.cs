using System.Buffers;
using System.Text;
using Holdfast.Coordination;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Simulation.Cluster;

/// <summary>The production keyspace with somebody looking on: what each entry changed goes into the <see cref="Chronicle"/>.</summary>
internal sealed class ObservedKeyspace : IStateMachine
{
    /// <summary>A limit that one node sets for itself: longer commands it does not like.</summary>
    private const int OwnLimitBytes = 300;

    private readonly ClusterProcess process;
    private readonly CoordinationStateMachine inner;
    private readonly Chronicle chronicle;
    private readonly ClusterMutation mutation;
    private readonly List<KeyChange> changes = [];
    private readonly HashSet<long> leasesBefore = [];
    private long changesFrom = -1;
    private bool hasApplied;

    public ObservedKeyspace(ClusterProcess process, CoordinationStateMachine inner, Chronicle chronicle, ClusterMutation mutation)
    {
        (this.process, this.inner, this.chronicle, this.mutation) = (process, inner, chronicle, mutation);
    }

    public ulong StateHash => inner.StateHash;

    public ApplyResult Apply(in CommittedEntry entry)
    {
        if (changesFrom < 0)
        {
            changesFrom = inner.Store.Log.End;
            leasesBefore.Clear();
            foreach (var id in inner.Store.Leases.Granted.Keys) leasesBefore.Add(id);
        }

        var result = Execute(entry);
        if (!result.IsDone) return result;
        Gather();
        if (!chronicle.Knows(entry.Position.Index)) JudgeLeaseEnds();
        if (chronicle.OnApplied(process.Node, entry.Position, entry.Command, inner.StateHash, changes)) Tell(entry, result.Reply as CommandReply);
        return result;
    }

    public ISnapshotView CaptureSnapshot()
    {
        chronicle.OnContent(process.Node, inner.StateHash, ContentOf(inner));
        return mutation switch
        {
            ClusterMutation.LeasesLeftOutOfSnapshot => new Without(SnapshotPart.Leases, inner.CaptureSnapshot()),
            ClusterMutation.IdentitiesLeftOutOfSnapshot => new Without(SnapshotPart.Identities, inner.CaptureSnapshot()),
            _ => inner.CaptureSnapshot(),
        };
    }

    public ISnapshotBuilder BeginRestore() => new Restore(this, inner.BeginRestore());

    public void OnRole(in GroupRole role) =>
        inner.OnRole(mutation == ClusterMutation.FollowersClockEndsLease && role.Leader != NodeId.None ? role with { IsLeader = true } : role);

    private ApplyResult Execute(in CommittedEntry entry)
    {
        var isFirst = !hasApplied;
        hasApplied = true;
        if (mutation == ClusterMutation.ApplyLooksAtOwnLimit && process.Machine.Slot == 0 && entry.Command.Length > OwnLimitBytes) return ApplyResult.Done();
        if (mutation == ClusterMutation.EntryAppliedTwiceAfterRestart && isFirst && process.IsRestart && !inner.Apply(entry).IsDone) return ApplyResult.Yield;
        if (FaultyEntry.Of(entry, mutation, inner) is not { } altered) return inner.Apply(entry);
        return inner.Apply(new CommittedEntry { Position = entry.Position, TimeMicros = entry.TimeMicros, FeatureLevel = entry.FeatureLevel, Command = altered, ReplyWanted = entry.ReplyWanted });
    }

    /// <summary>Everything that a client could find out: versions from the compacted revision on, leases with what hangs on them, and who may do what.</summary>
    public static ulong ContentOf(CoordinationStateMachine machine)
    {
        var store = machine.Store;
        var content = (ulong)store.Revision ^ (ulong)store.Compacted << 32;
        var cursor = store.Keys.SeekAfter([]);
        while (cursor.Next() is { } record)
        {
            var first = Math.Max(0, record.PlaceAt(store.Compacted));
            for (var place = first; place < record.Count; place++)
            {
                ref readonly var version = ref record[place];
                if (version.Mod < store.Compacted && !version.IsLive) continue;
                content = Chronicle.Mix(content ^ Crc32C.Of(record.Key) ^ (ulong)version.Mod << 32 ^ (ulong)version.Lease ^ Crc32C.Of(version.Value ?? []) ^ (ulong)version.Create << 16);
            }
        }

        foreach (var (id, grant) in store.Leases.Granted)
        {
            content = Chronicle.Mix(content ^ (ulong)id ^ (ulong)grant.Seconds << 48 ^ (ulong)grant.Renewals << 8);
            foreach (var record in store.Leases.KeysOf(id)) content = Chronicle.Mix(content ^ Crc32C.Of(record.Key));
        }

        var view = machine.Auth.View;
        content = Chronicle.Mix(content ^ view.Revision ^ (machine.Auth.IsOn ? 1UL << 63 : 0));
        foreach (var user in view.Users.Values) content = Chronicle.Mix(content ^ Crc32C.Of(Encoding.UTF8.GetBytes(user.Name + string.Concat(user.Roles))));
        foreach (var role in view.Roles.Values) content = Chronicle.Mix(content ^ Crc32C.Of(Encoding.UTF8.GetBytes(role.Name)) ^ (ulong)role.Grants.Length << 32);
        return content;
    }

    private void Gather()
    {
        changes.Clear();
        for (var place = changesFrom; place < inner.Store.Log.End; place++)
        {
            ref readonly var change = ref inner.Store.Log[place];
            ref readonly var version = ref change.Record[change.Record.PlaceOf(change.Mod, change.Sub)];
            if (mutation == ClusterMutation.KeyStaysOnOldLease) HangOnBefore(change);
            changes.Add(new KeyChange(change.Mod, change.Sub, Encoding.UTF8.GetString(change.Record.Key), version.Value, version.Lease));
        }

        changesFrom = -1;
    }

    /// <summary>For a planted bug: the key hangs on the lease that it had before, too.</summary>
    private void HangOnBefore(in Change change)
    {
        var place = change.Record.PlaceOf(change.Mod, change.Sub);
        if (place == 0 || !change.Record[place].IsLive || change.Record[place - 1] is not { IsLive: true, Lease: not 0 } before || before.Lease == change.Record[place].Lease) return;
        if (inner.Store.Leases.Contains(before.Lease)) inner.Store.Leases.Attach(before.Lease, change.Record);
    }

    private void Tell(in CommittedEntry entry, CommandReply? reply)
    {
        if (entry.Command.Length == 0) return;
        if (chronicle.CompactedMax < inner.Store.Compacted) chronicle.OnCompacted(inner.Store.Compacted);
        foreach (var id in leasesBefore)
            if (!inner.Store.Leases.Contains(id)) process.World.LeaseCheck.OnEnded(id, isExpiry: (CommandKind)entry.Command[0] == CommandKind.LeaseExpire);
        process.World.AuthCheck.OnApplied(entry.Command, reply);
    }

    /// <summary>A lease that ends takes exactly the keys with it that hung on it, and ends nothing else.</summary>
    private void JudgeLeaseEnds()
    {
        foreach (var id in leasesBefore)
        {
            if (inner.Store.Leases.Contains(id)) continue;
            var gone = changes.Where(change => change.Value is null).Select(change => change.Key).Order(StringComparer.Ordinal);
            var hung = chronicle.KeysOn(id);
            ClusterCheck.Require(gone.SequenceEqual(hung), $"lease {id} ended and took {string.Join(' ', gone)} with it; {string.Join(' ', hung)} hung on it");
        }
    }

    /// <summary>A snapshot in which a part is forgotten.</summary>
    private sealed class Without(SnapshotPart part, ISnapshotView view) : ISnapshotView
    {
        public bool WriteNext(IBufferWriter<byte> chunk)
        {
            var whole = new ArrayBufferWriter<byte>();
            var more = view.WriteNext(whole);
            var bytes = whole.WrittenSpan;
            chunk.Write(bytes.Length > 0 && bytes[0] == (byte)part ? bytes[..1] : bytes);
            return more;
        }

        public IReadOnlyList<FileHash> Files => view.Files;

        public FileStep WriteFile(IBufferWriter<byte> piece) => view.WriteFile(piece);

        public void OnFileSealed(FileHash file) => view.OnFileSealed(file);

        public void Dispose() => view.Dispose();
    }

    private sealed class Restore(ObservedKeyspace owner, ISnapshotBuilder builder) : ISnapshotBuilder
    {
        public IStateFileReading? FileReading => builder.FileReading;

        public bool IsWhole => builder.IsWhole;

        public void ReadNext(ReadOnlySpan<byte> chunk) => builder.ReadNext(chunk);

        public void TakeFile(object content) => builder.TakeFile(content);

        public void Complete()
        {
            builder.Complete();
            ClusterCheck.Require(owner.inner.Runs.All.Count == 0 || owner.process.Machine.Version >= owner.inner.RunsFrom, "a program was given a snapshot whose history lies in runs, which it does not know (S5)");
            owner.changesFrom = -1;
            if (owner.mutation == ClusterMutation.AttachmentsLostByRestore)
                foreach (var id in owner.inner.Store.Leases.Granted.Keys)
                    foreach (var record in owner.inner.Store.Leases.KeysOf(id)) owner.inner.Store.Leases.Detach(id, record);
            if (owner.process.GroupOf(ClusterWorld.Keyspace) is { Replica.Restoring.IsReady: true }) owner.process.World.Counts.SnapshotInstalls++;
            owner.process.World.KeyspaceChronicle.OnContent(owner.process.Node, owner.StateHash, ContentOf(owner.inner));
        }

        public void Dispose() => builder.Dispose();
    }
}
