using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>A state that is read from its snapshot at start, chunk by chunk, while everything else goes on.</summary>
public sealed class RestoreTests
{
    private static readonly GroupOptions SmallSnapshots = new() { SnapshotLogBytes = 2000 };

    [Fact]
    public void A_restoring_replica_votes_and_acknowledges_and_refuses_reads()
    {
        var cluster = Filled();
        var (leader, restoring) = (cluster.Leader, cluster.Follower);
        Restart(cluster, restoring);
        cluster.Except(leader, restoring).Kill();

        // Leader and restoring replica are the quorum now: what is applied has been acknowledged by a replica without a state.
        for (var i = 0; i < 20; i++) Assert.True(cluster.Apply(leader, $"later{i}=1").IsApplied);
        Assert.False(restoring.Group.Status.IsRestored);
        Assert.False(restoring.Group.Restored.IsCompleted);
        Assert.Empty(restoring.Machine.Map);
        Assert.False(restoring.Read().Grant!.Value.IsGranted);
        Assert.False(restoring.Read(ReadConsistency.Local).Grant!.Value.IsGranted);

        restoring.IsWorkerStuck = false;
        cluster.UntilEqual();
        Assert.True(restoring.Group.Restored.IsCompletedSuccessfully);
        Assert.Equal(120, restoring.Machine.Map.Count);
        Assert.True(restoring.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
    }

    [Fact]
    public void Other_groups_of_the_loop_go_on_while_one_restores()
    {
        var cluster = Filled(groups: 2);
        var (leader, restoring) = (cluster.Leader, cluster.Follower);
        Restart(cluster, restoring);
        var other = new Completion();
        cluster.Until(() => restoring.Groups[1].Status.Leader != NodeId.None, "a leader of the other group");
        restoring.Groups[1].Propose("x=1"u8, default, other);
        cluster.Until(() => other.Outcome is not null, "the other group's answer");
        Assert.True(other.Outcome!.Value.IsApplied);
        Assert.Equal("1", restoring.Machines[1].Map["x"]);
        Assert.False(restoring.Group.Status.IsRestored);
        Assert.True(leader.Group.Status.IsServingLeader);
    }

    /// <summary>Each chunk that is taken asks for another: without a bound a worker that keeps up would hold the loop in one turn until the whole state is there.</summary>
    [Fact]
    public void A_worker_that_reads_faster_than_the_loop_links_does_not_hold_it()
    {
        var cluster = Filled();
        var restoring = cluster.Follower;
        restoring.Kill();
        (restoring.IsWorkerInstant, restoring.LookCost) = (true, TimeSpan.FromMilliseconds(0.3));
        restoring.Start();
        var turns = 0;
        for (; !restoring.Group.Status.IsRestored; turns++) cluster.Run(TimeSpan.FromMilliseconds(1));
        Assert.InRange(turns, 10, 1000);
    }

    [Fact]
    public void A_restoring_replica_leaves_leading_to_others_S20()
    {
        var cluster = Filled();
        var (leader, restoring) = (cluster.Leader, cluster.Follower);
        var whole = cluster.Except(leader, restoring);
        Restart(cluster, restoring);
        Assert.Equal(ChangeVerdict.Begun, leader.Group.TransferLeadership(cluster.Now, restoring.Id));
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.NotEqual(RaftRole.Leader, restoring.Group.Status.Role);

        cluster.UntilLed();
        cluster.Leader.Kill();
        cluster.UntilLed();
        Assert.NotSame(restoring, cluster.Leader);
        Assert.Contains(cluster.Leader, new[] { leader, whole });
    }

    [Fact]
    public void Where_nobody_else_can_lead_a_restoring_replica_does()
    {
        var cluster = Filled();
        foreach (var node in cluster.Nodes) node.Kill();
        foreach (var node in cluster.Nodes.Take(2)) node.IsWorkerStuck = true;
        foreach (var node in cluster.Nodes.Take(2)) node.Start();
        cluster.Until(() => cluster.Nodes.Take(2).Any(node => node.Group.Status.Role == RaftRole.Leader), "a leader without its state", 30_000);
        var leader = cluster.Nodes.Take(2).Single(node => node.Group.Status.Role == RaftRole.Leader);
        var parked = leader.Propose("a=1");
        cluster.Run(TimeSpan.FromMilliseconds(500));
        Assert.Null(parked.Outcome);
        foreach (var node in cluster.Nodes.Take(2)) node.IsWorkerStuck = false;
        cluster.Until(() => parked.Outcome is not null, "the answer once the state is there");
        Assert.True(parked.Outcome!.Value.IsApplied);
    }

    [Fact]
    public void A_damaged_snapshot_comes_from_any_other_replica_S10()
    {
        var cluster = Filled();
        var (leader, damaged) = (cluster.Leader, cluster.Follower);
        damaged.Kill();
        Assert.Equal(1, damaged.Disk.Rot("/chunks", 60));
        cluster.Cut.Add((leader.Id, damaged.Id));
        cluster.Cut.Add((damaged.Id, leader.Id));
        damaged.Start();
        cluster.Until(() => damaged.Group.Status.IsRestored, "a state from the follower, for the leader is out of reach");
        cluster.Cut.Clear();
        cluster.UntilEqual();
        Assert.Equal(100, damaged.Machine.Map.Count);

        // What was fetched is what the log continues from.
        damaged.Kill();
        damaged.Start();
        cluster.UntilEqual();
        Assert.Equal(100, damaged.Machine.Map.Count);
    }

    /// <summary>
    /// While the record of a fetched snapshot is written the core hears nothing. The leader's last word before it rests, that an entry is committed, may fall into just that time: at some offset of
    /// the entry from the record it does.
    /// </summary>
    [Fact]
    public void A_commit_that_was_announced_while_a_snapshots_record_was_written_is_learnt_afterwards()
    {
        var whole = MillisecondsToRecord(BeginRepair(out _, out var measured), measured);
        for (var before = 0; before <= 8; before++)
        {
            var cluster = BeginRepair(out var leader, out var damaged);
            cluster.Run(TimeSpan.FromMilliseconds(whole - before));
            var last = leader.Propose("last=1");
            MillisecondsToRecord(cluster, damaged);
            damaged.IsDiskStuck = true;
            cluster.Run(TimeSpan.FromMilliseconds(300));
            damaged.IsDiskStuck = false;
            cluster.Until(() => last.Outcome is not null, "the commit");
            cluster.Until(() => damaged.Group.Status.Applied == leader.Group.Status.Applied, $"the same at the one that was repaired ({before} ms before)", 5000);
        }
    }

    /// <summary>Leader and a follower with a damaged snapshot are all there is: the follower's acknowledgement is what commits.</summary>
    private static TestCluster BeginRepair(out TestNode leader, out TestNode damaged)
    {
        var cluster = Filled();
        var (leading, restarted) = (leader, damaged) = (cluster.Leader, cluster.Follower);
        cluster.Except(leading, restarted).Kill();
        restarted.Kill();
        restarted.Disk.Rot("/chunks", 60);
        restarted.Start();
        cluster.Until(() => restarted.Group.Status.Leader == leading.Id, "a follower");
        return cluster;
    }

    private static int MillisecondsToRecord(TestCluster cluster, TestNode node)
    {
        for (var waited = 0; waited < 10_000; waited++)
        {
            if (node.Group.Replica.Fetching.IsRecording) return waited;
            cluster.Run(TimeSpan.FromMilliseconds(1));
        }

        Assert.Fail("no snapshot was recorded");
        return 0;
    }

    [Fact]
    public void A_sole_replica_with_a_damaged_snapshot_says_so()
    {
        var cluster = new TestCluster(1, SmallSnapshots);
        cluster.UntilLed();
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        var node = cluster.Leader;
        cluster.Until(() => node.Group.Status.Snapshot.Index.Value > 50, "a compaction");
        node.Kill();
        node.Disk.Rot("/chunks", 60);
        node.Start();
        cluster.Until(() => node.Group.Restored.IsFaulted, "the fault");
        Assert.IsType<SnapshotDamagedException>(node.Group.Restored.Exception!.InnerException);
        Assert.False(node.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
    }

    private static TestCluster Filled(int groups = 1)
    {
        var cluster = new TestCluster(3, SmallSnapshots, groups);
        cluster.UntilLed();
        for (var i = 0; i < 100; i++) Assert.True(cluster.Apply(cluster.Leader, $"k{i}={i}").IsApplied);
        cluster.Until(() => cluster.Nodes.All(node => node.Group.Status.Snapshot.Index.Value > 50), "compactions");
        return cluster;
    }

    /// <summary>Dies and comes back, and its snapshot worker reads nothing.</summary>
    private static void Restart(TestCluster cluster, TestNode node)
    {
        node.Kill();
        node.IsWorkerStuck = true;
        node.Start();
        cluster.Until(() => node.Group.Status.Leader != NodeId.None && !node.Group.Status.IsRestored, "a follower without its state");
    }
}
