using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Raft paper 6, thesis 4; SAFETY S4; R1.2, R1.13.</summary>
public sealed class MembershipTests
{
    private static Configuration Voters(params ulong[] ids) => Configuration.OfVoters([.. ids.Select(id => new NodeId(id))]);

    [Fact] // Raft thesis 4.3
    public void Several_members_join_and_leave_in_one_change()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.ProposeAndSettle(leader, "before");
        cluster.Add(new NodeId(4), Configuration.Empty);
        cluster.Add(new NodeId(5), Configuration.Empty);
        Assert.Equal(ProposeStatus.Accepted, leader.Node.ProposeConfiguration(cluster.Now, Voters(1, 4, 5)).Status);
        cluster.RunUntil(() => cluster[5].Node.Configuration.Equals(Voters(1, 4, 5)) && cluster[5].Applied.Contains("before"), "the new set is in force");
        cluster.Crash(2);
        cluster.Crash(3);
        cluster.ProposeAndSettle(leader, "after");
        Assert.Contains("after", leader.Applied);
    }

    [Fact] // Raft paper 6, Raft thesis 4.3
    public void While_joint_nothing_is_committed_without_a_majority_of_both_sets()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Crash(2);
        cluster.Crash(3);
        cluster.Add(new NodeId(4), Configuration.Empty);
        cluster.Add(new NodeId(5), Configuration.Empty);
        leader.Node.ProposeConfiguration(cluster.Now, Voters(1, 4, 5));
        cluster.Run(TimeSpan.FromMilliseconds(250));
        Assert.True(leader.Node.Configuration.IsJoint); // 1, 4 and 5 have it, but 2 and 3 are half of what the old set needs.
        Assert.True(leader.Node.Commit < leader.Node.Log.Last.Index);
    }

    [Fact] // single-server membership bug, raft-dev 2015
    public void A_new_leader_changes_nobody_before_an_entry_of_its_own_term_is_committed()
    {
        var replica = new LoneReplica(3, LoneReplica.Voters(3), (1, "of a leader that is gone"));
        replica.Lead(2);
        replica.Turn();
        replica.Acknowledge(2, 1);
        Assert.Equal(ProposeStatus.Refused, replica.Node.ProposeConfiguration(replica.Now, Voters(1, 2)).Status);
        replica.Acknowledge(2, 2);
        Assert.Equal(ProposeStatus.Accepted, replica.Node.ProposeConfiguration(replica.Now, Voters(1, 2)).Status);
    }

    [Fact]
    public void A_change_is_refused_while_another_is_under_way_and_when_nobody_could_lead_after_it()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        leader.DiskStalled = cluster[2].DiskStalled = cluster[3].DiskStalled = true;
        Assert.Equal(ProposeStatus.Accepted, leader.Node.ProposeConfiguration(cluster.Now, Voters(1, 2)).Status);
        Assert.Equal(ProposeStatus.Refused, leader.Node.ProposeConfiguration(cluster.Now, Voters(1, 3)).Status);
        Assert.Equal(ProposeStatus.Refused, leader.Node.ProposeConfiguration(cluster.Now, Configuration.Of(new Member(new NodeId(1), MemberRole.Learner))).Status);
    }

    [Fact]
    public void A_configuration_is_in_force_when_appended_and_gives_way_when_truncated()
    {
        var cluster = new RaftCluster(3);
        var old = cluster.Elect(1);
        cluster.Isolate(1);
        old.Node.ProposeConfiguration(cluster.Now, Voters(1, 2));
        Assert.True(old.Node.Configuration.IsJoint);
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != old, "the majority elects another");
        cluster.Heal();
        cluster.RunUntil(() => old.Node.Configuration.Equals(Voters(1, 2, 3)), "the old configuration is in force again");
    }

    [Fact] // Raft thesis 4.2.1
    public void A_learner_receives_everything_and_counts_for_nothing()
    {
        var members = Configuration.Of(new(new NodeId(1), MemberRole.Voter), new(new NodeId(2), MemberRole.Voter), new(new NodeId(3), MemberRole.Learner));
        var cluster = new RaftCluster(members);
        var leader = cluster.ElectLeader();
        cluster.ProposeAndSettle(leader, "a");
        cluster.RunUntil(() => cluster[3].Applied.Contains("a"), "the learner has it");
        cluster.Crash(leader == cluster[1] ? 2 : 1);
        leader.Propose("b");
        cluster.Settle();
        Assert.DoesNotContain("b", leader.Applied);
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.Equal(RaftRole.Follower, cluster[3].Node.Role);
    }

    [Fact]
    public void A_witness_votes_and_acknowledges_keeps_no_payload_and_never_leads()
    {
        var members = Configuration.Of(new(new NodeId(1), MemberRole.Voter), new(new NodeId(2), MemberRole.Voter), new(new NodeId(3), MemberRole.Witness));
        var cluster = new RaftCluster(members);
        var leader = cluster.Elect(1);
        cluster.Crash(2);
        cluster.ProposeAndSettle(leader, "with the witness's word");
        cluster.RunUntil(() => leader.Applied.Contains("with the witness's word"), "2 is done without");
        Assert.Equal(0, cluster[3].Node.Log.Bytes);
        leader.IsUp = false;
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.NotEqual(RaftRole.Leader, cluster[3].Node.Role);
        cluster.Restart(2);
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.Null(cluster.Leader); // 2 lacks what 1 and the witness committed: it must not win.
    }

    [Fact] // Raft thesis 4.2.2
    public void A_removed_leader_commits_its_removal_then_leaves()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        leader.Node.ProposeConfiguration(cluster.Now, Voters(2, 3));
        cluster.RunUntil(() => cluster.Leader is { } next && next != leader && next.Node.HasCommittedInTerm, "one of the others leads");
        Assert.Equal(RaftRole.Follower, leader.Node.Role);
    }

    [Fact]
    public void A_removed_member_cannot_disturb_those_that_remain() // Raft thesis 4.2.3
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        leader.Node.ProposeConfiguration(cluster.Now, Voters(1, 2));
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Same(leader, cluster.Leader);
        Assert.True(leader.Node.HoldsLease(cluster.Now));
    }

    [Fact] // (S4)
    public void A_wiped_node_is_a_new_incarnation_that_nobody_counts()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.ProposeAndSettle(leader, "a");
        cluster.Crash(3);
        cluster.Add(new NodeId(33), Configuration.Empty); // 3 came back empty: a new id.
        leader.IsUp = false;
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.Null(cluster.Leader); // 2 and 33 are no majority of {1, 2, 3}.
    }
}
