using System.Globalization;
using System.Text;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints.Locks;

/// <summary>
/// A line of contenders under one name, as etcd's clients keep it, so that both may stand in the same line: each contender is a key <c>name/lease</c>
/// that hangs on the contender's lease, and the one with the smallest create revision is first. That revision is the fencing token: whoever comes first
/// later has a larger one, whatever happens to leases, leaders and nodes in between.
/// </summary>
internal sealed class Contest(ICoordination coordination, ByteString name, long lease)
{
    /// <summary>What a lease is granted when the contender brought none (etcd's session).</summary>
    private const long OwnLeaseSeconds = 60;

    private static readonly Mark LostWhileWaiting = new("endpoints: a contender's key went while it waited in line");

    /// <summary>All contenders' keys begin so.</summary>
    public ByteString Prefix { get; } = ByteString.CopyFrom([.. name.Span, (byte)'/']);

    /// <summary>This contender's key.</summary>
    public ByteString Key { get; } = ByteString.CopyFrom([.. name.Span, (byte)'/', .. Encoding.ASCII.GetBytes(lease.ToString("x", CultureInfo.InvariantCulture))]);

    /// <summary>The contender's lease.</summary>
    public long Lease => lease;

    /// <summary>The key's create revision, once entered: the fencing token.</summary>
    public long Fence { get; private set; }

    /// <summary>The lease that a contender stands in line with: its own, renewed; or a new one of a minute.</summary>
    public static async ValueTask<long> LeaseOfAsync(ICoordination coordination, long wanted, CancellationToken cancel)
    {
        if (wanted == 0) return (await coordination.LeaseGrantAsync(new LeaseGrantRequest { TTL = OwnLeaseSeconds }, cancel).ConfigureAwait(false)).ID;
        await coordination.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = wanted }, cancel).ConfigureAwait(false);
        return wanted;
    }

    /// <summary>Takes a place in the line, or finds the one that this lease has already. Returns the entry as it stands, and what answers to it.</summary>
    public async ValueTask<(KeyValue Entry, KeyValue? First, ResponseHeader Header)> EnterAsync(ByteString value, CancellationToken cancel)
    {
        var mine = new RequestOp { RequestRange = new RangeRequest { Key = Key } };
        var first = new RequestOp { RequestRange = FirstOf(Prefix) };
        var response = await coordination.TxnAsync(new TxnRequest
        {
            Compare = { new Compare { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = Key, CreateRevision = 0 } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Key, Value = value, Lease = lease } }, first },
            Failure = { mine, first },
        }, cancel).ConfigureAwait(false);
        var entry = response.Succeeded
            ? new KeyValue { Key = Key, Value = value, CreateRevision = response.Header.Revision, ModRevision = response.Header.Revision, Version = 1, Lease = lease }
            : response.Responses[0].ResponseRange.Kvs[0];
        Fence = entry.CreateRevision;
        var kvs = response.Responses[1].ResponseRange.Kvs;
        return (entry, kvs.Count == 0 ? null : kvs[0], response.Header);
    }

    /// <summary>
    /// Waits until nobody stands before this contender; returns what the store said then. Only the nearest one before it is watched, so a line of n wakes one
    /// at a time. The contender's own key is looked at with it and watched too: when its lease ends, the wait ends with an error, never with a lock that
    /// nobody holds.
    /// </summary>
    public async ValueTask<ResponseHeader> WaitAsync(CancellationToken cancel)
    {
        var look = new TxnRequest
        {
            Success = { new RequestOp { RequestRange = new RangeRequest { Key = Key } }, new RequestOp { RequestRange = NearestBefore() } },
        };
        while (true)
        {
            var seen = await coordination.TxnAsync(look, cancel).ConfigureAwait(false);
            var mine = seen.Responses[0].ResponseRange.Kvs;
            var isThere = mine.Count > 0 && mine[0].CreateRevision == Fence;
            if (!isThere && coordination is not CoordinationFace { Bug: PlantedKeyspaceBug.LockGrantedWithoutLease }) throw Lost();
            var nearest = seen.Responses[1].ResponseRange.Kvs;
            if (nearest.Count == 0) return seen.Header;
            await UntilDeletedAsync(nearest[0].Key, seen.Header.Revision + 1, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Leaves the line. Also when the client is gone: nobody else would take its entry away before its lease ends.</summary>
    public async ValueTask LeaveAsync()
    {
        try
        {
            await coordination.TxnAsync(new TxnRequest
            {
                Compare = { new Compare { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = Key, CreateRevision = Fence } },
                Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Key } } },
            }, CancellationToken.None).ConfigureAwait(false);
        }
        catch (EtcdException)
        {
            // No quorum just now: the lease takes the entry away.
        }
    }

    /// <summary>Asks for the first in line.</summary>
    public static RangeRequest FirstOf(ByteString prefix) => new()
    {
        Key = prefix,
        RangeEnd = EndOf(prefix),
        SortOrder = RangeRequest.Types.SortOrder.Ascend,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        Limit = 1,
    };

    /// <summary>The end of the range of keys with this prefix, which ends with a slash.</summary>
    public static ByteString EndOf(ByteString prefix) => ByteString.CopyFrom([.. prefix.Span[..^1], (byte)('/' + 1)]);

    private static EtcdException Lost()
    {
        LostWhileWaiting.Hit();
        return new EtcdException(EtcdErrors.SessionExpired);
    }

    private RangeRequest NearestBefore() => new()
    {
        Key = Prefix,
        RangeEnd = EndOf(Prefix),
        MaxCreateRevision = Fence - 1,
        SortOrder = RangeRequest.Types.SortOrder.Descend,
        SortTarget = RangeRequest.Types.SortTarget.Create,
        Limit = 1,
    };

    private async ValueTask UntilDeletedAsync(ByteString key, long revision, CancellationToken cancel)
    {
        using var watch = new WatchReader(
            coordination, new WatchCreateRequest { Key = key, StartRevision = revision }, new WatchCreateRequest { Key = Key, StartRevision = revision });
        while (true)
        {
            var response = await watch.NextAsync(cancel).ConfigureAwait(false);
            foreach (var change in response.Events)
            {
                if (change.Type != Event.Types.EventType.Delete) continue;
                if (change.Kv.Key == key) return;
                throw Lost();
            }
        }
    }
}
