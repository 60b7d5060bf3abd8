using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;
using Holdfast.Coordination.Protocol.Locks;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

/// <summary>
/// The same random requests to Debian's etcd and to us: every field of every response, every error code and every message must agree, and in the end
/// the whole history as a watch tells it. What is left out: ids of cluster and member, the term, remaining lease time, the order of a lease's keys and
/// of leases (etcd's comes from a hash table).
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
        var maintenance = new Maintenance.MaintenanceClient(etcd.Calls);
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
                case < 97:
                    // etcd 3.4 refuses the compacted revision itself, 3.6 and we do not.
                    var hashed = dice.Chance(0.5) ? 0 : compacted + 1 + dice.Next((int)(revision - compacted) + 2);
                    await Same(new HashKVRequest { Revision = hashed }, request => maintenance.HashKVAsync(request), request => local.Face.HashKvAsync(request));
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

    [Fact]
    public async Task Locks_and_elections_answer_alike()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var dice = new SeededRandom(3);
        var lease = new Lease.LeaseClient(etcd.Calls);
        var kv = new KV.KVClient(etcd.Calls);
        var locks = new Protocol.Locks.Lock.LockClient(etcd.Calls);
        var elections = new Election.ElectionClient(etcd.Calls);
        LeaderKey? leader = null;
        for (var id = 1; id <= 3; id++) await Same(new LeaseGrantRequest { ID = id, TTL = 1000 }, request => lease.LeaseGrantAsync(request), request => local.Face.LeaseGrantAsync(request));
        for (var step = 0; step < 200; step++)
        {
            // One contender for each name, so that nobody waits; lease 4 does not exist.
            var owner = 1 + dice.Next(4);
            var name = Local.B($"n{owner}");
            switch (dice.Next(7))
            {
                case 0:
                    await Same(new LockRequest { Name = name, Lease = owner }, request => locks.LockAsync(request), request => LockCalls.LockAsync(local.Face, request, default));
                    break;
                case 1:
                    await Same(new UnlockRequest { Key = dice.Chance(0.1) ? ByteString.Empty : Local.B($"n{owner}/{owner}") }, request => locks.UnlockAsync(request), request => LockCalls.UnlockAsync(local.Face, request, default));
                    break;
                case 2:
                    var campaign = new CampaignRequest { Name = name, Lease = owner, Value = Local.B($"v{step % 3}") };
                    leader = await Same(campaign, request => elections.CampaignAsync(request), request => ElectionCalls.CampaignAsync(local.Face, request, default)) is { } won ? won.Leader : leader;
                    break;
                case 3:
                    await Same(new ProclaimRequest { Leader = leader, Value = Local.B($"p{step}") }, request => elections.ProclaimAsync(request), request => ElectionCalls.ProclaimAsync(local.Face, request, default));
                    break;
                case 4:
                    await Same(new LeaderRequest { Name = name }, request => elections.LeaderAsync(request), request => ElectionCalls.LeaderAsync(local.Face, request, default));
                    break;
                case 5:
                    await Same(new ResignRequest { Leader = leader }, request => elections.ResignAsync(request), request => ElectionCalls.ResignAsync(local.Face, request, default));
                    break;
                default:
                    await Same(new RangeRequest { Key = Local.B("n"), RangeEnd = Local.B("o") }, request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
                    break;
            }
        }
    }

    [Fact]
    public async Task Alarms_forbid_alike()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var (kv, lease, maintenance) = (new KV.KVClient(etcd.Calls), new Lease.LeaseClient(etcd.Calls), new Maintenance.MaintenanceClient(etcd.Calls));
        var put = new PutRequest { Key = Local.B("a"), Value = Local.B("1") };
        var txn = new TxnRequest { Success = { Local.DeleteOp("a") }, Failure = { Local.PutOp("b", "1") } };
        await Same(put, request => kv.PutAsync(request), request => local.Face.PutAsync(request));
        foreach (var type in (AlarmType[])[AlarmType.Nospace, AlarmType.Corrupt])
        {
            var activate = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Activate, MemberID = 5, Alarm = type };
            Assert.Equal((await maintenance.AlarmAsync(activate)).Alarms, (await local.Face.AlarmAsync(activate)).Alarms);
            Assert.Equal((await maintenance.AlarmAsync(new AlarmRequest())).Alarms, (await local.Face.AlarmAsync(new AlarmRequest())).Alarms);
            if (type == AlarmType.Nospace)
            {
                await Same(put, request => kv.PutAsync(request), request => local.Face.PutAsync(request));
                await Same(txn, request => kv.TxnAsync(request), request => local.Face.TxnAsync(request));
                await Same(new DeleteRangeRequest { Key = Local.B("x") }, request => kv.DeleteRangeAsync(request), request => local.Face.DeleteRangeAsync(request));
                await Same(new RangeRequest { Key = Local.B("a") }, request => kv.RangeAsync(request), request => local.Face.RangeAsync(request));
                await Same(new LeaseRevokeRequest { ID = 77 }, request => lease.LeaseRevokeAsync(request), request => local.Face.LeaseRevokeAsync(request));
            }

            var deactivate = new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate, MemberID = 5, Alarm = type };
            Assert.Equal((await maintenance.AlarmAsync(deactivate)).Alarms, (await local.Face.AlarmAsync(deactivate)).Alarms);
        }

        await Same(put, request => kv.PutAsync(request), request => local.Face.PutAsync(request));
    }

    [Fact]
    public async Task Leases_are_granted_and_renewed_alike()
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var lease = new Lease.LeaseClient(etcd.Calls);
        foreach (var seconds in (long[])[-5, 0, 1, 2, 3, 1000, 9_000_000_000, 9_000_000_001, long.MaxValue])
            await Same(new LeaseGrantRequest { ID = 100 + (seconds % 1000), TTL = seconds }, request => lease.LeaseGrantAsync(request), request => local.Face.LeaseGrantAsync(request));
        var drawn = await lease.LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000 });
        Assert.True(drawn.ID > 0 && (await local.Face.LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000 })).ID > 0);
        using var renewing = lease.LeaseKeepAlive();
        foreach (var id in (long[])[100, 55, 0, -1])
        {
            await renewing.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
            Assert.True(await renewing.ResponseStream.MoveNext(CancellationToken.None));
            var ours = await local.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = id });
            Assert.Equal((renewing.ResponseStream.Current.ID, renewing.ResponseStream.Current.TTL), (ours.ID, ours.TTL));
        }

        foreach (var id in (long[])[55, 0, -1])
        {
            await Same(new LeaseRevokeRequest { ID = id }, request => lease.LeaseRevokeAsync(request), request => local.Face.LeaseRevokeAsync(request));
            await Same(new LeaseTimeToLiveRequest { ID = id, Keys = true }, request => lease.LeaseTimeToLiveAsync(request), request => local.Face.LeaseTimeToLiveAsync(request));
        }
    }

    /// <summary>Watches of every kind over a random history and what follows it: the same answers, and for each the same events.</summary>
    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Watches_tell_alike(ulong seed)
    {
        await using var etcd = await EtcdProcess.StartAsync();
        var dice = new SeededRandom(seed);
        var kv = new KV.KVClient(etcd.Calls);
        await ChangeBoth(kv, dice, 150);
        var compact = new CompactionRequest { Revision = local.Machine.Store.Revision - 60, Physical = true };
        await Same(compact, request => kv.CompactAsync(request), request => local.Face.CompactAsync(request));

        var sink = new Sink(100_000);
        using var session = local.Face.OpenWatch(sink);
        using var call = new Watch.WatchClient(etcd.Calls).Watch();
        for (var created = 0; created < 40; created++)
        {
            var request = RandomRequests.Watch(dice, local.Machine.Store.Revision, compact.Revision);
            await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = request });
            session.Create(request);
        }

        var theirs = new List<WatchResponse>();
        await ReadUntil(call, theirs, () => theirs.Count(response => response.Created) == 40);
        await ChangeBoth(kv, dice, 100);
        await ReadUntil(call, theirs, () => theirs.Sum(response => response.Events.Count) >= sink.Responses.Sum(response => response.Events.Count));
        Assert.Equal(theirs.Where(response => response.Created).Select(Told), sink.Responses.Where(response => response.Created).Select(Told));
        var cancelled = theirs.Where(response => response is { Canceled: true, Created: false }).Select(Told).Order(StringComparer.Ordinal);
        Assert.Equal(cancelled, sink.Responses.Where(response => response is { Canceled: true, Created: false }).Select(Told).Order(StringComparer.Ordinal));
        foreach (var id in sink.Responses.Select(response => response.WatchId).Distinct())
            Assert.Equal(theirs.Where(response => response.WatchId == id).SelectMany(response => response.Events).Select(change => change.ToString()), sink.Events(id).Select(change => change.ToString()));
    }

    internal static string Told(WatchResponse response) => $"{response.WatchId} {response.Created} {response.Canceled} {response.CompactRevision} {response.CancelReason}";

    internal static async Task ReadUntil(AsyncDuplexStreamingCall<WatchRequest, WatchResponse> call, List<WatchResponse> into, Func<bool> isEnough)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        while (!isEnough())
        {
            Assert.True(await call.ResponseStream.MoveNext(patience.Token), "etcd ended the watch");
            into.Add(call.ResponseStream.Current);
        }
    }

    private async Task ChangeBoth(KV.KVClient kv, SeededRandom dice, int changes)
    {
        for (; changes > 0; changes--)
        {
            var revision = local.Machine.Store.Revision;
            if (dice.Chance(0.5)) await Same(RandomRequests.Put(dice), request => kv.PutAsync(request), request => local.Face.PutAsync(request));
            else if (dice.Chance(0.5)) await Same(RandomRequests.Delete(dice), request => kv.DeleteRangeAsync(request), request => local.Face.DeleteRangeAsync(request));
            else await Same(RandomRequests.SafeTxn(dice, revision), request => kv.TxnAsync(request), request => local.Face.TxnAsync(request));
        }
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

    /// <summary>Asks both the same, and fails unless both answer the same; what we answered, null for an error.</summary>
    internal static async Task<TResponse?> Same<TRequest, TResponse>(TRequest request, Func<TRequest, AsyncUnaryCall<TResponse>> etcd, Func<TRequest, ValueTask<TResponse>> us)
        where TRequest : IMessage
        where TResponse : class, IMessage
    {
        var (theirs, theirError) = await Theirs(request, etcd);
        var (ours, ourError) = await Ours(request, us);
        Assert.True(theirError == ourError, $"{typeof(TRequest).Name} {request}\netcd: {theirError} {theirs}\n  we: {ourError} {ours}");
        if (ours is null) return null;
        Normalize(theirs!);
        Normalize(ours);
        Assert.True(theirs!.Equals(ours), $"{typeof(TRequest).Name} {request}\netcd: {theirs}\n  we: {ours}");
        return ours;
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
            HashKVResponse hash => hash.Header,
            LockResponse held => held.Header,
            UnlockResponse unlocked => unlocked.Header,
            CampaignResponse won => won.Header,
            ProclaimResponse proclaimed => proclaimed.Header,
            LeaderResponse leader => leader.Header,
            ResignResponse resigned => resigned.Header,
            _ => throw new InvalidOperationException("a response without a rule"),
        };
        (header.ClusterId, header.MemberId, header.RaftTerm) = (0, 0, 0);
        if (response is LeaseTimeToLiveResponse left)
        {
            if (left.TTL > 0) left.TTL = 1;
            Sort(left.Keys, key => key.ToBase64());
        }

        if (response is HashKVResponse sum) sum.HashRevision = 0; // Since etcd 3.6.
        if (response is LockResponse { Fence: > 0 } fenced) fenced.Fence = 0; // Ours.
        if (response is LeaseLeasesResponse all) Sort(all.Leases, one => one.ID.ToString());
    }

    private static void Sort<T>(Google.Protobuf.Collections.RepeatedField<T> list, Func<T, string> by)
    {
        var sorted = list.OrderBy(by, StringComparer.Ordinal).ToArray();
        list.Clear();
        list.AddRange(sorted);
    }
}
