using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Protocol.Elections;
using Holdfast.Coordination.Protocol.Locks;

namespace Holdfast.Coordination.Tests;

/// <summary>Locks and elections over the keyspace, with fencing tokens (R1.6, S22's tokens).</summary>
public sealed class LockTests
{
    private readonly Local local = new();

    [Fact]
    public async Task Each_later_holder_of_a_lock_has_a_larger_fence()
    {
        await local.Grant(1, 100);
        await local.Grant(2, 100);
        var first = await Lock("job", 1);
        Assert.Equal("job/1", first.Key.ToStringUtf8());
        Assert.Equal(first.Header.Revision, first.Fence);
        var waiting = Lock("job", 2).AsTask();
        Assert.False(waiting.IsCompleted);
        await LockCalls.UnlockAsync(local.Face, new UnlockRequest { Key = first.Key }, default);
        var second = await waiting.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(second.Fence > first.Fence);
        Assert.Equal("job/2=", await local.Show("job/", "job0"));
    }

    [Fact]
    public async Task The_same_lease_locks_twice_and_stands_in_line_once()
    {
        await local.Grant(1, 100);
        var first = await Lock("job", 1);
        var again = await Lock("job", 1);
        Assert.Equal((first.Key, first.Fence), (again.Key, again.Fence));
    }

    [Fact]
    public async Task A_waiter_whose_lease_ends_is_told_and_never_given_the_lock()
    {
        await local.Grant(1, 100);
        await local.Grant(2, 100);
        var held = await Lock("job", 1);
        var waiting = Lock("job", 2).AsTask();
        await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 2 });
        var failure = await Assert.ThrowsAsync<EtcdException>(() => waiting.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(EtcdErrors.SessionExpired, failure.Error);
        Assert.Equal("job/1=", await local.Show("job/", "job0"));
        Assert.Equal(held.Fence, (await local.Range("job/1")).Kvs[0].CreateRevision);
    }

    [Fact]
    public async Task A_waiter_that_goes_leaves_the_line()
    {
        await local.Grant(1, 100);
        await local.Grant(2, 100);
        await Lock("job", 1);
        using var gone = new CancellationTokenSource();
        var waiting = LockCalls.LockAsync(local.Face, new LockRequest { Name = Local.B("job"), Lease = 2 }, gone.Token).AsTask();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal("job/1=", await local.Show("job/", "job0"));
        Assert.Equal((0, 0), (local.Machine.Watches.WatcherCount, local.Machine.Watches.StreamCount));
    }

    [Fact]
    public async Task A_lock_without_a_lease_is_given_one_of_a_minute()
    {
        var held = await Lock("job", 0);
        var lease = Assert.Single((await local.Face.LeaseLeasesAsync(new LeaseLeasesRequest())).Leases).ID;
        Assert.Equal($"job/{lease:x}", held.Key.ToStringUtf8());
        Assert.Equal(60, (await local.Face.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = lease })).GrantedTTL);
    }

    [Fact]
    public async Task An_election_passes_from_one_to_the_next_and_tells_what_each_proclaims()
    {
        await local.Grant(1, 100);
        await local.Grant(2, 100);
        var first = await ElectionCalls.CampaignAsync(local.Face, new CampaignRequest { Name = Local.B("boss"), Lease = 1, Value = Local.B("one") }, default);
        Assert.Equal(("boss/1", first.Header.Revision, 1L), (first.Leader.Key.ToStringUtf8(), first.Leader.Rev, first.Leader.Lease));
        await ElectionCalls.ProclaimAsync(local.Face, new ProclaimRequest { Leader = first.Leader, Value = Local.B("uno") }, default);
        Assert.Equal("uno", (await ElectionCalls.LeaderAsync(local.Face, new LeaderRequest { Name = Local.B("boss") }, default)).Kv.Value.ToStringUtf8());
        var waiting = ElectionCalls.CampaignAsync(local.Face, new CampaignRequest { Name = Local.B("boss"), Lease = 2, Value = Local.B("two") }, default).AsTask();
        await ElectionCalls.ResignAsync(local.Face, new ResignRequest { Leader = first.Leader }, default);
        var second = await waiting.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(second.Leader.Rev > first.Leader.Rev);
        var late = await Assert.ThrowsAsync<EtcdException>(async () => await ElectionCalls.ProclaimAsync(local.Face, new ProclaimRequest { Leader = first.Leader, Value = Local.B("still me") }, default));
        Assert.Equal(EtcdErrors.ElectionNotLeader, late.Error);
        await ElectionCalls.ResignAsync(local.Face, new ResignRequest { Leader = second.Leader }, default);
        var nobody = await Assert.ThrowsAsync<EtcdException>(async () => await ElectionCalls.LeaderAsync(local.Face, new LeaderRequest { Name = Local.B("boss") }, default));
        Assert.Equal(EtcdErrors.ElectionNoLeader, nobody.Error);
    }

    private ValueTask<LockResponse> Lock(string name, long lease) => LockCalls.LockAsync(local.Face, new LockRequest { Name = Local.B(name), Lease = lease }, default);
}
