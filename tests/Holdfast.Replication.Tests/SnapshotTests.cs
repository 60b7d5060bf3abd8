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

    /// <summary>Whoever asks is not on the loop: the replica, and the loop's list of those with something to do, are touched in a turn only.</summary>
    [Fact]
    public async Task A_snapshot_asked_for_from_another_thread_touches_nothing_before_the_loops_turn()
    {
        var cluster = new TestCluster(1);
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
        var node = cluster.Leader;
        cluster.Until(() => !node.Group.Replica.IsDirty, "rest");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(node.Group.TakeSnapshot)));
        Assert.False(node.Group.Replica.IsDirty);
        cluster.Until(() => node.Group.Status.Snapshot.Index == node.Group.Status.Applied, "the snapshot");
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

    /// <summary>An open file takes its space although it was deleted: a gigabyte for each group, for as long as the process lives.</summary>
    [Fact]
    public void A_snapshot_that_was_fed_to_another_is_closed_when_the_next_is_taken()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var away = cluster.Follower;
        away.Kill();
        Fill(cluster, 100);
        away.Start();
        cluster.UntilEqual();
        cluster.Run(TimeSpan.FromSeconds(6)); // Nobody fetches any more.
        var feeding = cluster.Nodes.Single(node => node.Disk.OpenHandles("/chunks") > 0);
        var before = feeding.Group.Status.Snapshot;
        feeding.Group.TakeSnapshot();
        Assert.True(cluster.Apply(cluster.Leader, "more=1").IsApplied);
        feeding.Group.TakeSnapshot();
        cluster.Until(() => feeding.Group.Status.Snapshot != before, "the next snapshot");
        cluster.Until(() => feeding.Disk.OpenHandles("/chunks") == 0, "the closing of what was fed");
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

    [Fact]
    public void A_fetch_changes_over_when_the_leader_has_compacted_past_it()
    {
        var cluster = HalfFetched(out var away);
        away.IsWorkerStuck = true;
        var old = cluster.Leader.Group.Status.Snapshot;
        for (var i = 0; cluster.Leader.Group.Status.Snapshot == old; i++) Assert.True(cluster.Apply(cluster.Leader, $"more{i}={new string('x', 200)}").IsApplied);
        var changes = Hits("replication: snapshot fetch changed over to a newer snapshot");
        away.IsWorkerStuck = false;
        cluster.UntilEqual();
        Assert.Equal(cluster.Leader.Machine.Map, away.Machine.Map);
        Assert.True(away.Group.Status.Snapshot.Index > old.Index);
        Assert.True(Hits("replication: snapshot fetch changed over to a newer snapshot") > changes);
    }

    [Fact]
    public void A_leader_that_is_fetched_from_puts_its_next_snapshot_off_but_not_for_ever()
    {
        var cluster = HalfFetched(out var away);
        away.IsWorkerStuck = true;
        var leader = cluster.Leader;
        var old = leader.Group.Status.Snapshot;
        for (var i = 0; i < 15; i++) Assert.True(cluster.Apply(leader, $"more{i}={new string('x', 200)}").IsApplied);
        Assert.Equal(old, leader.Group.Status.Snapshot);
        for (var i = 0; i < 40; i++) Assert.True(cluster.Apply(leader, $"yet{i}={new string('x', 200)}").IsApplied);
        cluster.Until(() => leader.Group.Status.Snapshot != old, "the snapshot that was put off");
    }

    [Fact]
    public void A_fetch_goes_on_from_another_replica_when_its_source_dies_at_half()
    {
        var cluster = HalfFetched(out var away);
        var source = cluster.Leader;
        source.Kill();
        cluster.UntilLed();
        cluster.UntilEqual();
        Assert.Equal(100, away.Machine.Map.Count);
        Assert.NotSame(away, cluster.Leader);
        source.Start();
        cluster.UntilEqual();
    }

    [Fact]
    public void A_fetch_changes_over_when_its_source_has_lost_the_snapshot()
    {
        var cluster = HalfFetched(out var away);
        var source = cluster.Leader;
        var old = source.Group.Status.Snapshot;
        away.Kill();
        source.Kill();
        cluster.Except(away, source).Kill();

        // All restart; the source comes back with another snapshot, and the half of the old one is of no use.
        source.Start();
        cluster.Except(away, source).Start();
        cluster.UntilLed();
        for (var i = 0; cluster.Leader.Group.Status.Snapshot.Index <= old.Index; i++) Assert.True(cluster.Apply(cluster.Leader, $"more{i}={new string('x', 200)}").IsApplied);
        away.Start();
        cluster.UntilEqual();
        Assert.Equal(cluster.Leader.Machine.Map, away.Machine.Map);
    }

    /// <summary>Node three begins to fetch the leader's snapshot of a hundred chunks, and is left somewhere in the middle of it.</summary>
    private static TestCluster HalfFetched(out TestNode fetching)
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 2000 });
        cluster.UntilLed();
        var away = fetching = cluster.Follower;
        away.Kill();
        Fill(cluster, 100);
        away.Start();
        var before = away.JobsCarried;
        cluster.Until(() => away.JobsCarried >= before + 30, "some chunks");
        Assert.Empty(away.Machine.Map);
        return cluster;
    }

    private static void Fill(TestCluster cluster, int count)
    {
        for (var i = 0; i < count; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => cluster.Leader.Group.Status.Snapshot.Index.Value > 50, "a compaction at the leader");
    }

    private static long Hits(string name) => Mark.All().Single(mark => mark.Name == name).Hits;
}
