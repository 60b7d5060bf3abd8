using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

public sealed class GroupLoopTests
{
    [Fact]
    public void Three_loops_elect_a_leader_and_apply_what_is_proposed_at_it()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        Assert.Equal(ProposalStatus.Applied, cluster.Apply(cluster.Leader, "a=1").Status);
        Assert.Equal("1", cluster.Apply(cluster.Leader, "a=2").Reply);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal("2", node.Machine.Map["a"]));
    }

    [Fact]
    public void A_follower_forwards_and_answers_from_its_own_apply()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var outcome = cluster.Apply(cluster.Follower, "a=1");
        Assert.Equal(ProposalStatus.Applied, outcome.Status);
        Assert.Equal("", outcome.Reply);
    }

    [Fact]
    public void A_proposal_waits_for_a_leader_while_there_is_none()
    {
        var cluster = new TestCluster(3);
        Assert.Equal(ProposalStatus.Applied, cluster.Apply(cluster.Nodes[0], "a=1").Status);
    }

    /// <summary>A node that waits to be added has no clock of the core's running and hears from nobody: its clients are answered in time all the same (S25).</summary>
    [Fact]
    public void A_replica_that_nobody_talks_to_answers_when_a_proposals_time_is_over()
    {
        var cluster = new TestCluster(4, new GroupOptions { ProposeTimeout = TimeSpan.FromSeconds(2) }, voters: 3);
        cluster.UntilLed();
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(ProposalStatus.NoLeader, cluster.Apply(cluster.Nodes[3], "a=1").Status);
    }

    [Fact]
    public void Nothing_acknowledged_is_lost_when_the_leader_dies_and_comes_back()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var first = cluster.Leader;
        for (var i = 0; i < 50; i++) Assert.True(cluster.Apply(first, $"k{i}={i}").IsApplied);
        first.Kill();
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "after=1").IsApplied);
        first.Start();
        cluster.UntilEqual();
        Assert.Equal(51, first.Machine.Map.Count);
    }

    [Fact]
    public void All_nodes_restart_and_find_their_state_again()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
        foreach (var node in cluster.Nodes) node.Kill();
        foreach (var node in cluster.Nodes) node.Start();
        cluster.UntilLed();
        Assert.Equal("1", cluster.Apply(cluster.Leader, "a=2").Reply);
    }

    [Fact]
    public void An_undecided_proposal_is_unknown_and_never_retried()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var leader = cluster.Leader;
        cluster.Isolate(leader);
        Assert.Equal(ProposalStatus.Unknown, cluster.Apply(leader, "a=1", new ProposeOptions { Timeout = TimeSpan.FromMilliseconds(500) }).Status);
    }

    [Fact]
    public void Strong_reads_are_granted_on_leader_and_follower_and_refused_in_a_minority()
    {
        var cluster = new TestCluster(3, new GroupOptions { ReadTimeout = TimeSpan.FromSeconds(1) });
        cluster.UntilLed();
        var written = cluster.Apply(cluster.Leader, "a=1").Position.Index;
        foreach (var node in cluster.Nodes)
        {
            var read = node.Read();
            cluster.Until(() => read.Grant is not null, "the read's grant");
            Assert.True(read.Grant!.Value.IsGranted);
            Assert.True(read.Grant.Value.Index >= written);
            Assert.True(node.Group.Status.Applied >= written);
        }

        var cutOff = cluster.Follower;
        cluster.Isolate(cutOff);
        cluster.Run(TimeSpan.FromSeconds(1));
        var refused = cutOff.Read();
        cluster.Until(() => refused.Grant is not null, "the read's refusal");
        Assert.False(refused.Grant!.Value.IsGranted);
        Assert.True(cutOff.Read(ReadConsistency.Local).Grant!.Value.IsGranted);
    }

    [Fact]
    public void A_stale_read_needs_no_question_while_the_last_answer_is_young_enough()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var node = cluster.Follower;
        var strong = node.Read();
        cluster.Until(() => strong.Grant is not null, "a grant");
        cluster.Isolate(node);
        Assert.True(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(1))).Grant!.Value.IsGranted);
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.Null(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(1))).Grant);
    }

    [Fact]
    public void S14_a_stale_reads_age_counts_from_the_followers_own_question_and_not_from_the_answer()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var node = cluster.Follower;
        var askedAt = cluster.Now;
        var strong = node.Read();
        cluster.Until(() => strong.Grant is not null, "a grant");
        var answeredAfter = cluster.Now - askedAt;
        Assert.True(answeredAfter > TimeSpan.FromMilliseconds(1), "the answer took no time, so this shows nothing");
        cluster.Isolate(node);
        cluster.Run(TimeSpan.FromSeconds(1) - answeredAfter);
        Assert.True(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(1))).Grant!.Value.IsGranted);
        cluster.Run(TimeSpan.FromMilliseconds(2)); // The question was asked a turn after the read.
        Assert.Null(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(1))).Grant);
    }

    [Fact]
    public void S14_a_follower_that_has_not_applied_what_its_leader_announced_serves_no_stale_read()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var node = cluster.Follower;
        var strong = node.Read();
        cluster.Until(() => strong.Grant is not null, "a grant");
        Assert.True(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(5))).Grant!.Value.IsGranted);
        node.Machine.IsStuck = true;
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
        var behind = node.Read();
        cluster.Run(TimeSpan.FromMilliseconds(50));
        Assert.Null(behind.Grant);
        Assert.Null(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(5))).Grant);
        node.Machine.IsStuck = false;
        cluster.Until(() => behind.Grant is not null, "the read's grant");
        Assert.True(node.Read(ReadConsistency.Stale(TimeSpan.FromSeconds(5))).Grant!.Value.IsGranted);
    }

    [Fact]
    public void A_yielding_apply_goes_on_until_it_is_done()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "slow=1").IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal("1", node.Machine.Map["slow"]));
    }

    /// <summary>A connection that is up may take nothing for a while, and nobody is told: a group at rest would never say again what is committed.</summary>
    [Fact]
    public void A_commit_announcement_that_found_a_full_buffer_is_said_again_at_rest()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
        cluster.UntilEqual();
        cluster.Run(TimeSpan.FromSeconds(1)); // All votes are bound: from here on the group says nothing when there is nothing new.
        var (leader, follower) = (cluster.Leader, cluster.Follower);
        var before = follower.Group.Status.Last;
        var put = leader.Propose("a=2");
        cluster.Until(() => follower.Group.Status.Last != before, "the entry's arrival");
        cluster.Full.Add((leader.Id, follower.Id));
        cluster.Until(() => put.Outcome is not null && cluster.Refused > 0, "a commit that could not be announced");
        Assert.True(follower.Group.Status.Commit < leader.Group.Status.Commit);
        cluster.Run(TimeSpan.FromMilliseconds(300));
        cluster.Full.Clear();
        cluster.Until(() => follower.Machine.Map["a"] == "2", "the commit at the follower", 2_000);
    }

    [Fact]
    public void A_large_command_travels_as_chunks_from_leader_and_follower()
    {
        var cluster = new TestCluster(3, new GroupOptions { ChunkBytes = 100 });
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "a=" + new string('x', 1000)).IsApplied);
        Assert.True(cluster.Apply(cluster.Follower, "b=" + new string('y', 1000)).IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal(1000, node.Machine.Map["b"].Length));
    }

    /// <summary>A number that was executed is not executed again, and a session that was evicted executes nothing (Raft paper 8, Raft thesis 6.3).</summary>
    [Fact]
    public void A_repeated_command_of_a_session_is_executed_once_S11()
    {
        var cluster = new TestCluster(3, new GroupOptions { SessionsMax = 2 });
        cluster.UntilLed();
        var sessions = Enumerable.Range(0, 3).Select(_ => OpenSession(cluster)).ToArray();
        var options = new ProposeOptions { Session = sessions[2], Sequence = 1 };
        Assert.Equal("", cluster.Apply(cluster.Leader, "a=1", options).Reply);
        Assert.True(cluster.Apply(cluster.Leader, "a=2").IsApplied);
        Assert.Equal("", cluster.Apply(cluster.Leader, "a=1", options).Reply);
        Assert.Equal("2", cluster.Leader.Machine.Map["a"]);
        Assert.Equal(ProposalStatus.SessionEvicted, cluster.Apply(cluster.Leader, "a=3", new ProposeOptions { Session = sessions[0], Sequence = 1 }).Status);
        Assert.Equal(ProposalStatus.SessionEvicted, cluster.Apply(cluster.Follower, "a=3", new ProposeOptions { Session = 999_999, Sequence = 1 }).Status);
        Assert.Equal("2", cluster.Leader.Machine.Map["a"]);
        cluster.UntilEqual();
    }

    [Fact]
    public void Leadership_goes_to_the_named_node()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var target = cluster.Follower;
        Assert.Equal(ChangeVerdict.Begun, cluster.Leader.Group.TransferLeadership(cluster.Now, target.Id));
        cluster.Until(() => target.Group.Status.IsServingLeader, "the handover");
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
    }

    [Fact]
    public void Two_hundred_groups_on_three_nodes_elect_and_come_to_rest()
    {
        var cluster = new TestCluster(3, groups: 200);
        cluster.Until(() => cluster.GroupIds.Select((_, i) => i).All(i => cluster.Nodes.Count(node => node.Groups[i].Status.IsServingLeader) == 1), "200 leaders");
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.All(cluster.Nodes, node => Assert.True(node.Loop.Turn(cluster.Now) > cluster.Now, "a loop of idle groups wants no turn at once"));
        Assert.True(cluster.Apply(cluster.Leader, "a=1").IsApplied);
    }

    /// <summary>Issue of many groups: all elect, all take writes, and after a node's loss all go on.</summary>
    [Fact]
    public void Two_hundred_groups_take_writes_and_all_go_on_after_a_node_is_lost()
    {
        var cluster = new TestCluster(3, groups: 200);
        var groups = Enumerable.Range(0, 200).ToArray();
        cluster.Until(() => groups.All(i => cluster.Nodes.Count(node => node.Groups[i].Status.IsServingLeader) == 1), "200 leaders");
        WriteToAll(cluster, groups, "a=1");
        Assert.All(groups, i => Assert.Equal("1", cluster.Nodes[0].Machines[i].Map["a"]));

        var lost = cluster.Nodes.MaxBy(node => node.Groups.Count(group => group.Status.IsServingLeader))!;
        Assert.Contains(lost.Groups, group => group.Status.IsServingLeader);
        lost.Kill();
        WriteToAll(cluster, groups, "b=2");
        lost.Start();
        cluster.Until(() => groups.All(i => lost.Machines[i].Map.GetValueOrDefault("b") == "2"), "the lost node's catching up", 30_000);
    }

    private static void WriteToAll(TestCluster cluster, int[] groups, string command)
    {
        // A follower forwards, and parks what comes before a leader is known: every group is written to at whichever node is up.
        var completions = groups.Select(i => (Group: i, Completion: new Completion())).ToArray();
        var node = cluster.Nodes.First(node => node.IsUp);
        foreach (var (group, completion) in completions)
            node.Groups[group].Propose(System.Text.Encoding.UTF8.GetBytes(command), new ProposeOptions { Timeout = TimeSpan.FromSeconds(20) }, completion);
        cluster.Until(() => completions.All(asked => asked.Completion.Outcome is not null), "200 answers", 30_000);
        Assert.All(completions, asked => Assert.True(asked.Completion.Outcome!.Value.IsApplied));
    }

    private static ulong OpenSession(TestCluster cluster)
    {
        var opened = new Completion();
        cluster.Leader.Group.OpenSession(opened);
        cluster.Until(() => opened.Outcome is not null, "a session");
        return (ulong)opened.Outcome!.Value.Reply!;
    }
}
