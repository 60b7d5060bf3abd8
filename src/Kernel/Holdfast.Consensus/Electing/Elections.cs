using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// The elections of a group as one replica lives through them (Raft paper 5.2, 5.4.1; thesis 3.10, 4.2.3, 9.6): it is asked for its vote, it stands, it counts. Where too few voters are whole for an election by a
/// majority, the roll is called (S8).
/// </summary>
internal sealed class Elections(Replica replica, Reigns reigns, PlantedBug bug)
{
    private readonly Standing standing = replica.Standing;
    private readonly ElectionTimer timer = replica.Timer;
    private readonly Follower follower = replica.Follower;
    private readonly RollCall roll = replica.Roll;
    private readonly Effects held = replica.Held;
    private readonly Voter voter = new(replica.Standing, replica.Journal, replica.Timer, replica.Follower, bug);
    private readonly Candidacy candidacy = new(replica.Standing, replica.Journal, replica.Held, bug);
    private RollHeld? rollHeld;

    /// <summary>When this replica stands; a bound follower of a quiet group never does by itself.</summary>
    public Instant Deadline => candidacy.MayStand && !(standing.Role == RaftRole.Follower && follower.Binding.IsBound) ? timer.At : Instant.Never;

    // ---- Asked by others ---------------------------------------------------------------------------------------------------------

    public void OnRequestVote(Instant now, NodeId from, in RequestVote request)
    {
        if (request.Term < standing.Term || (request.IsPreVote && request.Term == standing.Term))
        {
            held.VoteReplies.Add(new(from, new VoteReply(standing.Term, false, request.IsPreVote)));
            return;
        }

        if (!IsBlessedByLeader(request) && IsSpokenFor(now, from))
        {
            follower.KeepVote(from, request);
            return;
        }

        if (!request.IsPreVote && request.Term > standing.Term) reigns.Follow(now, request.Term, NodeId.None);
        held.VoteReplies.Add(new(from, voter.Answer(now, from, request)));
    }

    public void OnCallRoll(Instant now, NodeId from, in CallRoll call)
    {
        if (call.Term < standing.Term || (call.IsTrial && call.Term == standing.Term))
        {
            held.RollAnswers.Add(new(from, voter.RefuseRoll(call)));
            return;
        }

        if (IsSpokenFor(now, from))
        {
            follower.AskWhetherStillLeading();
            if (call.IsTrial) held.RollAnswers.Add(new(from, voter.RefuseRoll(call)));
            return;
        }

        if (call.Term > standing.Term && !call.IsTrial) reigns.Follow(now, call.Term, NodeId.None);
        roll.OnHeard(now, timer.Patience);
        held.RollAnswers.Add(new(from, voter.AnswerRoll(now, from, call)));
    }

    /// <summary>The leader of the term before asked for this election and has given up its lease: no promise stands against it (Raft thesis 3.10, S3).</summary>
    private bool IsBlessedByLeader(in RequestVote request) => request.IsTransfer &&
        (reigns.Leadership is { } leadership ? leadership.HasForswornLease && request.Term == standing.Term.Next : request.Term == follower.Binding.Term.Next);

    private bool IsSpokenFor(Instant now, NodeId candidate) => reigns.Leadership?.HearsQuorum(now) ?? voter.IsSpokenFor(now, candidate);

    // ---- Answered by others ------------------------------------------------------------------------------------------------------

    public void OnVoteReply(Instant now, NodeId from, in VoteReply reply)
    {
        if (reply.Term > standing.Term && !(reply.IsPreVote && reply.Granted)) reigns.Follow(now, reply.Term, NodeId.None);
        else if (follower.IsWhole && !roll.IsCalling && candidacy.TryRecord(from, reply)) CountVotes(now);
    }

    public void OnRollAnswer(Instant now, NodeId from, in RollAnswer answer)
    {
        if (answer.Term > standing.Term && !(answer.IsTrial && answer.Granted)) reigns.Follow(now, answer.Term, NodeId.None);
        else if (roll.TryRecord(from, answer)) CountRoll(now);
    }

    /// <summary>The hard state is durable: the own vote may count.</summary>
    public void OnDurable(Instant now)
    {
        if (roll.TryCountOwnVote()) CountRoll(now);
        else if (!roll.IsCalling && candidacy.TryCountOwnVote()) CountVotes(now);
    }

    // ---- Standing ----------------------------------------------------------------------------------------------------------------

    /// <summary>The time has come, or the leader has asked for it; what stands against it is looked at here.</summary>
    public void Stand(Instant now, bool isTransfer)
    {
        timer.OnStanding(now);
        if (!candidacy.MayStand) return;
        if (!voter.MayVote(now))
        {
            if (!isTransfer && !follower.IsWhole && timer.IsForsaken(now)) TryRoll(now);
            return;
        }

        roll.GiveUp(); // An ordinary election may be possible by now, and its votes count only while no roll is called.
        candidacy.NoteWhetherLeaving();
        if (isTransfer)
        {
            StandForElection(isTransfer: true);
            return;
        }

        if (standing.Role == RaftRole.Follower && !voter.TryFreeVote(now)) return;
        candidacy.AskAround();
        CountVotes(now);
        if (standing.Role == RaftRole.PreCandidate && roll.IsWanted(now)) TryRoll(now); // A damaged voter has asked, and may not have the best log.
    }

    /// <summary>Won by everybody's agreement since the last call, if so: the operator must hear of it.</summary>
    public RollHeld? TakeRollHeld()
    {
        var news = rollHeld;
        rollHeld = null;
        return news;
    }

    private void TryRoll(Instant now)
    {
        if (!timer.IsSilent(now) && voter.TryFreeVote(now)) roll.Try();
    }

    private void StandForElection(bool isTransfer)
    {
        reigns.EnterTerm(standing.Term.Next);
        candidacy.Stand(isTransfer);
    }

    private void CountVotes(Instant now)
    {
        switch (candidacy.Outcome)
        {
            case VoteOutcome.Won when standing.Role == RaftRole.PreCandidate:
                StandForElection(isTransfer: false);
                break;
            case VoteOutcome.Won when standing.Role == RaftRole.Candidate:
                reigns.Lead(now);
                break;
            case VoteOutcome.Lost when roll.IsTrying:
                break; // That was to be expected; the answers of all are still to come.
            case VoteOutcome.Lost:
                OnDefeat(now);
                break;
            default:
                break; // Pending: more answers come, or the deadline does.
        }
    }

    private void CountRoll(Instant now)
    {
        switch (roll.Outcome)
        {
            case VoteOutcome.Won when !roll.IsCalling:
                reigns.EnterTerm(standing.Term.Next);
                roll.Call();
                break;
            case VoteOutcome.Won:
                rollHeld = new RollHeld(standing.Term, replica.Journal.Last, LogIndex.Max(roll.DoubtUpTo, follower.DamagedUpTo));
                follower.OnElectedByAll();
                reigns.Lead(now);
                break;
            case VoteOutcome.Lost:
                var wasCalling = roll.IsCalling;
                roll.Close();
                if (wasCalling || !follower.IsWhole) OnDefeat(now); // Else the pre-vote that went out beside the trial may still be won.
                break;
            default:
                break; // Pending: somebody has not answered, and without everybody nothing is known.
        }
    }

    private void OnDefeat(Instant now)
    {
        reigns.Follow(now, standing.Term, NodeId.None);
        timer.OnDefeat(now);
    }
}
