using System.Text;
using Holdfast.Coordination;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Simulation.Cluster;

/// <summary>The production keyspace with somebody looking on: what each entry changed goes into the <see cref="Chronicle"/>.</summary>
internal class ObservedKeyspace(ClusterProcess process, CoordinationStateMachine inner, Chronicle chronicle) : IStateMachine
{
    private readonly List<KeyChange> changes = [];
    private readonly HashSet<long> leasesBefore = [];
    private long changesFrom = -1;

    public ulong StateHash => inner.StateHash;

    protected CoordinationStateMachine Inner => inner;

    protected ClusterProcess Process => process;

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
        if (chronicle.OnApplied(process.Node, entry.Position, entry.Command, inner.StateHash, changes)) Tell(entry);
        return result;
    }

    public virtual ISnapshotView CaptureSnapshot()
    {
        chronicle.OnContent(process.Node, inner.StateHash, ContentOf(inner.Store));
        return inner.CaptureSnapshot();
    }

    public ISnapshotBuilder BeginRestore() => new Restore(this, inner.BeginRestore());

    public virtual void OnRole(in GroupRole role) => inner.OnRole(role);

    protected virtual ApplyResult Execute(in CommittedEntry entry) => inner.Apply(entry);

    /// <summary>Everything that a client could find out: versions from the compacted revision on, and leases.</summary>
    public static ulong ContentOf(MvccStore store)
    {
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

        foreach (var (id, grant) in store.Leases.Granted) content = Chronicle.Mix(content ^ (ulong)id ^ (ulong)grant.Seconds << 48 ^ (ulong)grant.Renewals << 8);
        return content;
    }

    private void Gather()
    {
        changes.Clear();
        for (var place = changesFrom; place < inner.Store.Log.End; place++)
        {
            ref readonly var change = ref inner.Store.Log[place];
            ref readonly var version = ref change.Record[change.Record.PlaceOf(change.Mod, change.Sub)];
            changes.Add(new KeyChange(change.Mod, change.Sub, Encoding.UTF8.GetString(change.Record.Key), version.Value, version.Lease));
        }

        changesFrom = -1;
    }

    private void Tell(in CommittedEntry entry)
    {
        if (entry.Command.Length > 0 && (CommandKind)entry.Command[0] == CommandKind.Compact) chronicle.OnCompacted(inner.Store.Compacted);
        foreach (var id in leasesBefore)
            if (!inner.Store.Leases.Contains(id)) process.World.LeaseCheck.OnEnded(id, isExpiry: (CommandKind)entry.Command[0] == CommandKind.LeaseExpire);
    }

    private sealed class Restore(ObservedKeyspace owner, ISnapshotBuilder builder) : ISnapshotBuilder
    {
        public void ReadNext(ReadOnlySpan<byte> chunk) => builder.ReadNext(chunk);

        public void Complete()
        {
            builder.Complete();
            owner.changesFrom = -1;
            owner.Process.World.Counts.SnapshotInstalls++;
            owner.Process.World.KeyspaceChronicle.OnContent(owner.Process.Node, owner.StateHash, ContentOf(owner.Inner.Store));
        }

        public void Dispose() => builder.Dispose();
    }
}
