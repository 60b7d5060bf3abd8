using Grpc.Core;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;
using Holdfast.Coordination.Protocol.Health;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Tests.Endpoints;

/// <summary>The services beside etcd's own, through the front door.</summary>
public sealed class ServicesTests
{
    [Fact]
    public async Task A_lock_by_curl_alone_carries_its_fence()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        await keyspace.Face.LeaseGrantAsync(new LeaseGrantRequest { ID = 7, TTL = 600 });
        var (status, body) = await door.PostAsync("/v3/lock/lock", "{\"name\":\"am9i\",\"lease\":7}");
        Assert.Equal((200, "{\"header\":{\"cluster_id\":\"11\",\"member_id\":\"12\",\"revision\":\"2\",\"raft_term\":\"1\"},\"key\":\"am9iLzc=\",\"fence\":\"2\"}"), (status, body));
        Assert.Equal(200, (await door.PostAsync("/v3/lock/unlock", "{\"key\":\"am9iLzc=\"}")).Status);
        Assert.Equal(
            (500, "{\"error\":\"etcdserver: requested lease not found\",\"message\":\"etcdserver: requested lease not found\",\"code\":2}"),
            await door.PostAsync("/v3beta/lock/lock", "{\"name\":\"am9i\",\"lease\":8}"));
        Assert.Equal((500, "{\"error\":\"election: no leader\",\"message\":\"election: no leader\",\"code\":2}"), await door.PostAsync("/v3/election/leader", "{\"name\":\"am9i\"}"));
    }

    [Fact]
    public async Task An_observer_is_told_each_proclamation_of_each_leader()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face);
        for (var id = 1; id <= 2; id++) await keyspace.Face.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = 600 });
        var elections = new Election.ElectionClient(door.Channel);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var observing = elections.Observe(new LeaderRequest { Name = Local.B("boss") }, cancellationToken: patience.Token);
        var first = await elections.CampaignAsync(new CampaignRequest { Name = Local.B("boss"), Lease = 1, Value = Local.B("one") });
        Assert.Equal("one", await NextAsync(observing, patience.Token));
        await elections.ProclaimAsync(new ProclaimRequest { Leader = first.Leader, Value = Local.B("uno") });
        Assert.Equal("uno", await NextAsync(observing, patience.Token));
        var second = elections.CampaignAsync(new CampaignRequest { Name = Local.B("boss"), Lease = 2, Value = Local.B("two") }).ResponseAsync;
        await elections.ResignAsync(new ResignRequest { Leader = first.Leader });
        await second.WaitAsync(patience.Token);
        Assert.Equal("two", await NextAsync(observing, patience.Token));
    }

    [Fact]
    public async Task Waiters_for_a_lock_do_not_keep_out_the_one_who_gives_it_back()
    {
        await using var keyspace = new LocalKeyspace();
        await using var door = await OpenDoor.OnAsync(keyspace.Face, new EndpointLimits { RequestsMax = 2 });
        var locks = new Protocol.Locks.Lock.LockClient(door.Channel);
        for (var id = 1; id <= 5; id++) await keyspace.Face.LeaseGrantAsync(new LeaseGrantRequest { ID = id, TTL = 600 });
        var held = await locks.LockAsync(new LockRequest { Name = Local.B("job"), Lease = 1 });
        var waiting = Enumerable.Range(2, 4).Select(id => locks.LockAsync(new LockRequest { Name = Local.B("job"), Lease = id }).ResponseAsync).ToList();
        var fences = new List<long> { held.Fence };
        await locks.UnlockAsync(new UnlockRequest { Key = held.Key });
        while (waiting.Count > 0)
        {
            var next = await Task.WhenAny(waiting).WaitAsync(TimeSpan.FromSeconds(60));
            waiting.Remove(next);
            fences.Add((await next).Fence);
            await locks.UnlockAsync(new UnlockRequest { Key = (await next).Key });
        }

        Assert.Equal(fences.Order(), fences);
        Assert.Equal(5, fences.Distinct().Count());
    }

    [Fact]
    public async Task The_health_service_knows_the_whole_and_no_other()
    {
        await using var door = await OpenDoor.OnAsync(new ScriptedCoordination());
        var health = new Health.HealthClient(door.Channel);
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest())).Status);
        var unknown = await Assert.ThrowsAsync<RpcException>(async () => await health.CheckAsync(new HealthCheckRequest { Service = "x" }));
        Assert.Equal((StatusCode.NotFound, "unknown service"), (unknown.StatusCode, unknown.Status.Detail));
        var (service, listed) = Assert.Single((await health.ListAsync(new HealthListRequest())).Statuses);
        Assert.Equal(("", HealthCheckResponse.Types.ServingStatus.Serving), (service, listed.Status));
        using var watch = health.Watch(new HealthCheckRequest());
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.Serving, watch.ResponseStream.Current.Status);
        var stopping = door.StopAsync();
        Assert.True(await watch.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(HealthCheckResponse.Types.ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        await stopping;
    }

    private static async Task<string> NextAsync(AsyncServerStreamingCall<LeaderResponse> observing, CancellationToken patience)
    {
        Assert.True(await observing.ResponseStream.MoveNext(patience));
        return observing.ResponseStream.Current.Kv.Value.ToStringUtf8();
    }
}
