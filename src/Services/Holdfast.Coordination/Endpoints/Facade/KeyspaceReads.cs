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

/// <summary>A Range.</summary>
internal sealed class RangeRead(RangeRequest request) : KeyspaceRead<CommandReply>
{
    private RangeScan? scan;

    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        scan ??= new RangeScan(machine.Store, request);
        if (!scan.Step(SliceSize.Keys)) return false;
        Result = new CommandReply(scan.Error is null ? scan.Response() : null, scan.Error, scan.HeaderRevision, machine.Role.Term);
        return true;
    }

    public override void Abandon() => scan?.Dispose();
}

/// <summary>A transaction without writes. It runs in one piece: what it reads is one moment.</summary>
internal sealed class TxnRead(TxnRequest request) : KeyspaceRead<CommandReply>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        var error = new TxnExecution(machine.Store, new KvExecutor(machine.Store)).Run(request, out var response);
        Result = new CommandReply(response, error, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>Renews a lease on the leader; no result when this member does not lead.</summary>
internal sealed class RenewRead(long id) : KeyspaceRead<CommandReply?>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (!machine.Clock.IsRunning) return true;
        var seconds = machine.Clock.Renew(id, now, machine.Store.Leases);
        var response = new LeaseKeepAliveResponse { Header = new ResponseHeader { Revision = machine.Store.Revision }, ID = id, TTL = seconds };
        Result = new CommandReply(response, null, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>A lease's time and keys.</summary>
internal sealed class TimeToLiveRead(LeaseTimeToLiveRequest request) : KeyspaceRead<CommandReply>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
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
internal sealed class LeasesRead : KeyspaceRead<CommandReply>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        var response = new LeaseLeasesResponse { Header = new ResponseHeader { Revision = machine.Store.Revision } };
        foreach (var id in machine.Store.Leases.Granted.Keys) response.Leases.Add(new LeaseStatus { ID = id });
        Result = new CommandReply(response, null, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>Size and revision, for Status.</summary>
internal sealed class SizeRead : KeyspaceRead<(long Revision, long Bytes)>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        Result = (machine.Store.Revision, machine.Store.Bytes);
        return true;
    }
}

/// <summary>
/// A hash over what is visible from the compacted revision up to another one, in key order. It passes over what a sweep may or may not have
/// forgotten already, so that all members agree.
/// </summary>
internal sealed class HashRead(HashKVRequest request) : KeyspaceRead<CommandReply>
{
    private RollingHash hash;
    private byte[] after = [];
    private long revision, compacted;
    private MvccStore? store;

    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        if (store is null)
        {
            store = machine.Store;
            (revision, compacted) = (request.Revision <= 0 ? store.Revision : request.Revision, store.Compacted);
            if (revision > store.Revision) return Finish(machine, EtcdErrors.FutureRevision);
            if (revision < compacted) return Finish(machine, EtcdErrors.Compacted);
            store.Pin(compacted);
        }

        var cursor = store.Keys.SeekAfter(after);
        for (var count = 0; count < SliceSize.Keys; count++)
        {
            if (cursor.Next() is not { } record)
            {
                store.Unpin(compacted);
                return Finish(machine, null);
            }

            after = record.Key;
            Add(record);
        }

        return false;
    }

    public override void Abandon() => store?.Unpin(compacted);

    private void Add(KeyRecord record)
    {
        var last = record.PlaceAt(revision);
        var first = Math.Max(0, record.PlaceAt(compacted));
        for (var place = first; place <= last; place++)
            if (record[place].Mod >= compacted || record[place].IsLive) hash.Add(record.Key, record[place]);
    }

    private bool Finish(CoordinationStateMachine machine, EtcdError? error)
    {
        var response = new HashKVResponse
        {
            Header = new ResponseHeader { Revision = machine.Store.Revision },
            Hash = (uint)(hash.Value ^ (hash.Value >> 32)),
            CompactRevision = compacted,
            HashRevision = revision,
        };
        Result = new CommandReply(error is null ? response : null, error, machine.Store.Revision, machine.Role.Term);
        return true;
    }
}

/// <summary>What time brings: leases that start or end, notices, and slices of housekeeping. Runs often, on every member.</summary>
internal sealed class TickRead(bool isConfirmed, int expiredMax) : KeyspaceRead<TickFindings>
{
    public override bool Run(CoordinationStateMachine machine, Instant now)
    {
        List<ExpiredLease> expired = [];
        machine.Tick(now, isConfirmed, expiredMax, expired);
        machine.RunSlice();
        Result = new TickFindings(machine.Role.Term, machine.Clock.IsDue(now), expired);
        return true;
    }
}

/// <summary>What a tick found: the term that this member leads, whether leases seem due, and those that are.</summary>
internal readonly record struct TickFindings(Term Term, bool IsDue, List<ExpiredLease> Expired);
