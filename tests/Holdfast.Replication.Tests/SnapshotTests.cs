using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

public sealed class SnapshotTests
{
    [Fact]
    public void A_log_that_grew_is_snapshotted_compacted_and_found_again_after_a_restart()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => cluster.Nodes.All(node => node.Group.Status.Snapshot.Index.Value > 0), "snapshots on all");
        var node = cluster.Follower;
        node.Kill();
        node.Start();
        cluster.UntilEqual();
        Assert.Equal(100, node.Machine.Map.Count);
    }

    [Fact]
    public void A_node_that_was_away_installs_a_snapshot_beside_its_live_state()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var away = cluster.Follower;
        Assert.True(cluster.Apply(away, "before=1").IsApplied);
        away.Kill();
        Fill(cluster, 100);
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(101, away.Machine.Map.Count);
        Assert.True(cluster.Apply(away, "after=1").IsApplied);
        away.Kill();
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(102, away.Machine.Map.Count);
    }

    [Fact]
    public void A_fetch_that_was_cut_by_a_crash_goes_on_where_it_stopped()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var away = cluster.Follower;
        away.Kill();
        Fill(cluster, 100);
        away.Start();
        var before = away.JobsCarried;
        cluster.Until(() => away.JobsCarried >= before + 30, "some chunks");
        away.Kill();
        var resumed = Hits("replication: snapshot fetch resumed");
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(100, away.Machine.Map.Count);
        Assert.True(Hits("replication: snapshot fetch resumed") > resumed);
    }

    private static void Fill(TestCluster cluster, int count)
    {
        for (var i = 0; i < count; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => cluster.Leader.Group.Status.Snapshot.Index.Value > 50, "a compaction at the leader");
    }

    private static long Hits(string name) => Mark.All().Single(mark => mark.Name == name).Hits;
}
