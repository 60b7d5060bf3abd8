using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;

namespace Holdfast.Coordination.Endpoints.Locks;

/// <summary>The election service: a <see cref="Contest"/> whose first leads, and whose entries carry what each proclaims.</summary>
internal static class ElectionCalls
{
    /// <summary>How a request to observe is read.</summary>
    private static readonly MessageShape<LeaderRequest> ObserveShape = Shapes.Of(LeaderRequest.Parser, LeaderRequest.Descriptor);

    /// <summary>Waits to lead. A second campaign of the same lease changes what it proclaims.</summary>
    public static ValueTask<CampaignResponse> CampaignAsync(ICoordination coordination, CampaignRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () =>
        {
            var contest = new Contest(coordination, request.Name, await Contest.LeaseOfAsync(coordination, request.Lease, cancel).ConfigureAwait(false));
            var (entry, first, header) = await contest.EnterAsync(request.Value, cancel).ConfigureAwait(false);
            var leader = new LeaderKey { Name = request.Name, Key = contest.Key, Rev = contest.Fence, Lease = contest.Lease };
            try
            {
                if (entry.Value != request.Value) await ProclaimAsync(coordination, leader, request.Value, cancel).ConfigureAwait(false);
                if (first is not null && first.CreateRevision != contest.Fence) await contest.WaitAsync(cancel).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is OperationCanceledException or EtcdException)
            {
                await contest.LeaveAsync().ConfigureAwait(false);
                throw;
            }

            return new CampaignResponse { Header = header, Leader = leader };
        });

    /// <summary>Changes what the leader proclaims, if it still leads.</summary>
    public static ValueTask<ProclaimResponse> ProclaimAsync(ICoordination coordination, ProclaimRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () => new ProclaimResponse { Header = await ProclaimAsync(coordination, Named(request.Leader), request.Value, cancel).ConfigureAwait(false) });

    /// <summary>Gives leadership up. One who does not lead has nothing to give up, which is no error.</summary>
    public static ValueTask<ResignResponse> ResignAsync(ICoordination coordination, ResignRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () =>
        {
            var leader = Named(request.Leader);
            var response = await coordination.TxnAsync(new TxnRequest
            {
                Compare = { StillHolds(leader) },
                Success = { new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = leader.Key } } },
            }, cancel).ConfigureAwait(false);
            return new ResignResponse { Header = response.Header };
        });

    /// <summary>Who leads, and what it proclaims.</summary>
    public static ValueTask<LeaderResponse> LeaderAsync(ICoordination coordination, LeaderRequest request, CancellationToken cancel) =>
        ServiceFailure.RetoldAsync(async () =>
        {
            var seen = await coordination.RangeAsync(Contest.FirstOf(PrefixOf(request)), cancel).ConfigureAwait(false);
            if (seen.Kvs.Count == 0) throw new EtcdException(EtcdErrors.ElectionNoLeader);
            return new LeaderResponse { Header = seen.Header, Kv = seen.Kvs[0] };
        });

    /// <summary>Tells every proclamation of whoever leads, from the present one on, until the client goes.</summary>
    public static async Task ObserveAsync(CallScope scope, IMessageStream stream, CancellationToken cancel)
    {
        if (await stream.ReadAsync(ObserveShape, cancel).ConfigureAwait(false) is not { } request) return;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel, scope.Stopping);
        try
        {
            while (true) await ObserveOneAsync(scope.Coordination, PrefixOf(request), stream, ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (scope.Stopping.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            throw new EtcdException(EtcdErrors.Stopped);
        }
        catch (EtcdException failure)
        {
            throw ServiceFailure.Retold(failure);
        }
    }

    /// <summary>One leader from its first proclamation that we see to its end.</summary>
    private static async Task ObserveOneAsync(ICoordination coordination, ByteString prefix, IMessageStream stream, CancellationToken cancel)
    {
        var seen = await coordination.RangeAsync(Contest.FirstOf(prefix), cancel).ConfigureAwait(false);
        var leader = seen.Kvs.Count > 0 ? new LeaderResponse { Header = seen.Header, Kv = seen.Kvs[0] } : await FirstPutAsync(coordination, prefix, seen.Header.Revision, cancel).ConfigureAwait(false);
        stream.Write(leader);
        await stream.FlushAsync(cancel).ConfigureAwait(false);
        using var watch = new WatchReader(coordination, new WatchCreateRequest { Key = leader.Kv.Key, StartRevision = leader.Header.Revision + 1 });
        while (true)
        {
            var response = await watch.NextAsync(cancel).ConfigureAwait(false);
            foreach (var change in response.Events)
            {
                if (change.Type == Event.Types.EventType.Delete) return;
                stream.Write(new LeaderResponse { Header = response.Header, Kv = change.Kv });
            }

            await stream.FlushAsync(cancel).ConfigureAwait(false);
        }
    }

    private static async ValueTask<LeaderResponse> FirstPutAsync(ICoordination coordination, ByteString prefix, long revision, CancellationToken cancel)
    {
        using var watch = new WatchReader(coordination, new WatchCreateRequest
        {
            Key = prefix,
            RangeEnd = Contest.EndOf(prefix),
            StartRevision = revision,
            Filters = { WatchCreateRequest.Types.FilterType.Nodelete },
        });
        var response = await watch.NextAsync(cancel).ConfigureAwait(false);
        var header = response.Header.Clone();
        header.Revision = response.Events[0].Kv.ModRevision; // Several revisions may have come together; what follows is watched from this one on.
        return new LeaderResponse { Header = header, Kv = response.Events[0].Kv };
    }

    private static async ValueTask<ResponseHeader> ProclaimAsync(ICoordination coordination, LeaderKey leader, ByteString value, CancellationToken cancel)
    {
        var response = await coordination.TxnAsync(new TxnRequest
        {
            Compare = { StillHolds(leader) },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = leader.Key, Value = value, Lease = leader.Lease } } },
        }, cancel).ConfigureAwait(false);
        return response.Succeeded ? response.Header : throw new EtcdException(EtcdErrors.ElectionNotLeader);
    }

    private static Compare StillHolds(LeaderKey leader) =>
        new() { Target = Compare.Types.CompareTarget.Create, Result = Compare.Types.CompareResult.Equal, Key = leader.Key, CreateRevision = leader.Rev };

    private static LeaderKey Named(LeaderKey? leader) => leader ?? throw new EtcdException(EtcdErrors.LeaderKeyMissing);

    private static ByteString PrefixOf(LeaderRequest request) => ByteString.CopyFrom([.. request.Name.Span, (byte)'/']);
}
