using Holdfast.Primitives;

namespace Holdfast.Consensus.Tests;

/// <summary>SAFETY S8, last part: with too few whole voters all voters persist a common higher term, then answer; what any disk still holds is kept.</summary>
public sealed class RollCallTests
{
    private static readonly Configuration WithWitness =
        Configuration.Of(new Member(new NodeId(1), MemberRole.Voter), new Member(new NodeId(2), MemberRole.Voter), new Member(new NodeId(3), MemberRole.Witness));

    [Fact] // (S8) The rack's power comes back, and each log may have lost its last commit.
    public void A_group_whose_voters_are_all_damaged_elects_the_best_log_that_is_left()
    {
        var cluster = Written(3, "a", "b");
        CrashAll(cluster);
        var end = cluster[1].DurableLast;
        RestartDamaged(cluster, 1, lost: 1, doubt: 2);
        RestartDamaged(cluster, 2, lost: 0, doubt: 1);
        RestartDamaged(cluster, 3, lost: 1, doubt: 1);
        var leader = cluster.ElectLeader();
        Assert.Same(cluster[2], leader);
        cluster.RunUntil(() => cluster.Replicas.Values.All(replica => replica.Node.IsWhole && replica.Applied.Contains("b")), "all are whole again and have everything");
        Assert.True(leader.RollHeld is { MayHaveLost: true } held && held.DoubtUpTo == end.Next, "an operator is told of one more entry, of which nobody knows whether it was acknowledged");
    }

    [Fact] // (S8) "the entry goes only if ... all answered and none has it"
    public void A_whole_voter_with_the_entry_leads_though_all_others_are_damaged()
    {
        var cluster = Written(3, "a", "acknowledged");
        CrashAll(cluster);
        cluster.Restart(1);
        RestartDamaged(cluster, 2, lost: 1, doubt: 1);
        RestartDamaged(cluster, 3, lost: 1, doubt: 1);
        Assert.Same(cluster[1], cluster.ElectLeader());
        cluster.RunUntil(() => cluster.Replicas.Values.All(replica => replica.Node.IsWhole && replica.Applied.Contains("acknowledged")), "what one whole disk held is everywhere");
        Assert.False(cluster[1].RollHeld is { MayHaveLost: true });
    }

    [Fact] // (S8) A damaged voter cannot say what it once had: without the third nothing is known.
    public void Two_damaged_voters_wait_for_the_third_however_long()
    {
        var cluster = Written(3, "a", "acknowledged");
        CrashAll(cluster);
        RestartDamaged(cluster, 2, lost: 1, doubt: 1);
        RestartDamaged(cluster, 3, lost: 1, doubt: 1);
        cluster.Run(TimeSpan.FromSeconds(20));
        Assert.Null(cluster.Leader);
        Assert.Equal(new NodeId(1), cluster[2].Node.RollAwaits);
        var term = cluster[2].Node.Term;
        cluster.Run(TimeSpan.FromSeconds(5));
        Assert.Equal(term, cluster[2].Node.Term); // A trial has no consequence: waiting wears out no terms.
        cluster.Restart(1);
        Assert.Same(cluster[1], cluster.ElectLeader());
        Assert.Contains("acknowledged", cluster[1].Applied);
    }

    [Fact] // (S8) One whole voter of three is no majority either, and its log may be the shorter one.
    public void A_whole_voter_and_a_damaged_one_wait_for_the_third()
    {
        var cluster = Written(3, "a", "acknowledged");
        CrashAll(cluster);
        RestartDamaged(cluster, 2, lost: 1, doubt: 1);
        cluster.Restart(3);
        cluster.Run(TimeSpan.FromSeconds(10));
        Assert.Null(cluster.Leader);
        RestartDamaged(cluster, 1, lost: 0, doubt: 1);
        cluster.ElectLeader();
        cluster.RunUntil(() => cluster.Replicas.Values.All(replica => replica.Node.IsWhole && replica.Applied.Contains("acknowledged")), "all are whole");
    }

    [Fact] // (S8) Whole voters decide as ever; nobody is asked for a roll.
    public void A_majority_of_whole_voters_needs_no_roll_call()
    {
        var cluster = Written(3, "a");
        CrashAll(cluster);
        cluster.Restart(1);
        cluster.Restart(2);
        RestartDamaged(cluster, 3, lost: 1, doubt: 1);
        cluster.ElectLeader();
        cluster.RunUntil(() => cluster[3].Node.IsWhole, "the damaged one is repaired");
        Assert.DoesNotContain(cluster.Transcript, said => said.Split(' ')[1] == "all");
    }

    [Fact] // (S8) Idempotent: whoever crashes in the middle begins anew.
    public void A_leader_elected_by_all_may_crash_before_it_has_repaired_anybody()
    {
        var cluster = Written(3, "a", "b");
        CrashAll(cluster);
        for (var id = 1; id <= 3; id++) RestartDamaged(cluster, id, lost: 0, doubt: 1);
        cluster.RunUntil(() => cluster.Leader is not null, "one leads");
        var first = cluster.Leader!;
        var id1 = (int)first.Id.Value;
        cluster.Crash(id1);
        RestartDamaged(cluster, id1, lost: 0, doubt: 1);
        cluster.ElectLeader();
        cluster.RunUntil(() => cluster.Replicas.Values.All(replica => replica.Node.IsWhole && replica.Applied.Contains("b")), "all are whole");
    }

    [Fact] // (S8) Both halves decide: a voter on its way out may be the only one that has the entry.
    public void In_a_joint_configuration_both_halves_are_asked()
    {
        var joint = Configuration.OfVoters(new NodeId(1), new NodeId(2), new NodeId(3)).JoinTowards(Configuration.OfVoters(new NodeId(1), new NodeId(2)));
        var replica = Damaged(joint, new LogIndex(5));
        var asked = CallRoll(replica);
        Assert.Equal([new NodeId(2), new NodeId(3)], asked.Select(outbound => outbound.To));
        Answer(replica, 2, granted: true, isTrial: true);
        Assert.Empty(replica.Turn().RollCalls.Items.ToArray());
        Answer(replica, 3, granted: true, isTrial: true);
        Assert.Equal(2, replica.Turn().RollCalls.Items.Length);
    }

    [Fact] // (S8) It may be a voter of a configuration that this log has lost, and hold what that one committed.
    public void A_learner_is_asked_too()
    {
        var configuration = Configuration.Of(new Member(new NodeId(1), MemberRole.Voter), new Member(new NodeId(2), MemberRole.Voter), new Member(new NodeId(3), MemberRole.Learner));
        var replica = Damaged(configuration, new LogIndex(5));
        CallRoll(replica);
        Answer(replica, 2, granted: true, isTrial: true);
        Assert.Empty(replica.Turn().RollCalls.Items.ToArray());
        Answer(replica, 3, granted: true, isTrial: true);
        Assert.NotEmpty(replica.Turn().RollCalls.Items.ToArray());
    }

    [Fact] // (S8) Why a learner's answer is needed: the change that made it a voter may be lost with the caller's tail, and a majority of the newer configuration may be going on without the caller.
    public void A_learner_that_a_lost_change_made_a_voter_does_not_yield()
    {
        var before = Configuration.Of(
            new Member(new NodeId(1), MemberRole.Voter), new Member(new NodeId(2), MemberRole.Voter), new Member(new NodeId(3), MemberRole.Voter), new Member(new NodeId(4), MemberRole.Learner), new Member(new NodeId(5), MemberRole.Learner));
        var after = before.JoinTowards(Configuration.OfVoters(new NodeId(1), new NodeId(4), new NodeId(5)));
        var payload = new Holdfast.Wire.ByteBuffer(64);
        after.Encode(payload);
        Entry Change(EntryKind kind) => new(LoneReplica.At(1, 2), kind, kind == EntryKind.Configuration ? payload.Written.ToArray() : default);
        RaftStart Start(EntryKind second) => new()
        {
            Self = new NodeId(4), Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = before,
            Entries = [new Entry(LoneReplica.At(1, 1), EntryKind.Command, default), Change(second)],
        };
        Assert.True(AnswerTo(new LoneReplica(Start(EntryKind.Command)), LoneReplica.At(1, 1)).Granted); // Still a learner: nobody could replicate from it.
        Assert.False(AnswerTo(new LoneReplica(Start(EntryKind.Configuration)), LoneReplica.At(1, 1)).Granted);
    }

    [Fact] // (S8) A pledge is about the caller's log. Five voters: in the very term of a call that failed, whole voters elect another, who need not have what this one lost.
    public void A_pledge_repairs_nothing_under_another_leader_of_the_same_term()
    {
        Assert.False(WholeAfterPledge(caller: 2, leader: 3));
        Assert.True(WholeAfterPledge(caller: 2, leader: 2));
    }

    [Fact] // (S8) Votes count only while no roll is called; whoever called it may have died since, and whole voters can elect again.
    public void A_whole_voter_whose_call_was_left_unanswered_wins_an_ordinary_election()
    {
        var replica = new LoneReplica(5, LoneReplica.Voters(3), (1, "a"));
        CallRollWhole(replica);
        Answer(replica, 2, granted: true, isTrial: true);
        Answer(replica, 3, granted: true, isTrial: true);
        Assert.Equal(2, replica.Turn().RollCalls.Items.Length); // In earnest, and nobody answers.
        replica.Lead(3);
    }

    [Fact] // (S8) What an operator is told is of now.
    public void Nobody_is_waited_for_once_somebody_leads()
    {
        var replica = Damaged(LoneReplica.Voters(3), new LogIndex(5));
        CallRoll(replica);
        CallRoll(replica);
        Assert.NotEqual(NodeId.None, replica.Node.RollAwaits);
        replica.Append(leader: 2, term: replica.Node.Term.Value + 1, default, commit: 0);
        replica.Node.Step(replica.Now, LoneReplica.Peer(3), new VoteReply(replica.Node.Term.Next, false, false)); // And nobody leads again.
        Assert.Equal(NodeId.None, replica.Node.Leader);
        Assert.Equal(NodeId.None, replica.Node.RollAwaits);
    }

    [Fact] // (S8) "persist a common higher term, then answer"
    public void A_roll_call_is_answered_only_when_the_higher_term_is_on_the_disk()
    {
        var replica = Damaged(LoneReplica.Voters(3), new LogIndex(5));
        var term = replica.Node.Term.Next.Next;
        replica.Node.Step(replica.Now, LoneReplica.Peer(2), new CallRoll(term, LoneReplica.At(1, 1), IsTrial: false));
        var effects = new Effects();
        replica.Node.Flush(replica.Now, effects);
        Assert.Equal(new HardState(term, LoneReplica.Peer(2)), effects.Persist!.Value.HardState);
        Assert.Empty(effects.RollAnswers.Items.ToArray());
        replica.Node.OnDurable(replica.Now, effects.Persist.Value.Token);
        effects.Clear();
        replica.Node.Flush(replica.Now, effects);
        Assert.Equal(new RollAnswer(term, true, false, default, new LogIndex(5)), Assert.Single(effects.RollAnswers.Items.ToArray()).Message);
    }

    [Fact] // (S8)
    public void A_roll_call_is_refused_by_a_log_that_ends_later()
    {
        var replica = new LoneReplica(5, LoneReplica.Voters(3), (1, "a"), (4, "b"));
        Assert.False(AnswerTo(replica, LoneReplica.At(3, 9)).Granted);
        Assert.True(AnswerTo(replica, LoneReplica.At(4, 2)).Granted);
    }

    [Fact] // (S3, S8)
    public void A_restarted_voter_refuses_a_roll_call_while_it_is_silent()
    {
        var replica = new LoneReplica(new RaftStart { Self = LoneReplica.Self, Group = new GroupId(7), Configuration = LoneReplica.Voters(3), IsRestart = true, DamagedUpTo = new LogIndex(5) });
        Assert.False(AnswerTo(replica, LoneReplica.At(9, 9)).Granted);
        replica.Now += RaftOptions.LeaseMax;
        Assert.True(AnswerTo(replica, LoneReplica.At(9, 9)).Granted);
    }

    [Fact] // (S2, S8)
    public void A_follower_that_hears_its_leader_refuses_a_roll_call_and_keeps_its_term()
    {
        var replica = new LoneReplica(2, LoneReplica.Voters(3));
        replica.Append(leader: 2, term: 2, default, commit: 0);
        replica.Turn();
        replica.Node.Step(replica.Now, LoneReplica.Peer(3), new CallRoll(new Term(7), LoneReplica.At(9, 9), IsTrial: false));
        Assert.Empty(replica.Turn().RollAnswers.Items.ToArray());
        Assert.Equal(new Term(2), replica.Node.Term);
    }

    [Fact] // (S8) No payload is there to lead with; what the witness knows to be committed is another matter.
    public void A_witness_yields_its_longer_log_unless_it_knows_it_to_be_committed()
    {
        var self = new NodeId(3);
        var entries = new[] { new Entry(LoneReplica.At(1, 1), EntryKind.Command, default), new Entry(LoneReplica.At(1, 2), EntryKind.Command, default) };
        var start = new RaftStart { Self = self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = WithWitness, Entries = entries };
        Assert.True(AnswerTo(new LoneReplica(start), LoneReplica.At(1, 1)).Granted);

        var knows = new LoneReplica(start);
        knows.Append(leader: 1, term: 1, LoneReplica.At(1, 2), commit: 2);
        knows.Turn();
        knows.Now += TimeSpan.FromSeconds(1);
        Assert.False(AnswerTo(knows, LoneReplica.At(1, 1)).Granted);
    }

    [Fact] // (S8) It may have lost a newer term, with its vote there: no leader of such a term may take it for a repaired follower.
    public void A_damaged_replica_begins_in_a_term_beyond_any_that_it_may_have_lost()
    {
        var replica = Damaged(LoneReplica.Voters(3), new LogIndex(5));
        Assert.Equal(new Term(1 + RaftNode.TermsLostMax), replica.Node.Term);
        replica.Append(leader: 2, term: 3, default, commit: 0, (3, "of a deposed leader"));
        var reply = Assert.Single(replica.Turn().AppendReplies.Items.ToArray()).Message;
        Assert.Equal((false, replica.Node.Term), (reply.Accepted, reply.Term));
    }

    [Fact] // (S8) Simulator, seed 86: a leader that only offers a snapshot would never hear of the term that the damaged replica leapt to.
    public void A_damaged_replica_tells_a_leader_that_offers_it_a_snapshot_of_its_newer_term()
    {
        var replica = Damaged(LoneReplica.Voters(3), new LogIndex(5));
        replica.Node.Step(replica.Now, LoneReplica.Peer(2), new OfferSnapshot(new Term(3), LoneReplica.At(3, 90)));
        var reply = Assert.Single(replica.Turn().AppendReplies.Items.ToArray()).Message;
        Assert.Equal((false, replica.Node.Term), (reply.Accepted, reply.Term));
    }

    private static RaftCluster Written(int voters, params string[] commands)
    {
        var cluster = new RaftCluster(voters);
        var leader = cluster.Elect(1);
        foreach (var command in commands) cluster.ProposeAndSettle(leader, command);
        cluster.Run(TimeSpan.FromMilliseconds(200));
        return cluster;
    }

    private static void CrashAll(RaftCluster cluster)
    {
        foreach (var replica in cluster.Replicas.Values) replica.IsUp = false;
    }

    /// <param name="lost">How many entries cannot be read.</param>
    /// <param name="doubt">How many entries may have followed those that can.</param>
    private static void RestartDamaged(RaftCluster cluster, int id, int lost, ulong doubt)
    {
        var found = cluster[id].Recovered();
        var entries = found.Entries.Take(found.Entries.Count - lost).ToArray();
        cluster.Restart(id, found with { Entries = entries, DamagedUpTo = entries[^1].Position.Index + doubt });
        Assert.False(cluster[id].Node.IsWhole);
    }

    private static LoneReplica Damaged(Configuration configuration, LogIndex upTo) =>
        new(new RaftStart { Self = LoneReplica.Self, Group = new GroupId(7), HardState = new HardState(new Term(1), NodeId.None), Configuration = configuration, DamagedUpTo = upTo });

    private static Outbound<CallRoll>[] CallRoll(LoneReplica replica)
    {
        for (var tries = 0; tries < 20; tries++)
        {
            replica.Now = replica.Node.Deadline;
            replica.Node.Tick(replica.Now);
            if (replica.Turn().RollCalls.Items.ToArray() is { Length: > 0 } asked) return asked;
        }

        Assert.Fail("the roll was never called");
        return [];
    }

    /// <summary>A damaged voter asks a whole one, which then calls as well, beside its own pre-votes; and asks no more, so that the next time the whole one stands for itself only.</summary>
    private static void CallRollWhole(LoneReplica replica)
    {
        replica.Now = replica.Node.Deadline - TimeSpan.FromMilliseconds(1100); // It is heeded for four election timeouts.
        replica.Node.Step(replica.Now, LoneReplica.Peer(2), new CallRoll(replica.Node.Term.Next, LoneReplica.At(1, 1), IsTrial: true));
        Assert.NotEmpty(CallRoll(replica));
    }

    private static bool WholeAfterPledge(int caller, int leader)
    {
        var replica = Damaged(LoneReplica.Voters(5), new LogIndex(5));
        var term = replica.Node.Term.Next;
        replica.Node.Step(replica.Now, LoneReplica.Peer(caller), new CallRoll(term, LoneReplica.At(1, 1), IsTrial: false));
        Assert.True(Assert.Single(replica.Turn().RollAnswers.Items.ToArray()).Message.Granted);
        replica.Append(leader, term.Value, default, commit: 0, (1, "a"));
        replica.Turn();
        replica.Turn();
        return replica.Node.IsWhole;
    }

    private static void Answer(LoneReplica replica, int from, bool granted, bool isTrial) =>
        replica.Node.Step(replica.Now, LoneReplica.Peer(from), new RollAnswer(isTrial ? replica.Node.Term.Next : replica.Node.Term, granted, isTrial, default, default));

    private static RollAnswer AnswerTo(LoneReplica replica, LogPosition last)
    {
        replica.Node.Step(replica.Now, LoneReplica.Peer(2), new CallRoll(replica.Node.Term.Next, last, IsTrial: true));
        return Assert.Single(replica.Turn().RollAnswers.Items.ToArray()).Message;
    }
}
