using Holdfast.Primitives;
using static Holdfast.Consensus.Tests.LoneReplica;

namespace Holdfast.Consensus.Tests;

/// <summary>
/// The rules of the Raft paper and thesis, section by section, shown on one replica whose peers the test plays. Sections shown on whole clusters are in the
/// other files of this room: 4 and 6 (membership) in MembershipTests, 6.4 in ReadTests, 7 in SnapshotTests; clients' sessions (paper 8, thesis 6.3) are the room Replication's.
/// </summary>
public sealed class RaftPaperTests
{
    [Fact] // Raft paper 5.1
    public void A_newer_term_is_adopted_and_ends_a_reign()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Node.Step(replica.Now, Peer(3), new AppendReply(new Term(9), false, default, default, 0, SupportEpoch.None, true));
        Assert.Equal((RaftRole.Follower, new Term(9)), (replica.Node.Role, replica.Node.Term));
    }

    [Fact] // Raft paper 5.1
    public void A_message_of_an_old_term_changes_nothing_and_is_answered_with_the_newer_term()
    {
        var replica = new LoneReplica(5, Voters(3), (4, "a"));
        replica.Append(leader: 2, term: 3, At(4, 1), commit: 1, (3, "old"));
        var reply = Assert.Single(replica.Turn().AppendReplies.Items.ToArray()).Message;
        Assert.Equal((new Term(5), false), (reply.Term, reply.Accepted));
        Assert.Equal((At(4, 1), LogIndex.Zero, NodeId.None), (replica.Node.Log.Last, replica.Node.Commit, replica.Node.Leader));
    }

    [Fact] // Raft paper 5.2
    public void A_replica_votes_for_one_candidate_of_a_term_and_says_so_again_when_asked_again()
    {
        var replica = new LoneReplica(1, Voters(3));
        Assert.True(Ask(replica, candidate: 2, term: 2));
        Assert.False(Ask(replica, candidate: 3, term: 2));
        Assert.True(Ask(replica, candidate: 2, term: 2));
        Assert.True(Ask(replica, candidate: 3, term: 3));
    }

    [Fact] // Raft paper 5.2
    public void A_candidate_that_hears_the_leader_of_its_own_term_follows_it()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Now = replica.Node.Deadline;
        replica.Node.Tick(replica.Now);
        replica.Node.Step(replica.Now, Peer(2), new VoteReply(new Term(2), true, true));
        replica.Turn();
        Assert.Equal(RaftRole.Candidate, replica.Node.Role);
        replica.Append(leader: 3, term: 2, default, commit: 0);
        Assert.Equal((RaftRole.Follower, Peer(3)), (replica.Node.Role, replica.Node.Leader));
    }

    [Fact] // Raft paper 5.2: a split vote ends in another election, after a wait drawn anew
    public void A_candidate_without_a_majority_stands_again_in_a_newer_term()
    {
        var replica = new LoneReplica(1, Voters(5));
        for (var round = 0; round < 3; round++)
        {
            var before = replica.Node.Term;
            replica.Now = replica.Node.Deadline;
            replica.Node.Tick(replica.Now);
            replica.Turn();
            foreach (var id in new[] { 2, 3 }) replica.Node.Step(replica.Now, Peer(id), new VoteReply(before.Next, true, true));
            replica.Turn();
            Assert.Equal((RaftRole.Candidate, before.Next), (replica.Node.Role, replica.Node.Term));
            replica.Node.Step(replica.Now, Peer(2), new VoteReply(before.Next, true, false));
            foreach (var id in new[] { 3, 4, 5 }) replica.Node.Step(replica.Now, Peer(id), new VoteReply(before.Next, false, false));
            Assert.Equal(RaftRole.Follower, replica.Node.Role);
        }
    }

    [Fact] // Raft paper 5.3
    public void An_append_that_does_not_match_is_refused_with_a_hint_that_skips_a_whole_term()
    {
        var replica = new LoneReplica(3, Voters(3), (1, "a"), (2, "x"), (2, "y"), (2, "z"));
        replica.Append(leader: 2, term: 4, At(1, 4), commit: 1);
        var reply = Assert.Single(replica.Turn().AppendReplies.Items.ToArray()).Message;
        Assert.Equal((false, new LogIndex(4), At(1, 1)), (reply.Accepted, reply.Match, reply.Hint));
    }

    [Fact] // Raft paper 5.3: "if an existing entry conflicts with a new one, delete the existing entry and all that follow it"
    public void A_contradiction_takes_back_everything_behind_it()
    {
        var replica = new LoneReplica(2, Voters(3), (1, "a"), (2, "lost"), (2, "lost too"));
        replica.Append(leader: 2, term: 3, At(1, 1), commit: 0, (3, "kept"));
        replica.Node.Flush(replica.Now, replica.Said);
        Assert.Equal(new LogIndex(2), replica.Said.TruncatedFrom);
        Assert.Equal(new LogIndex(2), replica.Said.Persist!.Value.TruncateFrom);
        Assert.Equal(At(3, 2), replica.Node.Log.Last);
    }

    [Fact] // Raft paper 5.3, Raft paper 5.5: appends are idempotent; a late one takes nothing back
    public void An_append_that_arrives_late_or_twice_takes_nothing_back()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Append(leader: 2, term: 2, default, commit: 0, (2, "a"), (2, "b"), (2, "c"));
        replica.Append(leader: 2, term: 2, default, commit: 0, (2, "a"));
        replica.Append(leader: 2, term: 2, default, commit: 0, (2, "a"));
        Assert.Equal(At(2, 3), replica.Node.Log.Last);
        Assert.All(replica.Turn().AppendReplies.Items.ToArray(), reply => Assert.True(reply.Message.Accepted));
        Assert.Equal(LogIndex.Zero, replica.Said.TruncatedFrom);
    }

    [Fact] // Raft paper 5.3: commit is min(leader's commit, last entry verified), never more than what was compared
    public void A_follower_commits_no_further_than_what_the_leader_has_verified()
    {
        var replica = new LoneReplica(2, Voters(3), (1, "a"), (1, "maybe another"));
        replica.Append(leader: 2, term: 3, At(1, 1), commit: 2);
        Assert.Equal(new LogIndex(1), replica.Node.Commit);
    }

    [Fact] // Raft paper 5.4.2, figure 8 (PEERS: figure-8)
    public void An_old_terms_entry_on_a_majority_is_committed_only_together_with_one_of_the_own_term()
    {
        var replica = new LoneReplica(3, Voters(5), (1, "a"), (2, "old"));
        replica.Lead(2, 3);
        replica.Turn(); // The no-op of term 4 is entry 3.
        replica.Acknowledge(2, 2);
        replica.Acknowledge(3, 2);
        Assert.Equal(LogIndex.Zero, replica.Node.Commit); // Three of five hold "old", and a leader of term 3 could still take it back.
        replica.Acknowledge(2, 3);
        replica.Acknowledge(3, 3);
        Assert.Equal(new LogIndex(3), replica.Node.Commit);
    }

    [Fact] // Found by seed 168: a commit announcement overtook its entry and was refused, the refusal was overtaken by the entry's acknowledgement, and the group came to rest.
    public void A_commit_that_a_refused_append_announced_is_announced_again()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Turn();
        replica.Acknowledge(2, 1);
        replica.Acknowledge(3, 1);
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message.Header.Commit == new LogIndex(1));
        Assert.DoesNotContain(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3));
        replica.Node.Step(replica.Now, Peer(3), new AppendReply(replica.Node.Term, false, new LogIndex(1), default, 0, SupportEpoch.None, true));
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message.Header.Commit == new LogIndex(1));
    }

    [Fact] // Found by seed 22 while a bug was planted: the append that announced the commit reached only to the entry before it, and a follower commits no further than an append reaches.
    public void A_commit_beyond_the_append_that_carried_it_is_announced_again()
    {
        var start = new RaftStart { Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = Voters(3) };
        var replica = new LoneReplica(start, new RaftOptions { AppendBytesMax = 1 });
        replica.Lead(2);
        replica.Turn();
        replica.Acknowledge(2, 1);
        replica.Acknowledge(3, 1);
        replica.Node.Propose(replica.Now, [1]);
        replica.Node.Propose(replica.Now, [2]);
        replica.Turn();
        replica.Acknowledge(2, 3);
        replica.Node.Step(replica.Now, Peer(3), new AppendReply(replica.Node.Term, false, new LogIndex(2), At(1, 1), 0, SupportEpoch.None, true)); // Of another history: it is probed.
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message is { First.Value: 2, Count: 1, Header.Commit.Value: 3 });
        replica.Acknowledge(3, 3); // Both entries had arrived after all.
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message.Header is { Previous.Index.Value: 3, Commit.Value: 3 });
    }

    [Fact] // Found by seeds 1 and 40 of the shards while bugs were planted: an announcement overtook its entry, its refusal was one of a pile that changes nothing, and the entry arrived after all.
    public void A_commit_that_was_refused_while_a_gap_was_closed_is_announced_again_when_it_is_closed()
    {
        var start = new RaftStart { Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = Voters(3) };
        var replica = new LoneReplica(start, new RaftOptions { AppendBytesMax = 1 });
        replica.Lead(2);
        replica.Turn();
        replica.Acknowledge(2, 1);
        replica.Acknowledge(3, 1);
        for (byte entry = 2; entry <= 4; entry++) replica.Node.Propose(replica.Now, [entry]);
        replica.Turn();
        replica.Acknowledge(2, 4);
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message.Header is { Previous.Index.Value: 4, Commit.Value: 4 });
        replica.Node.Step(replica.Now, Peer(3), new AppendReply(replica.Node.Term, false, new LogIndex(3), At(2, 2), 0, SupportEpoch.None, true));
        Assert.Equal(2, replica.Turn().Appends.Items.ToArray().Count(append => append.To == Peer(3))); // 3 and 4 again.
        replica.Node.Step(replica.Now, Peer(3), new AppendReply(replica.Node.Term, false, new LogIndex(4), At(2, 2), 0, SupportEpoch.None, true));
        Assert.DoesNotContain(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3));
        replica.Acknowledge(3, 4);
        Assert.Contains(replica.Turn().Appends.Items.ToArray(), append => append.To == Peer(3) && append.Message.Header is { Previous.Index.Value: 4, Commit.Value: 4 });
    }

    [Fact] // Raft paper 5.6: the election timeout stands far above the time of a broadcast
    public void Heartbeats_alone_keep_a_leader_when_node_pairs_say_nothing()
    {
        var cluster = new RaftCluster(3, beats: false);
        var leader = cluster.ElectLeader();
        var term = leader.Node.Term;
        cluster.Run(TimeSpan.FromSeconds(10));
        Assert.Equal((leader, term), (cluster.Leader, leader.Node.Term));
    }

    [Fact] // Raft thesis 6.2: check-quorum
    public void A_leader_that_hears_no_quorum_for_two_election_timeouts_leads_no_more()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        var until = replica.Now + 2 * new RaftOptions().ElectionTimeout + TimeSpan.FromMilliseconds(1);
        while (replica.Node.Role == RaftRole.Leader && replica.Node.Deadline <= until)
        {
            replica.Now = Instant.Max(replica.Node.Deadline, replica.Now + TimeSpan.FromMilliseconds(1));
            replica.Node.Tick(replica.Now);
            replica.Turn();
        }

        Assert.Equal(RaftRole.Follower, replica.Node.Role);
    }

    [Fact] // Raft thesis 9.6
    public void A_granted_pre_vote_changes_neither_term_nor_vote()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Node.Step(replica.Now, Peer(2), new RequestVote(new Term(7), default, IsPreVote: true, IsTransfer: false));
        var reply = Assert.Single(replica.Turn().VoteReplies.Items.ToArray()).Message;
        Assert.Equal(new VoteReply(new Term(7), true, true), reply);
        Assert.Equal((new Term(1), NodeId.None), (replica.Node.Term, replica.Node.Vote));
    }

    [Fact] // Raft thesis 4.2.3: a leader that was heard within the election timeout keeps its followers
    public void A_follower_that_has_just_heard_its_leader_ignores_even_a_newer_term()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Append(leader: 2, term: 2, default, commit: 0);
        replica.Turn();
        replica.Node.Step(replica.Now, Peer(3), new RequestVote(new Term(8), At(7, 50), false, false));
        Assert.Empty(replica.Turn().VoteReplies.Items.ToArray());
        Assert.Equal(new Term(2), replica.Node.Term);
    }

    [Fact] // Raft thesis 3.10
    public void A_transfer_waits_until_its_target_has_everything_and_then_gives_up_the_lease_first()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Turn();
        Assert.True(replica.Node.TransferLeadership(replica.Now, Peer(3)));
        Assert.Empty(replica.Turn().TimeoutNows.Items.ToArray());
        replica.Acknowledge(3, 1);
        Assert.Equal(Peer(3), Assert.Single(replica.Turn().TimeoutNows.Items.ToArray()).To);
        Assert.False(replica.Node.HoldsLease(replica.Now)); // (S3)
    }

    [Fact] // Raft thesis 3.10
    public void A_transfer_that_comes_to_nothing_is_given_up_and_proposals_are_taken_again()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Turn();
        replica.Node.TransferLeadership(replica.Now, Peer(3));
        Assert.Equal(ProposeStatus.Busy, replica.Node.Propose(replica.Now, [1]).Status);
        replica.Now += new RaftOptions().ElectionTimeout;
        replica.Acknowledge(2, 1);
        replica.Node.Tick(replica.Now);
        Assert.Equal(ProposeStatus.Accepted, replica.Node.Propose(replica.Now, [1]).Status);
    }

    [Fact] // Raft paper 7
    public void A_snapshot_keeps_the_entries_behind_it_when_the_log_holds_its_position()
    {
        var replica = new LoneReplica(2, Voters(3), (1, "a"), (2, "b"), (2, "c"));
        replica.Node.OnSnapshotInstalled(replica.Now, At(2, 2), Voters(3));
        Assert.Equal((At(2, 2), At(2, 3)), (replica.Node.Log.Base, replica.Node.Log.Last));
        Assert.Equal((new LogIndex(2), new LogIndex(3)), (replica.Node.Commit, replica.Node.Durable));
    }

    [Fact] // Raft paper 7
    public void A_snapshot_drops_everything_when_the_log_holds_another_term_at_its_position()
    {
        var replica = new LoneReplica(4, Voters(3), (1, "a"), (2, "b"), (2, "c"));
        replica.Node.OnSnapshotInstalled(replica.Now, At(3, 2), Voters(3));
        Assert.Equal((At(3, 2), At(3, 2)), (replica.Node.Log.Base, replica.Node.Log.Last));
        replica.Node.Flush(replica.Now, replica.Said);
        Assert.Equal(new LogIndex(3), replica.Said.Persist!.Value.TruncateFrom); // The disk must forget it too.
    }

    [Fact] // The storage ends the process when it is told to truncate below a snapshot.
    public void A_truncation_that_the_disk_has_not_heard_of_does_not_reach_below_a_snapshot_that_came_meanwhile()
    {
        var replica = new LoneReplica(3, Voters(3), (1, "a"), (2, "lost"), (2, "lost too"), (2, "and this"));
        replica.Append(leader: 2, term: 3, At(1, 1), commit: 1, (3, "b"), (3, "c"), (3, "d"));
        replica.Node.OnSnapshotInstalled(replica.Now, At(3, 3), Voters(3)); // In the same turn: nothing of the append was handed over.
        replica.Node.Flush(replica.Now, replica.Said);
        var persist = replica.Said.Persist!.Value;
        Assert.Equal((new LogIndex(4), new LogIndex(4), 1), (persist.TruncateFrom, persist.First, persist.Count));
        Assert.Equal(new LogIndex(3), replica.Node.Durable);
        Assert.Equal(At(3, 4), replica.Node.Log.Last);
    }

    [Fact] // (S1; PEERS: fsync error retried) A write that failed is never reported, so nothing may ever be said that depends on it.
    public void What_is_written_after_a_write_that_never_completed_is_not_vouched_for()
    {
        var replica = new LoneReplica(2, Voters(3));
        replica.Append(leader: 2, term: 2, default, commit: 0, (2, "fails"));
        replica.Node.Flush(replica.Now, replica.Said);
        replica.Said.Clear();
        replica.Append(leader: 2, term: 2, At(2, 1), commit: 0, (2, "never asked"));
        replica.Node.Flush(replica.Now, replica.Said);
        Assert.All(replica.Said.AppendReplies.Items.ToArray(), reply => Assert.Equal(LogIndex.Zero, reply.Message.Match));
        Assert.Equal(LogIndex.Zero, replica.Node.Durable);
    }

    [Fact] // Raft thesis 6.4 (PEERS: etcd #7331)
    public void A_round_confirmed_by_a_quorum_grants_no_read_before_an_entry_of_the_own_term_is_committed()
    {
        var replica = new LoneReplica(3, Voters(3), (1, "committed by a leader that is gone, perhaps"));
        replica.Lead(2);
        replica.Turn();
        replica.Node.ReadIndex(replica.Now, 7);
        replica.Turn();
        replica.Node.Step(replica.Now, Peer(2), new AppendReply(replica.Node.Term, true, new LogIndex(1), default, ReadRound: 1, SupportEpoch.None, true));
        Assert.Empty(replica.Turn().Reads.Items.ToArray());
        replica.Acknowledge(2, 2);
        Assert.Equal(new ReadReady(7, new LogIndex(2), true), Assert.Single(replica.Turn().Reads.Items.ToArray()));
    }

    [Fact]
    public void S2_a_promise_is_worth_nothing_until_the_vote_is_bound_to_its_epoch_in_this_term()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Turn();
        var epoch = new SupportEpoch(1UL << 32);
        replica.Support.OnReply(Peer(2), new SupportReply(replica.Now, TimeSpan.FromMilliseconds(300), epoch));
        replica.Acknowledge(2, 1);
        Assert.True(replica.Node.HasCommittedInTerm);
        Assert.False(replica.Node.HoldsLease(replica.Now));
        replica.Node.Step(replica.Now, Peer(2), new AppendReply(replica.Node.Term, true, new LogIndex(1), default, 0, new SupportEpoch(7), true));
        Assert.False(replica.Node.HoldsLease(replica.Now)); // Bound, but to another stretch of support.
        replica.Node.Step(replica.Now, Peer(2), new AppendReply(replica.Node.Term, true, new LogIndex(1), default, 0, epoch, true));
        Assert.True(replica.Node.HoldsLease(replica.Now));
        Assert.False(replica.Node.HoldsLease(replica.Now + TimeSpan.FromMilliseconds(298))); // (S3) shortened by the drift bound.
    }

    [Fact] // (S2) both halves of a joint configuration
    public void While_two_sets_are_in_force_an_election_needs_both()
    {
        var joint = Voters(3).JoinTowards(Configuration.OfVoters(new(1), new(4), new(5)));
        var replica = new LoneReplica(1, joint);
        replica.Now = replica.Node.Deadline;
        replica.Node.Tick(replica.Now);
        foreach (var id in new[] { 4, 5 }) replica.Node.Step(replica.Now, Peer(id), new VoteReply(new Term(2), true, true));
        Assert.Equal(RaftRole.PreCandidate, replica.Node.Role);
        replica.Node.Step(replica.Now, Peer(2), new VoteReply(new Term(2), true, true));
        Assert.Equal(RaftRole.Candidate, replica.Node.Role);
    }

    [Fact] // (S3)
    public void A_restarted_voter_refuses_pre_votes_too_until_its_old_promises_have_lapsed()
    {
        var replica = new LoneReplica(new RaftStart { Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = Voters(3), IsRestart = true });
        Assert.False(AskPreVote(replica));
        replica.Now += RaftOptions.LeaseMax;
        Assert.True(AskPreVote(replica));
    }

    [Fact] // (S3, S8) It has promised nothing to anybody, and nobody could repair it.
    public void A_sole_voter_is_silent_for_nobody_and_keeps_what_it_has_even_when_damaged()
    {
        var replica = new LoneReplica(new RaftStart
        {
            Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = Voters(1), IsRestart = true, DamagedUpTo = new LogIndex(9),
            Entries = [new Entry(At(1, 1), EntryKind.Command, new byte[] { 1 })],
        });
        Assert.Equal(replica.Now, replica.Node.Deadline);
        replica.Node.Tick(replica.Now);
        replica.Turn();
        Assert.Equal((RaftRole.Leader, true), (replica.Node.Role, replica.Node.IsWhole));
        Assert.Equal(new LogIndex(2), replica.Node.Log.Last.Index);
    }

    [Fact] // (S8) It neither votes nor stands, though its log is the longest.
    public void A_damaged_voter_refuses_votes_and_pre_votes_and_does_not_stand()
    {
        var replica = new LoneReplica(new RaftStart { Self = Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = Voters(3), DamagedUpTo = new LogIndex(1) });
        Assert.False(AskPreVote(replica));
        Assert.False(Ask(replica, candidate: 2, term: replica.Node.Term.Value + 1));
        replica.Now = replica.Node.Deadline;
        replica.Node.Tick(replica.Now);
        Assert.Empty(replica.Turn().RequestVotes.Items.ToArray());
    }

    [Fact] // (S2) "itself included"
    public void A_follower_that_is_bound_does_not_stand_itself_until_its_support_is_withdrawn()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Support.OnBeat(replica.Now, Peer(2), new SupportBeat(replica.Now, TimeSpan.FromMilliseconds(300)));
        replica.Append(leader: 2, term: 2, default, commit: 0);
        replica.Turn();
        Assert.Equal(Instant.Never, replica.Node.Deadline);
        replica.Now += TimeSpan.FromMilliseconds(301);
        var withdrawn = new List<NodeId>();
        replica.Support.WithdrawLapsed(replica.Now, withdrawn);
        Assert.Equal(Peer(2), Assert.Single(withdrawn));
        replica.Node.OnSupportWithdrawn(replica.Now, Peer(2));
        Assert.True(replica.Node.Deadline < replica.Now + new RaftOptions().ElectionTimeout);
    }

    [Fact] // (R1.2) The budget of the steady path: nothing.
    public void Proposing_replicating_and_committing_allocate_nothing_once_warm()
    {
        var replica = new LoneReplica(1, Voters(3));
        replica.Lead(2);
        replica.Turn();
        var payload = new byte[256];
        for (var i = 0; i < 5000; i++) ProposeAndCommit(replica, payload);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 5000; i++) ProposeAndCommit(replica, payload);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(replica.Node.Commit.Value > 9000);
    }

    private static void ProposeAndCommit(LoneReplica replica, byte[] payload)
    {
        replica.Node.Propose(replica.Now, payload);
        replica.Turn();
        var last = replica.Node.Log.Last.Index;
        replica.Acknowledge(2, last.Value);
        replica.Acknowledge(3, last.Value);
        replica.Turn();
        replica.Node.OnApplied(replica.Node.Commit);
        if (last.Value % 64 == 0) replica.Node.Compact(replica.Node.Commit);
    }

    private static bool AskPreVote(LoneReplica replica)
    {
        replica.Node.Step(replica.Now, Peer(2), new RequestVote(replica.Node.Term.Next, At(8, 99), IsPreVote: true, IsTransfer: false));
        return Assert.Single(replica.Turn().VoteReplies.Items.ToArray()).Message.Granted;
    }

    private static bool Ask(LoneReplica replica, int candidate, ulong term)
    {
        replica.Node.Step(replica.Now, Peer(candidate), new RequestVote(new Term(term), default, false, false));
        return Assert.Single(replica.Turn().VoteReplies.Items.ToArray()).Message.Granted;
    }
}
