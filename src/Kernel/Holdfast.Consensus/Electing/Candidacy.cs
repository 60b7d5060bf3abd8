using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>One attempt after the other to become leader: whom to ask, who answered, and whether the own vote counts yet.</summary>
internal sealed class Candidacy(Standing standing, Journal journal, Effects held, PlantedBug bug)
{
    private static readonly Mark StoodWhileLeaving = new("raft: stood for election while its own removal was not committed");

    private static readonly Mark TransferStood = new("raft: stood for election at the leader's request");

    private readonly VoteTally tally = new();
    private bool votedForSelf;

    /// <summary>
    /// A voter on its way out goes on standing until its removal is known to be committed: it may hold entries without which nobody else can win (Raft
    /// thesis 4.2.2). Its own vote counts only where it is a member.
    /// </summary>
    public bool MayStand => journal.Configuration.MayLead(standing.Self) || journal.Configurations.MayStand(standing.Self, journal.Commit) ||
        (bug == PlantedBug.WitnessStands && journal.Configuration.CountsForQuorum(standing.Self));

    /// <summary>What the answers so far amount to; a real election is won only with the own vote on the disk.</summary>
    public VoteOutcome Outcome
    {
        get
        {
            var outcome = tally.Outcome(journal.Configuration);
            return outcome == VoteOutcome.Won && standing.Role == RaftRole.Candidate && !votedForSelf ? VoteOutcome.Pending : outcome;
        }
    }

    /// <summary>Asks whether it would win, without raising its term (Raft thesis 9.6).</summary>
    public void AskAround()
    {
        standing.Become(RaftRole.PreCandidate, NodeId.None);
        tally.Clear();
        tally.Record(standing.Self, true);
        Ask(new RequestVote(standing.Term.Next, journal.Last, IsPreVote: true, IsTransfer: false));
    }

    /// <summary>Stands in the term that it has just entered.</summary>
    public void Stand(bool isTransfer)
    {
        if (isTransfer) TransferStood.Hit();
        standing.Become(RaftRole.Candidate, NodeId.None);
        standing.GrantVote(standing.Self);
        votedForSelf = false; // Counted when it is on the disk.
        tally.Clear();
        Ask(new RequestVote(standing.Term, journal.Last, IsPreVote: false, isTransfer));
    }

    /// <summary>The hard state is durable: the own vote counts. False when it had counted before, or none was cast.</summary>
    public bool TryCountOwnVote()
    {
        if (standing.Role != RaftRole.Candidate || votedForSelf || !journal.Durability.HardStateDurable) return false;
        votedForSelf = true;
        tally.Record(standing.Self, true);
        return true;
    }

    /// <summary>Records an answer; false when it answers nothing that was asked, or comes from one that does not count.</summary>
    public bool TryRecord(NodeId from, in VoteReply reply)
    {
        var isAwaited = reply.IsPreVote
            ? standing.Role == RaftRole.PreCandidate && (!reply.Granted || reply.Term == standing.Term.Next)
            : standing.Role == RaftRole.Candidate && reply.Term == standing.Term;
        if (!isAwaited || !journal.Configuration.CountsForQuorum(from)) return false;
        tally.Record(from, reply.Granted);
        return true;
    }

    /// <summary>Notes that a replica stands which the newest configuration no longer names.</summary>
    public void NoteWhetherLeaving()
    {
        if (!journal.Configuration.MayLead(standing.Self)) StoodWhileLeaving.Hit();
    }

    private void Ask(RequestVote request)
    {
        var configuration = journal.Configuration;
        foreach (var member in configuration.Members)
            if (member.CountsForQuorum && member.Node != standing.Self) held.RequestVotes.Add(new(member.Node, request));
        foreach (var member in configuration.Outgoing)
            if (member.CountsForQuorum && member.Node != standing.Self && !Counts(configuration.Members, member.Node)) held.RequestVotes.Add(new(member.Node, request));
    }

    private static bool Counts(ReadOnlySpan<Member> members, NodeId node)
    {
        foreach (var member in members)
            if (member.Node == node && member.CountsForQuorum) return true;
        return false;
    }
}
