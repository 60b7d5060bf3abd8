using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

/// <summary>
/// The same random requests to Debian's etcd and to us: every field of every response, every error code and every message must agree, and in the end
/// the whole history as a watch tells it. What is left out: ids of cluster and member, the term, remaining lease time, the order of a lease's keys and
/// of leases (etcd's comes from a hash table), and HashKV, whose hash covers etcd's own file format.
/// </summary>
public sealed class DifferentialTests
{
    private readonly Local local = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Etcd_and_we_answer_alike(ulong seed)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var dice = new SeededRandom(seed);
        var kv = new KV.KVClient(etcd.Calls);
        var lease = new Lease.LeaseClient(etcd.Calls);
        long compacted = 0;
        for (var step = 0; step < 1500; step++)
        {
            var revision = local.Machine.Store.Revision;
            switch (dice.Next(100))
            {
                case < 25:
                    await Same(RandomRequests.Put(dice), request => kv.PutAsync(request), request => local.Face.PutAsync(request));
                    break;
                case < 45:
                    await Same(RandomRequests.Range(dice, revision), request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
                    break;
                case < 55:
                    await Same(RandomRequests.Delete(dice), request => kv.DeleteRangeAsync(request), request => local.Face.DeleteRangeAsync(request));
                    break;
                case < 85:
                    await Same(RandomRequests.SafeTxn(dice, revision), request => kv.TxnAsync(request), request => local.Face.TxnAsync(request));
                    break;
                case < 88:
                    await Same(new CompactionRequest { Revision = revision - dice.Next(60) + 5, Physical = true }, request => kv.CompactAsync(request), request => local.Face.CompactAsync(request));
                    compacted = Math.Max(compacted, local.Machine.Store.Compacted);
                    break;
                case < 92:
                    var ttl = dice.Chance(0.1) ? 9_000_000_001 : 1000 + dice.Next(5);
                    await Same(new LeaseGrantRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds), TTL = ttl }, request => lease.LeaseGrantAsync(request), request => local.Face.LeaseGrantAsync(request));
                    break;
                case < 95:
                    await Same(new LeaseRevokeRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds) }, request => lease.LeaseRevokeAsync(request), request => local.Face.LeaseRevokeAsync(request));
                    break;
                case < 98:
                    await Same(new LeaseTimeToLiveRequest { ID = 1 + dice.Next(RandomRequests.LeaseIds), Keys = true }, request => lease.LeaseTimeToLiveAsync(request), request => local.Face.LeaseTimeToLiveAsync(request));
                    break;
                default:
                    await Same(new LeaseLeasesRequest(), request => lease.LeaseLeasesAsync(request), request => local.Face.LeaseLeasesAsync(request));
                    break;
            }
        }

        await SameHistory(etcd, compacted + 1);
    }

    /// <summary>etcd 3.4 forgets a deletion at exactly the compacted revision; we keep it. So the comparison begins one later.</summary>
    private async Task SameHistory(EtcdProcess etcd, long from)
    {
        var end = await local.Put("zzz", "the end");
        await new KV.KVClient(etcd.Calls).PutAsync(new PutRequest { Key = Local.B("zzz"), Value = Local.B("the end") });
        var request = new WatchCreateRequest { Key = ByteString.CopyFrom(0), RangeEnd = ByteString.CopyFrom(0), StartRevision = from, PrevKv = true };
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(request);

        using var call = new Watch.WatchClient(etcd.Calls).Watch();
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = request });
        List<Event> theirs = [];
        while (theirs.Count == 0 || theirs[^1].Kv.ModRevision < end)
        {
            Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None), "etcd ended the watch");
            theirs.AddRange(call.ResponseStream.Current.Events);
        }

        Assert.Equal(theirs.Select(change => change.ToString()), sink.Events(0).Select(change => change.ToString()));
    }

    private static async Task Same<TRequest, TResponse>(TRequest request, Func<TRequest, AsyncUnaryCall<TResponse>> etcd, Func<TRequest, ValueTask<TResponse>> us)
        where TRequest : IMessage
        where TResponse : class, IMessage
    {
        var (theirs, theirError) = await Theirs(request, etcd);
        var (ours, ourError) = await Ours(request, us);
        Assert.True(theirError == ourError, $"{typeof(TRequest).Name} {request}\netcd: {theirError} {theirs}\n  we: {ourError} {ours}");
        if (ours is null) return;
        Normalize(theirs!);
        Normalize(ours);
        Assert.True(theirs!.Equals(ours), $"{typeof(TRequest).Name} {request}\netcd: {theirs}\n  we: {ours}");
    }

    private static async Task<(TResponse? Response, string? Error)> Theirs<TRequest, TResponse>(TRequest request, Func<TRequest, AsyncUnaryCall<TResponse>> etcd)
        where TResponse : class
    {
        try
        {
            return (await etcd(request), null);
        }
        catch (RpcException failure)
        {
            return (null, $"{(int)failure.StatusCode} {failure.Status.Detail}");
        }
    }

    private static async Task<(TResponse? Response, string? Error)> Ours<TRequest, TResponse>(TRequest request, Func<TRequest, ValueTask<TResponse>> us)
        where TResponse : class
    {
        try
        {
            return (await us(request), null);
        }
        catch (EtcdException failure)
        {
            return (null, $"{(int)failure.Error.Code} {failure.Error.Message}");
        }
    }

    private static void Normalize(IMessage response)
    {
        var header = response switch
        {
            RangeResponse range => range.Header,
            PutResponse put => put.Header,
            DeleteRangeResponse delete => delete.Header,
            TxnResponse txn => txn.Header,
            CompactionResponse compaction => compaction.Header,
            LeaseGrantResponse grant => grant.Header,
            LeaseRevokeResponse revoke => revoke.Header,
            LeaseTimeToLiveResponse timeToLive => timeToLive.Header,
            LeaseLeasesResponse leases => leases.Header,
            _ => throw new InvalidOperationException("a response without a rule"),
        };
        (header.ClusterId, header.MemberId, header.RaftTerm) = (0, 0, 0);
        if (response is LeaseTimeToLiveResponse left)
        {
            if (left.TTL > 0) left.TTL = 1;
            Sort(left.Keys, key => key.ToBase64());
        }

        if (response is LeaseLeasesResponse all) Sort(all.Leases, one => one.ID.ToString());
    }

    private static void Sort<T>(Google.Protobuf.Collections.RepeatedField<T> list, Func<T, string> by)
    {
        var sorted = list.OrderBy(by, StringComparer.Ordinal).ToArray();
        list.Clear();
        list.AddRange(sorted);
    }
}
