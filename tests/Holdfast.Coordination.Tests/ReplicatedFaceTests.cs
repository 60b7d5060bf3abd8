using Holdfast.Coordination.Protocol;

namespace Holdfast.Coordination.Tests;

/// <summary>The face over a real group: three replicas, any of which serves.</summary>
public sealed class ReplicatedFaceTests
{
    private readonly FaceCluster cluster = new();

    [Fact]
    public void Follower_takes_writes_and_reads_them_back_linearizably()
    {
        var put = cluster.Run(cluster.Follower.Face.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("1") }));
        Assert.Equal((2, cluster.Follower.Id.Value), (put.Header.Revision, put.Header.MemberId));
        foreach (var node in cluster.Nodes)
            Assert.Equal("1", Assert.Single(cluster.Run(node.Face.RangeAsync(new RangeRequest { Key = Local.B("a") })).Kvs).Value.ToStringUtf8());
        var failure = Assert.Throws<EtcdException>(() => cluster.Run(cluster.Leader.Face.PutAsync(new PutRequest { Key = Local.B("a"), Lease = 5 })));
        Assert.Equal(EtcdErrors.LeaseNotFound, failure.Error);
        var status = cluster.Run(cluster.Follower.Face.StatusAsync(new StatusRequest()));
        Assert.Equal((cluster.Leader.Id.Value, put.Header.RaftTerm), (status.Leader, status.RaftTerm));
    }

    [Fact]
    public void Watch_on_a_follower_tells_what_was_written_elsewhere()
    {
        var sink = new Sink();
        using var session = cluster.Follower.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        for (var step = 0; step < 1000 && sink.Responses.Count == 0; step++) cluster.Advance();
        cluster.Run(cluster.Leader.Face.PutAsync(new PutRequest { Key = Local.B("a"), Value = Local.B("1") }));
        for (var step = 0; step < 1000 && !sink.Events(0).Any(); step++) cluster.Advance();
        Assert.Equal("2:a=1", sink.Show(0));
    }

    [Fact]
    public void A_leader_that_has_handed_over_knows_whom_when_it_says_so()
    {
        var (leader, target) = (cluster.Leader, cluster.Follower);
        cluster.Run(leader.Face.MoveLeaderAsync(new MoveLeaderRequest { TargetID = leader.Id.Value }));
        Assert.Equal(leader, cluster.Leader);
        Assert.Equal(EtcdErrors.NotLeader, Assert.Throws<EtcdException>(() => cluster.Run(target.Face.MoveLeaderAsync(new MoveLeaderRequest { TargetID = target.Id.Value }))).Error);
        Assert.Equal(EtcdErrors.BadLeaderTransferee, Assert.Throws<EtcdException>(() => cluster.Run(leader.Face.MoveLeaderAsync(new MoveLeaderRequest { TargetID = 77 }))).Error);
        cluster.Run(leader.Face.MoveLeaderAsync(new MoveLeaderRequest { TargetID = target.Id.Value }));
        Assert.Equal(target.Id, leader.Group.Status.Leader);
    }

    [Fact]
    public void Lease_is_renewed_through_any_member_and_ends_by_the_leader_alone()
    {
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        cluster.Run(follower.Face.LeaseGrantAsync(new LeaseGrantRequest { ID = 5, TTL = 10 }));
        cluster.Run(follower.Face.PutAsync(new PutRequest { Key = Local.B("a"), Lease = 5 }));
        cluster.Run(leader.Face.TickAsync());
        cluster.Pass(TimeSpan.FromSeconds(7));
        Assert.Equal(10, cluster.Run(follower.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 5 })).TTL);
        cluster.Run(leader.Face.TickAsync());
        cluster.Pass(TimeSpan.FromSeconds(7));
        Assert.Equal(10, cluster.Run(leader.Face.LeaseKeepAliveAsync(new LeaseKeepAliveRequest { ID = 5 })).TTL);
        cluster.Pass(TimeSpan.FromSeconds(20));
        cluster.Run(follower.Face.TickAsync());
        Assert.Equal(1, cluster.Run(follower.Face.RangeAsync(new RangeRequest { Key = Local.B("a") })).Count);
        cluster.Run(leader.Face.TickAsync());
        Assert.Equal(0, cluster.Run(follower.Face.RangeAsync(new RangeRequest { Key = Local.B("a") })).Count);
    }
}
