using Holdfast.Coordination.Leases;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Coordination.Tests;

public sealed class LeaseTests
{
    private readonly Local local = new();

    [Fact]
    public async Task Short_leases_are_raised_and_long_ones_refused()
    {
        Assert.Equal(2, await local.Grant(1, 1));
        Assert.Equal(10, await local.Grant(2, 10));
        Assert.Equal(EtcdErrors.LeaseExists, await Local.ErrorOf(() => local.Face.LeaseGrantAsync(new LeaseGrantRequest { ID = 2, TTL = 5 })));
        Assert.Equal(EtcdErrors.LeaseTtlTooLarge, await Local.ErrorOf(() => local.Face.LeaseGrantAsync(new LeaseGrantRequest { TTL = 9_000_000_001 })));
        Assert.NotEqual(0, (await local.Face.LeaseGrantAsync(new LeaseGrantRequest { TTL = 5 })).ID);
    }

    [Fact]
    public async Task Revoking_deletes_the_keys_in_one_revision()
    {
        await local.Grant(1, 60);
        await local.Put("b", "1", 1);
        await local.Put("a", "1", 1);
        await local.Put("c", "1");
        var response = await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        Assert.Equal(5, response.Header.Revision);
        Assert.Equal("c=1", await local.Show("a", "z"));
        Assert.Equal(EtcdErrors.LeaseNotFound, await Local.ErrorOf(() => local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 })));
    }

    [Fact]
    public async Task Key_moves_between_leases_with_each_put()
    {
        await local.Grant(1, 60);
        await local.Grant(2, 60);
        await local.Put("a", "1", 1);
        await local.Put("a", "2", 2);
        await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 1 });
        Assert.Equal("a=2", await local.Show("a"));
        var left = await local.Face.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 2, Keys = true });
        Assert.Equal("a", Assert.Single(left.Keys).ToStringUtf8());
        Assert.Equal(-1, (await local.Face.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 1 })).TTL);
        Assert.Equal(0, (await local.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 1 })).TTL);
    }

    [Fact]
    public async Task Lease_ends_when_its_time_is_up_and_not_before()
    {
        await local.Grant(1, 10);
        await local.Put("a", "1", 1);
        await local.Group.AdvanceAsync(TimeSpan.Zero);
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(9.9));
        Assert.Equal("a=1", await local.Show("a"));
        Assert.Equal(10, (await local.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 1 })).TTL);
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(4.5));
        Assert.Equal(5, (await local.Face.LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 1 })).TTL);
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(5.4));
        Assert.Equal("a=1", await local.Show("a"));
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(0.2));
        Assert.Equal("", await local.Show("a"));
        Assert.Empty((await local.Face.LeaseLeasesAsync(new LeaseLeasesRequest())).Leases);
    }

    [Fact]
    public void New_leader_gives_every_lease_its_full_time_and_a_follower_ends_none()
    {
        var leases = new LeaseTable();
        leases.Set(1, new LeaseGrant(10, 0));
        var clock = new LeaseClock();
        List<ExpiredLease> expired = [];
        clock.Tick(At(1000), true, leases, 10, expired);
        Assert.Empty(expired);
        clock.Start();
        clock.Tick(At(1000), true, leases, 10, expired);
        clock.Tick(At(1009), true, leases, 10, expired);
        Assert.Empty(expired);
        clock.Stop();
        clock.Tick(At(2000), true, leases, 10, expired);
        Assert.Empty(expired);
        clock.Start();
        clock.Tick(At(2000), true, leases, 10, expired);
        clock.Tick(At(2009), true, leases, 10, expired);
        Assert.Empty(expired);
        clock.Tick(At(2010), false, leases, 10, expired);
        Assert.Empty(expired);
        clock.Tick(At(2010), true, leases, 10, expired);
        Assert.Equal(new ExpiredLease(1, 0), Assert.Single(expired));
        Assert.Equal(0, clock.Renew(1, At(2010), leases));
    }

    [Fact]
    public async Task Expiry_is_void_after_a_renewal_or_under_another_leader()
    {
        await local.Grant(1, 10);
        var expiry = Command.EncodeExpiry(new ExpiredLease(1, 0), new Term(1));
        Machine.Apply(local.Machine, 100, 2, expiry);
        Assert.True(local.Machine.Store.Leases.Contains(1));
        Machine.Apply(local.Machine, 101, 1, Command.Encode(CommandKind.LeaseKeepAlive, new LeaseKeepAliveRequest { ID = 1 }));
        Machine.Apply(local.Machine, 102, 1, expiry);
        Assert.True(local.Machine.Store.Leases.Contains(1));
        Machine.Apply(local.Machine, 103, 1, Command.EncodeExpiry(new ExpiredLease(1, 1), new Term(1)));
        Assert.False(local.Machine.Store.Leases.Contains(1));
    }

    private static Instant At(double seconds) => new((long)(seconds * TimeSpan.TicksPerSecond));
}

/// <summary>Entries by hand.</summary>
internal static class Machine
{
    public static CommandReply Apply(CoordinationStateMachine machine, ulong index, ulong term, byte[] command, uint level = 1)
    {
        var entry = new CommittedEntry
        {
            Position = new LogPosition(new Term(term), new LogIndex(index)),
            TimeMicros = 0,
            FeatureLevel = level,
            Command = command,
            ReplyWanted = true,
        };
        var result = machine.Apply(entry);
        while (!result.IsDone) result = machine.Apply(entry);
        return (CommandReply)result.Reply!;
    }
}
