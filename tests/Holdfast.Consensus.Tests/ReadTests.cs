using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Raft thesis 6.4; SAFETY S3, S14; etcd #7331.</summary>
public sealed class ReadTests
{
    [Fact] // Raft thesis 6.4.1
    public void Under_the_lease_a_read_is_granted_at_once_without_a_message()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.ElectLeader();
        cluster.Run(TimeSpan.FromMilliseconds(500));
        var before = cluster.Transcript.Count;
        leader.Node.ReadIndex(cluster.Now, 1);
        leader.Turn(cluster.Now);
        Assert.Equal(new ReadReady(1, leader.Node.Commit, true), Assert.Single(leader.Reads));
        Assert.Equal(before, cluster.Transcript.Count);
    }

    [Fact]
    public void Without_lease_reads_a_round_confirms_a_batch()
    {
        var cluster = new RaftCluster(3, new RaftOptions { LeaseReads = false });
        var leader = cluster.ElectLeader();
        cluster.Run(TimeSpan.FromMilliseconds(500));
        for (ulong i = 1; i <= 10; i++) leader.Node.ReadIndex(cluster.Now, i);
        leader.Turn(cluster.Now);
        Assert.Empty(leader.Reads);
        var before = cluster.Transcript.Count;
        cluster.Settle();
        Assert.Equal(10, leader.Reads.Count(read => read.Granted));
        Assert.InRange(cluster.Transcript.Count - before, 1, 6); // One round for all ten.
    }

    [Fact] // (S3)
    public void A_leader_that_was_paused_past_its_lease_grants_nothing_by_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(500));
        leader.IsPaused = true;
        cluster.RunUntil(() => cluster.Replicas.Values.Any(replica => replica != leader && replica.Node.HasCommittedInTerm), "the others elect");
        cluster.Isolate(1);
        leader.IsPaused = false;
        leader.Node.ReadIndex(cluster.Now, 5);
        cluster.Settle();
        Assert.DoesNotContain(leader.Reads, read => read.Granted);
    }

    [Fact] // etcd #7331
    public void Before_a_commit_in_its_own_term_a_leader_grants_no_read()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.ProposeAndSettle(leader, "a");
        leader.IsUp = false;
        cluster.RunUntil(() =>
        {
            foreach (var replica in cluster.Replicas.Values) replica.DiskStalled = replica.Node.Role == RaftRole.Leader;
            return cluster.Replicas.Values.Any(replica => replica.IsUp && replica.Node.Role == RaftRole.Leader);
        }, "a successor that cannot yet commit");
        var next = cluster.Replicas.Values.Single(replica => replica.IsUp && replica.Node.Role == RaftRole.Leader);
        if (next.Node.HasCommittedInTerm) return; // Its no-op was quicker than the stall: nothing to see here.
        next.Node.ReadIndex(cluster.Now, 3);
        next.Turn(cluster.Now);
        Assert.Empty(next.Reads);
        next.DiskStalled = false;
        cluster.Run(TimeSpan.FromMilliseconds(100));
        Assert.Contains(next.Reads, read => read is { Context: 3, Granted: true } && read.Index >= new LogIndex(2));
    }

    [Fact]
    public void A_follower_reads_through_its_leader()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.ProposeAndSettle(leader, "a");
        cluster.Run(TimeSpan.FromMilliseconds(300));
        cluster[2].Node.ReadIndex(cluster.Now, 42);
        cluster.Settle();
        Assert.Equal(new ReadReady(42, leader.Node.Commit, true), Assert.Single(cluster[2].Reads));
    }

    [Fact]
    public void A_forwarded_read_that_is_not_answered_is_given_back_ungranted()
    {
        var cluster = new RaftCluster(3);
        cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(300));
        cluster.Cut(new NodeId(1), new NodeId(2));
        cluster[2].Node.ReadIndex(cluster.Now, 42);
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(new ReadReady(42, default, false), Assert.Single(cluster[2].Reads));
    }

    [Fact] // reused read context over a leader change
    public void An_answer_of_another_term_is_not_the_asked_for_one()
    {
        var cluster = new RaftCluster(3);
        cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(300));
        cluster.Cut(new NodeId(1), new NodeId(2));
        cluster[2].Node.ReadIndex(cluster.Now, 42);
        cluster[2].Turn(cluster.Now);
        cluster[2].Node.Step(cluster.Now, new NodeId(1), new ReadIndexReply(new Term(0), 42, new LogIndex(1), true));
        cluster[2].Turn(cluster.Now);
        Assert.Empty(cluster[2].Reads);
    }

    [Fact]
    public void A_deposed_leader_gives_its_waiting_reads_back()
    {
        var cluster = new RaftCluster(3, new RaftOptions { LeaseReads = false });
        var leader = cluster.Elect(1);
        cluster.Isolate(1);
        leader.Node.ReadIndex(cluster.Now, 9);
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.Equal(new ReadReady(9, default, false), Assert.Single(leader.Reads));
    }
}
