using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>Raft paper 5.2 and 5.4, thesis 4.2.3, 9.6, 3.10; SAFETY S1 to S4.</summary>
public sealed class ElectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void One_leader_is_elected_and_stays(int voters)
    {
        var cluster = new RaftCluster(voters);
        var leader = cluster.ElectLeader();
        var term = leader.Node.Term;
        cluster.Run(TimeSpan.FromSeconds(10));
        Assert.Same(leader, cluster.Leader);
        Assert.Equal(term, leader.Node.Term);
        Assert.Single(cluster.Replicas.Values, replica => replica.Node.Role == RaftRole.Leader);
    }

    [Fact]
    public void Another_leader_follows_a_crashed_one_and_keeps_what_was_committed()
    {
        var cluster = new RaftCluster(3);
        var first = cluster.ElectLeader();
        cluster.ProposeAndSettle(first, "a");
        first.IsUp = false;
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != first, "a successor leads");
        Assert.Contains("a", cluster.Leader!.Applied);
    }

    [Fact]
    public void Without_a_majority_nobody_leads_and_a_leader_steps_down()
    {
        var cluster = new RaftCluster(5);
        var leader = cluster.ElectLeader();
        foreach (var other in cluster.Replicas.Values.Where(replica => replica != leader).Take(3)) other.IsUp = false;
        cluster.Run(TimeSpan.FromSeconds(3));
        Assert.NotEqual(RaftRole.Leader, leader.Node.Role);
        Assert.Null(cluster.Leader);
    }

    [Fact]
    public void A_returning_isolated_replica_does_not_unsettle_the_reign()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.ElectLeader();
        var outsider = cluster.Replicas.Values.First(replica => replica != leader);
        cluster.Isolate((int)outsider.Id.Value);
        cluster.Run(TimeSpan.FromSeconds(5));
        var term = leader.Node.Term;
        Assert.Equal(term, outsider.Node.Term); // Pre-vote: it asked around, and raised nothing.
        cluster.Heal();
        cluster.Run(TimeSpan.FromSeconds(2));
        Assert.Same(leader, cluster.Leader);
        Assert.Equal(term, leader.Node.Term);
    }

    [Fact] // Raft paper 5.4.1
    public void A_candidate_whose_log_is_behind_gets_no_vote()
    {
        var cluster = new RaftCluster(3);
        cluster.Elect(1);
        cluster.Isolate(3);
        cluster.ProposeAndSettle(cluster[1], "only 1 and 2 have this");
        cluster.Crash(1);
        cluster.Heal();
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true }, "a successor leads");
        Assert.Same(cluster[2], cluster.Leader);
    }

    [Fact]
    public void S1_a_vote_is_not_said_before_it_is_on_the_disk()
    {
        var cluster = new RaftCluster(3, beats: false);
        cluster[2].DiskStalled = true;
        cluster[3].DiskStalled = true;
        cluster.Settle();
        cluster[1].Node.Step(cluster.Now, new NodeId(2), new RequestVote(new Term(0), default, false, false));
        cluster.RunUntil(() => cluster.Replicas.Values.Any(replica => replica.Node.Role == RaftRole.Candidate), "somebody stands");
        cluster.Run(TimeSpan.FromMilliseconds(100));
        Assert.DoesNotContain(cluster.Transcript, line => line.Contains(" vote granted") && !line.StartsWith("1->", StringComparison.Ordinal));
        Assert.Null(cluster.Leader);
    }

    [Fact]
    public void A_candidate_counts_its_own_vote_only_when_it_is_durable()
    {
        var cluster = new RaftCluster(1);
        cluster[1].DiskStalled = true;
        cluster.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(RaftRole.Candidate, cluster[1].Node.Role);
        cluster[1].DiskStalled = false;
        cluster.Run(TimeSpan.FromMilliseconds(50));
        Assert.Equal(RaftRole.Leader, cluster[1].Node.Role);
    }

    [Fact]
    public void A_vote_answered_twice_counts_once()
    {
        var tally = new VoteTally();
        var configuration = Configuration.OfVoters([.. Enumerable.Range(1, 5).Select(id => new NodeId((ulong)id))]);
        tally.Record(new NodeId(1), true);
        tally.Record(new NodeId(2), true);
        tally.Record(new NodeId(2), true);
        Assert.Equal(VoteOutcome.Pending, tally.Outcome(configuration));
        tally.Record(new NodeId(3), true);
        Assert.Equal(VoteOutcome.Won, tally.Outcome(configuration));
    }

    [Fact]
    public void S2_a_bound_vote_is_kept_until_the_promise_has_lapsed()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        Assert.True(leader.Node.HoldsLease(cluster.Now));
        var term = leader.Node.Term;
        cluster[2].Node.Step(cluster.Now, new NodeId(3), new RequestVote(new Term(term.Value + 5), new LogPosition(term, new LogIndex(1000)), false, false));
        cluster.Settle();
        Assert.Equal(term, cluster[2].Node.Term); // Neither the vote nor the term.
        cluster.Beats = false;
        cluster.Run(TimeSpan.FromMilliseconds(400));
        Assert.False(leader.Node.HoldsLease(cluster.Now));
    }

    [Fact]
    public void S2_a_lease_needs_the_epoch_that_the_vote_is_bound_to()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        cluster.Crash(2);
        cluster.Crash(3);
        cluster.Run(TimeSpan.FromMilliseconds(400));
        Assert.False(leader.Node.HoldsLease(cluster.Now));
        // Fresh support without a fresh binding is worth nothing.
        leader.Support.OnReply(new NodeId(2), new SupportReply(cluster.Now, TimeSpan.FromMilliseconds(300), new SupportEpoch(99UL << 32)));
        leader.Support.OnReply(new NodeId(3), new SupportReply(cluster.Now, TimeSpan.FromMilliseconds(300), new SupportEpoch(98UL << 32)));
        Assert.False(leader.Node.HoldsLease(cluster.Now));
    }

    [Fact] // (S3)
    public void A_lease_counts_from_the_sending_and_is_shortened_by_the_drift_bound()
    {
        var table = new SupportTable(1);
        table.OnReply(new NodeId(2), new SupportReply(new Instant(0), TimeSpan.FromMilliseconds(300), new SupportEpoch(5)));
        Assert.Equal(TimeSpan.FromMilliseconds(297), table.GrantFrom(new NodeId(2)).Until - Instant.Zero);
    }

    [Fact] // (S3)
    public void No_setting_gets_a_promise_longer_than_the_maximum()
    {
        var table = new SupportTable(1);
        var reply = table.OnBeat(new Instant(0), new NodeId(2), new SupportBeat(default, TimeSpan.FromHours(1)));
        Assert.Equal(RaftOptions.LeaseMax, reply.Lease);
        Assert.True(table.TryWithdraw(Instant.Zero + RaftOptions.LeaseMax + new TimeSpan(1), new NodeId(2)));
    }

    [Fact] // (S2)
    public void An_epoch_is_never_given_twice_not_even_after_a_restart()
    {
        var before = new SupportTable(1).OnBeat(default, new NodeId(2), new SupportBeat(default, TimeSpan.FromSeconds(1))).Epoch;
        var after = new SupportTable(2).OnBeat(default, new NodeId(2), new SupportBeat(default, TimeSpan.FromSeconds(1))).Epoch;
        Assert.NotEqual(before, after);
    }

    [Fact] // (S3)
    public void A_restarted_voter_is_silent_until_whatever_it_promised_has_lapsed()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Crash(2);
        cluster.Crash(3);
        cluster.Restart(2);
        cluster.Restart(3);
        leader.IsUp = false;
        cluster.Run(RaftOptions.LeaseMax - TimeSpan.FromMilliseconds(20));
        Assert.All([cluster[2], cluster[3]], replica => Assert.Equal(leader.Node.Term, replica.Node.Term));
        cluster.RunUntil(() => cluster.Leader is not null, "a leader after the silence");
    }

    [Fact] // (S3)
    public void Leadership_goes_to_the_named_target_and_the_old_leader_never_leases_again_in_its_term()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(100));
        cluster.CutOneWay(1, 3); // The target does not hear of it.
        Assert.True(leader.Node.HoldsLease(cluster.Now));
        Assert.True(leader.Node.TransferLeadership(cluster.Now, new NodeId(3)));
        cluster.Settle();
        Assert.False(leader.Node.HoldsLease(cluster.Now));
        Assert.Equal(ProposeStatus.Busy, leader.Propose("refused meanwhile").Status);
        cluster.Heal();
        cluster.Run(TimeSpan.FromMilliseconds(500));
        if (cluster.Leader == leader && leader.Node.Term == new Term(1)) Assert.False(leader.Node.HoldsLease(cluster.Now));
        Assert.Same(cluster[2], cluster.Elect(2));
    }

    [Fact] // (S2)
    public void A_leader_that_restarted_within_its_lease_and_cannot_stand_does_not_hold_the_votes_for_ever()
    {
        var cluster = new RaftCluster(3);
        var leader = cluster.Elect(1);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        leader.IsUp = false;
        cluster.Restart(1, leader.Recovered() with { DamagedUpTo = new LogIndex(1000) }); // It beats on, but may not lead.
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true } next && next != leader, "another leads although the node is alive");
    }

    [Fact]
    public void A_pair_can_hand_over_although_it_needs_the_old_leaders_vote()
    {
        var cluster = new RaftCluster(2);
        cluster.Elect(1);
        Assert.Same(cluster[2], cluster.Elect(2));
        Assert.Same(cluster[1], cluster.Elect(1));
    }

    [Fact]
    public void A_follower_with_a_higher_term_and_a_shorter_log_does_not_deadlock_pre_votes() // (hashicorp/raft #606)
    {
        var cluster = new RaftCluster(2);
        cluster.Elect(1);
        cluster.ProposeAndSettle(cluster[1], "a");
        cluster.Crash(1);
        cluster.Crash(2);
        var behind = cluster[2].Recovered();
        cluster.Restart(2, behind with { HardState = new HardState(new Term(9), NodeId.None), Entries = [.. behind.Entries.Take(1)] });
        cluster.Restart(1);
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true }, "the one with the longer log leads in a newer term");
        Assert.Same(cluster[1], cluster.Leader);
        Assert.True(cluster[1].Node.Term > new Term(9));
    }

    [Theory] // Whatever the dice say: each voter in turn is the one that stands gladly.
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void The_voter_of_the_highest_priority_leads_first(int eager)
    {
        var cluster = new RaftCluster(5, id => new RaftOptions { ElectionPriority = id.Value == (ulong)eager ? 3 : 1 });
        Assert.Same(cluster[eager], cluster.ElectLeader());
        Assert.Equal(new Term(1), cluster[eager].Node.Term); // Nobody else stood.
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    public void A_voter_of_low_priority_leaves_a_crashed_leaders_place_to_a_better_one(int reluctant, int eager)
    {
        var cluster = new RaftCluster(3);
        cluster.Elect(1);
        cluster[reluctant].Node.SetElectionPriority(0);
        cluster.Crash(1);
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true }, "a successor leads");
        Assert.Same(cluster[eager], cluster.Leader);
    }

    [Theory] // Priority is about who stands first, never about whose log counts.
    [InlineData(2, 3)]
    [InlineData(3, 2)]
    public void A_voter_of_low_priority_leads_where_no_better_one_can(int reluctant, int behind)
    {
        var cluster = new RaftCluster(3);
        cluster.Elect(1);
        cluster[reluctant].Node.SetElectionPriority(0);
        cluster.Isolate(behind);
        cluster.ProposeAndSettle(cluster[1], "the better one does not have this");
        cluster.Crash(1);
        cluster.Heal();
        cluster.RunUntil(() => cluster.Leader is { Node.HasCommittedInTerm: true }, "a successor leads");
        Assert.Same(cluster[reluctant], cluster.Leader);
    }
}
