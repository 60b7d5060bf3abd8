using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Kv;
using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Mvcc;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination;

/// <summary>How much one slice of a read looks at: some hundred microseconds.</summary>
internal static class SliceSize
{
    /// <summary>Keys.</summary>
    public const int Keys = 2048;
}

/// <summary>A read that answers as a command does, and may be refused.</summary>
internal abstract class ReplyRead : KeyspaceRead<CommandReply>
{
    /// <summary>Answers with an error, and is done.</summary>
    protected bool Refuse(CoordinationStateMachine machine, EtcdError error)
    {
        Result = new CommandReply(null, error, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>A Range.</summary>
internal sealed class RangeRead(RangeRequest request) : ReplyRead
{
    private RangeScan? scan;

    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (scan is null && machine.Guard.IsOn && (machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.RefusalOf(who, request)) is { } refused)
            return Refuse(machine, refused);

        if (machine.Store.Alarms.IsCorrupt)
        {
            scan?.Dispose();
            Result = new CommandReply(null, EtcdErrors.Corrupt, machine.Store.Revision, machine.Role.Term);
            return true;
        }

        scan ??= new RangeScan(machine.Store, request);
        if (!scan.Step(SliceSize.Keys)) return false;
        Result = new CommandReply(scan.Error is null ? scan.Response() : null, scan.Error, scan.HeaderRevision, machine.Role.Term);
        return true;
    }

    public override void Abandon() => scan?.Dispose();
}

/// <summary>A transaction without writes. It runs in one piece: what it reads is one moment.</summary>
internal sealed class TxnRead(TxnRequest request) : ReplyRead
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        TxnResponse? response = null;
        var error = machine.Guard.IsOn ? machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.RefusalOf(who, request) : null;
        error ??= AlarmExecution.Refusal(machine.Store.Alarms, request) ?? new TxnExecution(machine.Store, new KvExecutor(machine.Store)).Run(request, out response);
        Result = new CommandReply(response, error, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>Renews a lease on the leader; no result when this member does not lead.</summary>
internal sealed class RenewRead(long id) : ReplyRead
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (!machine.Clock.IsRunning) return true;
        if (machine.Guard.IsOn && (machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.LeaseRefusal(who, id)) is { } refused)
            return Refuse(machine, refused);

        var seconds = machine.Clock.Renew(id, now, machine.Store.Leases);
        var response = new LeaseKeepAliveResponse { Header = new ResponseHeader { Revision = machine.Store.Revision }, ID = id, TTL = seconds };
        Result = new CommandReply(response, null, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>A lease's time and keys.</summary>
internal sealed class TimeToLiveRead(LeaseTimeToLiveRequest request) : ReplyRead
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (machine.Guard.IsOn && (machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.RefusalOf(who, request)) is { } refused)
            return Refuse(machine, refused);

        var leases = machine.Store.Leases;
        var response = new LeaseTimeToLiveResponse { Header = new ResponseHeader { Revision = machine.Store.Revision }, ID = request.ID, TTL = -1 };
        if (leases.Granted.TryGetValue(request.ID, out var grant))
        {
            response.TTL = machine.Clock.RemainingSeconds(request.ID, now, grant);
            response.GrantedTTL = grant.Seconds;
            if (request.Keys)
                foreach (var record in leases.KeysOf(request.ID)) response.Keys.Add(Bytes.Wrap(record.Key));
        }

        Result = new CommandReply(response, null, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>All leases, by id.</summary>
internal sealed class LeasesRead : ReplyRead
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (machine.Guard.IsOn && (machine.Guard.Resolve(Caller, out var who) ?? machine.Guard.RefusalOfLeases(who)) is { } refused)
            return Refuse(machine, refused);

        var response = new LeaseLeasesResponse { Header = new ResponseHeader { Revision = machine.Store.Revision } };
        foreach (var id in machine.Store.Leases.Granted.Keys) response.Leases.Add(new LeaseStatus { ID = id });
        Result = new CommandReply(response, null, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>What a member's status tells of its store.</summary>
internal readonly record struct StoreFacts(long Revision, long SizeBytes, ImmutableSortedSet<Alarm> Alarms, ulong Hash);

/// <summary>The store's numbers, for Status and for headers.</summary>
internal sealed class FactsRead : KeyspaceRead<StoreFacts>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        Result = new StoreFacts(machine.Store.Revision, machine.Store.SizeBytes, machine.Store.Alarms.All, machine.Store.Hash);
        return true;
    }
}

/// <summary>A lease's remaining seconds on the leader; null elsewhere, -1 for an unknown one.</summary>
internal sealed class RemainingRead(long id) : KeyspaceRead<long?>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (!machine.Clock.IsRunning) return true;
        Result = machine.Store.Leases.Granted.TryGetValue(id, out var grant) ? machine.Clock.RemainingSeconds(id, now, grant) : -1;
        return true;
    }
}

/// <summary>What time brings: leases that start or end, notices, and slices of housekeeping. Runs often, on every member.</summary>
internal sealed class TickRead(bool isConfirmed, int expiredMax, KeyspaceMeters meters) : KeyspaceRead<TickFindings>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        List<ExpiredLease> expired = [];
        machine.Tick(now, isConfirmed, expiredMax, expired);
        machine.RunSlice();
        meters.Note(machine);
        var store = machine.Store;
        Result = new TickFindings(machine.Role.Term, machine.Clock.IsDue(now), expired)
        {
            Now = now,
            Revision = store.Revision,
            Compacted = store.Compacted,
            SizeBytes = store.SizeBytes,
            Alarms = store.Alarms.All,
        };
        return true;
    }
}

/// <summary>What a tick found: the term that this member leads, whether leases seem due, and those that are.</summary>
internal readonly record struct TickFindings(Term Term, bool IsDue, List<ExpiredLease> Expired)
{
    /// <summary>When it looked.</summary>
    public Instant Now { get; init; }

    /// <summary>The store's revision.</summary>
    public long Revision { get; init; }

    /// <summary>The store's compacted revision.</summary>
    public long Compacted { get; init; }

    /// <summary>What the store takes.</summary>
    public long SizeBytes { get; init; }

    /// <summary>The alarms that are on.</summary>
    public required ImmutableSortedSet<Alarm> Alarms { get; init; }
}

/// <summary>The identities after a barrier, and the revision for a header.</summary>
internal sealed class IdentityRead : KeyspaceRead<(IdentityView View, long Revision, Term Term)>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        Result = (machine.Auth.View, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}
