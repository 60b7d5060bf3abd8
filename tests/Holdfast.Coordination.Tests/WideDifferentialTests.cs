using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using static Holdfast.Coordination.Tests.DifferentialTests;

namespace Holdfast.Coordination.Tests;

/// <summary>
/// As <see cref="DifferentialTests"/>, over a hundred keys, with watches that come and go meanwhile: ranges in every order, filter and limit at every revision that is kept. etcd's sort is
/// unstable above twelve keys, so where several findings are equal in what is sorted by, their order among each other is left out.
/// </summary>
public sealed class WideDifferentialTests
{
    private const int KeyCount = 100;
    private readonly Local local = new();
    private readonly Sink sink = new(1_000_000);
    private readonly List<WatchResponse> theirs = [];
    private readonly HashSet<long> watches = [];

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Many_keys_answer_alike_in_every_order_at_every_revision_and_to_every_watch(ulong seed)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var dice = new SeededRandom(seed);
        var (kv, lease) = (new KV.KVClient(etcd.Calls), new Lease.LeaseClient(etcd.Calls));
        using var renewing = lease.LeaseKeepAlive();
        using var watching = new Watch.WatchClient(etcd.Calls).Watch();
        using var session = local.Face.OpenWatch(sink);
        for (var step = 0; step < 1200; step++)
        {
            var revision = local.Machine.Store.Revision;
            switch (dice.Next(100))
            {
                case < 18: await Same(Put(dice), request => kv.PutAsync(request), request => local.Face.PutAsync(request)); break;
                case < 22: await Same(Delete(dice), request => kv.DeleteRangeAsync(request), request => local.Face.DeleteRangeAsync(request)); break;
                case < 34: await Same(Txn(dice, revision, 0), request => kv.TxnAsync(request), request => local.Face.TxnAsync(request)); break;
                case < 38: await ChangeLeaseAsync(dice, lease); break;
                case < 41: await RenewAsync(renewing, 1 + dice.Next(RandomRequests.LeaseIds + 1)); break;
                case < 42:
                    await SettleAsync(kv, watching, session);
                    await Same(new CompactionRequest { Revision = revision - dice.Next(120), Physical = true }, request => kv.CompactAsync(request), request => local.Face.CompactAsync(request));
                    break;
                case < 46: await WatchAsync(dice, watching, session, revision); break;
                default: await SameRangeAsync(Range(dice, revision), kv); break;
            }
        }

        await SameWatchesAsync(watching);
    }

    private static ByteString Key(SeededRandom dice) => Local.B($"k{dice.Next(KeyCount):D2}");

    private static ByteString End(SeededRandom dice) => dice.Next(8) switch
    {
        < 2 => ByteString.Empty,
        2 => ByteString.CopyFrom(0),
        3 => Local.B("l"),
        _ => Key(dice),
    };

    private static PutRequest Put(SeededRandom dice) => new()
    {
        Key = Key(dice),
        Value = Local.B($"{dice.Next(40)}"),
        PrevKv = dice.Chance(0.3),
        Lease = dice.Chance(0.3) ? 1 + dice.Next(RandomRequests.LeaseIds) : 0,
    };

    private static DeleteRangeRequest Delete(SeededRandom dice)
    {
        var first = dice.Next(KeyCount);
        return new DeleteRangeRequest { Key = Local.B($"k{first:D2}"), RangeEnd = dice.Chance(0.5) ? ByteString.Empty : Local.B($"k{Math.Min(KeyCount - 1, first + dice.Next(9)):D2}"), PrevKv = dice.Chance(0.5) };
    }

    private static TxnRequest Txn(SeededRandom dice, long revision, int depth)
    {
        var request = new TxnRequest();
        for (var count = dice.Next(3); count > 0; count--)
            request.Compare.Add(new Compare { Key = Key(dice), RangeEnd = dice.Chance(0.3) ? End(dice) : ByteString.Empty, Target = Compare.Types.CompareTarget.Mod, Result = (Compare.Types.CompareResult)dice.Next(4), ModRevision = dice.Next((int)revision + 2) });
        foreach (var branch in new[] { request.Success, request.Failure })
            for (var count = dice.Next(5); count > 0; count--)
                branch.Add(dice.Next(8) switch
                {
                    < 4 => new RequestOp { RequestPut = Put(dice) },
                    4 => new RequestOp { RequestDeleteRange = Delete(dice) },
                    5 when depth < 3 => new RequestOp { RequestTxn = Txn(dice, revision, depth + 1) },
                    _ => new RequestOp { RequestRange = new RangeRequest { Key = Key(dice), RangeEnd = End(dice), Limit = dice.Next(5), Revision = dice.Chance(0.3) ? revision - dice.Next(80) : 0, CountOnly = dice.Chance(0.1), KeysOnly = dice.Chance(0.1) } },
                });
        return request;
    }

    /// <summary>A limit only where ties cannot decide what is within it.</summary>
    private static RangeRequest Range(SeededRandom dice, long revision)
    {
        var request = new RangeRequest { Key = Key(dice), RangeEnd = End(dice), KeysOnly = dice.Chance(0.1), CountOnly = dice.Chance(0.05), Serializable = dice.Chance(0.3) };
        if (dice.Chance(0.6)) request.SortTarget = (RangeRequest.Types.SortTarget)dice.Next(5);
        if (dice.Chance(0.6)) request.SortOrder = (RangeRequest.Types.SortOrder)dice.Next(3);
        if (request.SortTarget == RangeRequest.Types.SortTarget.Key && dice.Chance(0.5)) request.Limit = dice.Next(-1, 30);
        if (dice.Chance(0.5)) request.Revision = Math.Max(-2, revision - dice.Next(150) + 3);
        foreach (var filter in (Action<long>[])[bound => request.MinModRevision = bound, bound => request.MaxModRevision = bound, bound => request.MinCreateRevision = bound, bound => request.MaxCreateRevision = bound])
            if (dice.Chance(0.15)) filter(revision - dice.Next(200));
        return request;
    }

    private async Task SameRangeAsync(RangeRequest request, KV.KVClient kv)
    {
        if (request.SortTarget == RangeRequest.Types.SortTarget.Key)
        {
            await Same(request, asked => kv.RangeAsync(asked), asked => local.Face.RangeAsync(asked));
            return;
        }

        await Same(request, asked => Ordered(kv.RangeAsync(asked), request), async asked => Ordered(await local.Face.RangeAsync(asked), request));
    }

    private static AsyncUnaryCall<RangeResponse> Ordered(AsyncUnaryCall<RangeResponse> call, RangeRequest request) =>
        new(ThenAsync(call, request), call.ResponseHeadersAsync, call.GetStatus, call.GetTrailers, call.Dispose);

    private static async Task<RangeResponse> ThenAsync(AsyncUnaryCall<RangeResponse> call, RangeRequest request) => Ordered(await call, request);

    /// <summary>Puts equal neighbours in the order of their keys; whoever sorted wrongly is still seen.</summary>
    private static RangeResponse Ordered(RangeResponse response, RangeRequest request)
    {
        var groups = new List<List<KeyValue>>();
        foreach (var found in response.Kvs)
        {
            if (groups.Count == 0 || SortedBy(groups[^1][0], request.SortTarget) != SortedBy(found, request.SortTarget)) groups.Add([]);
            groups[^1].Add(found);
        }

        // With keys only, the values that were sorted by are not there to tell ties from others.
        if (request is { KeysOnly: true, SortTarget: RangeRequest.Types.SortTarget.Value }) groups = [[.. response.Kvs]];
        response.Kvs.Clear();
        foreach (var group in groups) response.Kvs.AddRange(group.OrderBy(found => found.Key.ToStringUtf8(), StringComparer.Ordinal));
        return response;
    }

    private static string SortedBy(KeyValue found, RangeRequest.Types.SortTarget target) => target switch
    {
        RangeRequest.Types.SortTarget.Version => $"{found.Version}",
        RangeRequest.Types.SortTarget.Create => $"{found.CreateRevision}",
        RangeRequest.Types.SortTarget.Mod => $"{found.ModRevision}",
        _ => found.Value.ToBase64(),
    };

    private async Task ChangeLeaseAsync(SeededRandom dice, Lease.LeaseClient lease)
    {
        var id = 1 + dice.Next(RandomRequests.LeaseIds);
        if (dice.Chance(0.6)) await Same(new LeaseGrantRequest { ID = id, TTL = 2000 + id }, request => lease.LeaseGrantAsync(request), request => local.Face.LeaseGrantAsync(request));
        else if (dice.Chance(0.5)) await Same(new LeaseRevokeRequest { ID = id }, request => lease.LeaseRevokeAsync(request), request => local.Face.LeaseRevokeAsync(request));
        else await Same(new LeaseTimeToLiveRequest { ID = id, Keys = dice.Chance(0.7) }, request => lease.LeaseTimeToLiveAsync(request), request => local.Face.LeaseTimeToLiveAsync(request));
    }

    private async Task RenewAsync(AsyncDuplexStreamingCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> renewing, long id)
    {
        await renewing.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
        Assert.True(await renewing.ResponseStream.MoveNext(CancellationToken.None));
        var (left, right) = (renewing.ResponseStream.Current, await local.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = id }));
        Assert.Equal((left.ID, left.TTL, left.Header.Revision), (right.ID, right.TTL, right.Header.Revision));
    }

    /// <summary>Creates a watch, or cancels one; waits for etcd's answer, so that both see it at the same place in the history.</summary>
    private async Task WatchAsync(SeededRandom dice, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching, IWatchSession session, long revision)
    {
        if (watches.Count > 0 && dice.Chance(0.3))
        {
            await CancelAsync(watches.ElementAt(dice.Next(watches.Count)), watching, session);
            return;
        }

        var request = RandomRequests.Watch(dice, revision, local.Machine.Store.Compacted);
        request.Key = Key(dice);
        request.RangeEnd = End(dice);
        request.WatchId = 0;
        if (request.StartRevision <= local.Machine.Store.Compacted) request.StartRevision = 0;
        await CreateAsync(request, watching, session);
    }

    /// <summary>
    /// Before a compaction: everything that was watched has been told by etcd too. etcd brings a watch that began in the past up to date in a loop of its own, every 100 ms on an idle machine, and cancels it when a
    /// compaction overtakes it; it reads previous values when it tells an event, and has none that was compacted meanwhile. We do both at once. So a watch of one past write is created last: when etcd has told that
    /// write, its loop has been through all that were created before.
    /// </summary>
    private async Task SettleAsync(KV.KVClient kv, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching, IWatchSession session)
    {
        var last = Local.B("last");
        await Same(new PutRequest { Key = last }, request => kv.PutAsync(request), request => local.Face.PutAsync(request));
        var probe = await CreateAsync(new WatchCreateRequest { Key = last, StartRevision = local.Machine.Store.Revision }, watching, session);
        await ReadUntilToldAsync(watching);
        await CancelAsync(probe, watching, session);
    }

    private async Task CancelAsync(long ended, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching, IWatchSession session)
    {
        watches.Remove(ended);
        await watching.RequestStream.WriteAsync(new WatchRequest { CancelRequest = new WatchCancelRequest { WatchId = ended } });
        session.Cancel(ended);
        await ReadUntil(watching, theirs, () => theirs.Any(response => response is { Canceled: true, Created: false } && response.WatchId == ended));
    }

    private Task ReadUntilToldAsync(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching) =>
        ReadUntil(watching, theirs, () => watches.All(id => theirs.Where(response => response.WatchId == id).Sum(response => response.Events.Count) >= sink.Events(id).Count()));

    private async Task<long> CreateAsync(WatchCreateRequest request, AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching, IWatchSession session)
    {
        var created = theirs.Count(response => response.Created);
        await watching.RequestStream.WriteAsync(new WatchRequest { CreateRequest = request });
        session.Create(request);
        await ReadUntil(watching, theirs, () => theirs.Count(response => response.Created) > created);
        var answer = theirs.Last(response => response.Created);
        if (!answer.Canceled) watches.Add(answer.WatchId);
        return answer.WatchId;
    }

    private async Task SameWatchesAsync(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> watching)
    {
        await ReadUntilToldAsync(watching);
        Assert.Equal(theirs.Where(response => response.Created).Select(Told), sink.Responses.Where(response => response.Created).Select(Told));
        foreach (var id in watches)
            Assert.Equal(theirs.Where(response => response.WatchId == id).SelectMany(response => response.Events).Select(change => change.ToString()), sink.Events(id).Select(change => change.ToString()));
        Assert.True(watches.Count > 5 && watches.Sum(id => sink.Events(id).Count()) > 100, "hardly anything was watched");
    }
}
