using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What a replica owes its leader: a bound vote (S2), acknowledgements of what is verified and durable (S1), and its word on whether its log is whole (S8).</summary>
internal sealed class Follower
{
    private static readonly Mark VoteKept = new("raft: vote refused, bound to a supported leader");
    private static readonly Mark StaleAppendRefused = new("raft: append of an old term refused");
    private static readonly Mark LogRepaired = new("raft: damaged log repaired by the leader");
    private static readonly Mark VoteReleased = new("raft: bound vote released by a former leader");

    private readonly TimeSpan patience;
    private readonly PlantedBug bug;
    private readonly Standing standing;
    private readonly Journal journal;
    private readonly ElectionTimer timer;
    private readonly Effects held;
    private static readonly Mark RepairedByRoll = new("raft: damaged log repaired by the leader that all agreed on");

    private readonly Acknowledgement acknowledgement = new();
    private (Term Term, NodeId Caller, LogPosition Last) pledge;
    private Instant asksAt = Instant.Never;

    public Follower(RaftOptions options, Standing standing, Journal journal, ElectionTimer timer, VoteBinding binding, Effects held, LogIndex damagedUpTo)
    {
        (patience, bug) = (options.ElectionTimeout * 2, options.Bug);
        this.standing = standing;
        this.journal = journal;
        this.timer = timer;
        this.held = held;
        Binding = binding;
        DamagedUpTo = damagedUpTo;
    }

    public VoteBinding Binding { get; }

    /// <summary>False from a recovery that found damage until a leader has repaired the log (S8).</summary>
    public bool IsWhole => DamagedUpTo == LogIndex.Zero;

    /// <summary>Zero when the log is whole; else this replica may have acknowledged entries up to here that it no longer has.</summary>
    public LogIndex DamagedUpTo { get; private set; }

    /// <summary>Whether an answer is due that no message in <see cref="Effects"/> speaks for yet.</summary>
    public bool IsAnswerDue => acknowledgement.IsDue(journal.Durable);

    /// <summary>
    /// When a follower that has entries of which it does not know whether they are committed asks its silent leader. Mostly the word is on its way; but a leader says it once, and a group at rest would not say it again if it was lost.
    /// </summary>
    public Instant AsksAt => journal.Last.Index > journal.Commit && standing.FollowsSomebody && IsWhole && journal.Configuration.Contains(standing.Self) && bug != PlantedBug.MissedCommitNotAskedFor ? asksAt : Instant.Never;

    /// <summary>A new term: nothing is verified in it, nothing owed.</summary>
    public void OnTerm() => acknowledgement.Reset();

    /// <summary>A leader of the current term was heard: stay, and bind the vote to the support of now.</summary>
    public void Obey(Instant now)
    {
        timer.OnHeard(now);
        asksAt = now + patience;
        Binding.BindTo(standing.Leader, standing.Term);
    }

    /// <summary>Takes an append whose previous entry may not match: entries are taken or the append is refused with a hint (Raft paper 5.3).</summary>
    public void Take(Instant now, in AppendHeader header, EntryBatch entries)
    {
        if (header.Previous.Index >= journal.Log.Base.Index && !journal.Log.Matches(header.Previous))
        {
            Reject(standing.Leader, header);
            return;
        }

        var last = journal.TakeEntries(header.Previous.Index, entries);
        acknowledgement.OnVerified(last);
        acknowledgement.OnAppend(header.ReadRound, answerAtOnce: last <= journal.Durable);
        journal.CommitTo(LogIndex.Min(header.Commit, last));
        RepairIfCovered(now);
    }

    /// <summary>An append of an earlier term: its sender learns of the newer one.</summary>
    public void RejectStale(NodeId from, in AppendHeader header)
    {
        StaleAppendRefused.Hit();
        Reject(from, header);
    }

    /// <summary>An offer of an earlier term: likewise.</summary>
    public void RejectStale(NodeId from, in OfferSnapshot offer) =>
        held.AppendReplies.Add(new(from, new AppendReply(standing.Term, false, offer.Position.Index, journal.Last, 0, SupportEpoch.None, IsWhole)));

    /// <summary>Neither the vote nor the term: a candidate that cannot win must not unsettle a reign (Raft thesis 4.2.3).</summary>
    public void KeepVote(NodeId from, in RequestVote request)
    {
        VoteKept.Hit();
        AskWhetherStillLeading();
        if (request.IsPreVote) held.VoteReplies.Add(new(from, new VoteReply(standing.Term, false, true)));
    }

    /// <summary>Time has passed.</summary>
    public void Tick(Instant now)
    {
        if (now < AsksAt) return;
        asksAt = now + patience;
        AskAgain();
    }

    /// <summary>Refuses nothing, and so changes nothing of what the leader knows but which commit it has announced: it announces it again.</summary>
    public void AskAgain() =>
        held.AppendReplies.Add(new(standing.Leader, new AppendReply(standing.Term, false, LogIndex.Zero, journal.Last, 0, BoundTo(standing.Leader), IsWhole)));

    private void Reject(NodeId from, in AppendHeader header)
    {
        var hint = journal.Log.LastNotAbove(header.Previous.Index, header.Previous.Term);
        held.AppendReplies.Add(new(from, new AppendReply(standing.Term, false, header.Previous.Index, hint, header.ReadRound, BoundTo(from), IsWhole)));
    }

    /// <summary>What is committed agrees with every later leader (leader completeness), and the leader must hear of it.</summary>
    public void AcknowledgeCommitted()
    {
        acknowledgement.OnVerified(journal.Commit);
        acknowledgement.Owe();
    }

    /// <summary>Says what is due. The caller has made sure that the hard state is durable.</summary>
    public void Acknowledge()
    {
        if (!standing.FollowsSomebody || !IsAnswerDue) return;
        var match = acknowledgement.Take(journal.Durable);
        held.AppendReplies.Add(new(standing.Leader, new AppendReply(standing.Term, true, match, default, acknowledgement.Round, BoundTo(standing.Leader), IsWhole)));
    }

    /// <summary>
    /// A damaged log is whole again when it durably holds everything up to a commit in the leader's own term: whatever this replica had
    /// acknowledged and was committed is among it (leader completeness). Or, where all agreed on the leader because too few were whole, all that the leader's log
    /// held then: nobody has more (S8).
    /// </summary>
    public void RepairIfCovered(Instant now)
    {
        if (IsWhole) return;
        var held = LogIndex.Min(acknowledgement.Verified, journal.Durable);
        var byRoll = standing.FollowsSomebody && pledge.Term == standing.Term && pledge.Caller == standing.Leader && held >= pledge.Last.Index;
        if (!byRoll && (!journal.HasCommittedIn(standing.Term) || held < journal.Commit)) return;
        if (byRoll) RepairedByRoll.Hit();
        else LogRepaired.Hit();
        DamagedUpTo = LogIndex.Zero;
        acknowledgement.Owe();
        timer.Restart(now);
    }

    /// <summary>
    /// This replica agreed, in the current term, that nobody's log ends later than a caller's: if the caller comes to lead, its log is all there is (S8). Another's reign in the
    /// same term, won by the votes of a whole majority, says nothing of the kind.
    /// </summary>
    public void Pledge(NodeId caller, LogPosition last) => pledge = (standing.Term, caller, last);

    /// <summary>All agreed on this replica: what its own log holds is all there is (S8).</summary>
    public void OnElectedByAll() => DamagedUpTo = LogIndex.Zero;

    /// <summary>An unasked-for answer to the leader this vote is bound to: one that leads no more replies by releasing it.</summary>
    public void AskWhetherStillLeading()
    {
        if (!Binding.IsBound || standing.IsLeader) return;
        held.AppendReplies.Add(new(Binding.Leader, new AppendReply(Binding.Term, true, LogIndex.Zero, default, 0, Binding.Epoch, IsWhole)));
    }

    /// <summary>The node to which the vote is bound says that it leads that term no more, and so never will again: the vote is free (S2).</summary>
    public void OnReleased(Instant now, NodeId from, Term term)
    {
        if (Binding.Leader != from || Binding.Term != term || !Binding.IsBound) return;
        VoteReleased.Hit();
        Binding.Release();
        if (standing.Role == RaftRole.Follower) timer.OnVoteFreed(now);
        if (standing.Leader == from) timer.ForgetHeard(now);
    }

    private SupportEpoch BoundTo(NodeId leader) => Binding.Leader == leader && Binding.Term == standing.Term ? Binding.Epoch : SupportEpoch.None;
}
