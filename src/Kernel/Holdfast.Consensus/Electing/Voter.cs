using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>Whether this replica may give its vote, to others or to itself. Each refusal is a rule of its own.</summary>
internal sealed class Voter(Standing standing, Journal journal, ElectionTimer timer, Follower follower, PlantedBug bug)
{
    private static readonly Mark RefusedSilent = new("raft: vote refused, just restarted");
    private static readonly Mark RefusedDamaged = new("raft: vote refused, log damaged");
    private static readonly Mark DamagedAgreed = new("raft: damaged replica agreed in a roll call");
    private static readonly Mark Yielded = new("raft: witness or learner yielded a log that nobody can lead with");
    private static readonly Mark RefusedLogBehind = new("raft: vote refused, candidate's log is behind");

    /// <summary>Not while an earlier process's promise may hold (S3), and not with a log that may have lost what it acknowledged (S8).</summary>
    public bool MayVote(Instant now)
    {
        if (timer.IsSilent(now))
        {
            RefusedSilent.Hit();
            return false;
        }

        if (!follower.IsWhole) RefusedDamaged.Hit();
        return follower.IsWhole || bug == PlantedBug.DamagedVotesAnywhere;
    }

    /// <summary>Gives or refuses the vote; a pre-vote is answered as the vote would be, and binds nobody (Raft thesis 9.6).</summary>
    public VoteReply Answer(Instant now, NodeId candidate, in RequestVote request)
    {
        var granted = MayVote(now) && IsUpToDate(request.Last) && (request.IsPreVote || standing.HasVoteFor(candidate));
        if (granted && request.IsPreVote) return new VoteReply(request.Term, true, true);
        if (!granted) return new VoteReply(standing.Term, false, request.IsPreVote);
        standing.GrantVote(candidate);
        timer.Restart(now);
        return new VoteReply(standing.Term, true, false);
    }

    /// <summary>
    /// Answers a roll call (S8). A damaged replica agrees here and nowhere else: the caller leads only if all agree, so what this replica has lost is asked of
    /// everybody who may have it.
    /// </summary>
    public RollAnswer AnswerRoll(Instant now, NodeId caller, in CallRoll call)
    {
        var granted = !timer.IsSilent(now) && (EndsNoEarlier(call.Last) || bug == PlantedBug.RollIgnoresBetterLog) && (call.IsTrial || standing.HasVoteFor(caller));
        if (granted && !call.IsTrial)
        {
            if (!follower.IsWhole) DamagedAgreed.Hit();
            standing.GrantVote(caller);
            follower.Pledge(caller, call.Last);
            timer.Restart(now);
        }

        return new RollAnswer(granted && call.IsTrial ? call.Term : standing.Term, granted, call.IsTrial, journal.Last, follower.DamagedUpTo);
    }

    /// <summary>No to a roll call without looking at it: its term is over, or a leader counts on this replica.</summary>
    public RollAnswer RefuseRoll(in CallRoll call) => new(standing.Term, false, call.IsTrial, journal.Last, follower.DamagedUpTo);

    /// <summary>
    /// Whether a leader may still count on this follower's vote: by a promise (S2), or, while it is not bound yet, because it was heard within the election
    /// timeout; that is against churn only (Raft thesis 4.2.3), safety does not rest on it.
    /// </summary>
    public bool IsSpokenFor(Instant now, NodeId candidate)
    {
        if (follower.Binding.Leader != candidate && !TryFreeVote(now)) return true;
        return standing.Leader != NodeId.None && standing.Leader != candidate && timer.HasHeardLately(now);
    }

    /// <summary>Frees the vote from a promise that has lapsed; false while one holds (S2).</summary>
    public bool TryFreeVote(Instant now) => follower.Binding.Epoch == SupportEpoch.None || follower.Binding.TryRelease(now);

    /// <summary>
    /// A member that can never lead keeps nobody from it by a longer log, which no one could replicate from, unless it knows that what the caller lacks was committed.
    /// </summary>
    private bool EndsNoEarlier(LogPosition caller)
    {
        if (IsUpToDate(caller)) return true;
        var mayNeverLead = journal.Configuration.Contains(standing.Self) && !journal.Configurations.MayStand(standing.Self, journal.Commit);
        if (!mayNeverLead || journal.Commit > caller.Index) return false;
        Yielded.Hit();
        return true;
    }

    /// <summary>The candidate's log ends no earlier than this one: then it holds everything committed (Raft paper 5.4.1).</summary>
    private bool IsUpToDate(LogPosition candidate)
    {
        if (candidate.IsAtLeast(journal.Last)) return true;
        RefusedLogBehind.Hit();
        return false;
    }
}
