using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// The caller's side of an election by all (S8): when too few voters are whole for a majority to elect anybody, a voter asks every member, damaged ones too, to
/// persist a common higher term and to say whether any log there ends later than its own. With everybody's yes its log is the best that is left: whatever some
/// disk still holds of what was acknowledged is in it. Anything less than all proves nothing, for a damaged voter cannot say what it once had.
/// </summary>
/// <remarks>A trial comes first, without consequence, as a pre-vote does (Raft thesis 9.6): a group that has a leader, or is only waiting for somebody, is not unsettled.</remarks>
internal sealed class RollCall(Standing standing, Journal journal, Effects held, PlantedBug bug)
{
    private static readonly Mark Tried = new("raft: roll call tried");
    private static readonly Mark Called = new("raft: roll called in a higher term");
    private static readonly Mark NotAll = new("raft: roll call unanswered by some");
    private static readonly Mark Surpassed = new("raft: roll call refused, another log ends later");
    private static readonly Mark JointRoll = new("raft: roll called over both halves of a joint configuration");

    private readonly Dictionary<NodeId, RollAnswer> answers = [];
    private Stage stage;
    private Instant wantedUntil = Instant.Zero;
    private bool countsOwn;

    private enum Stage : byte
    {
        None,
        Trial,
        Calling,
    }

    /// <summary>Whether a trial is under way.</summary>
    public bool IsTrying => stage == Stage.Trial;

    /// <summary>Whether the roll is being called in this term: every answer is a vote.</summary>
    public bool IsCalling => stage == Stage.Calling;

    /// <summary>Somebody in the group waits for a member that has not agreed in the last call; nobody when none was held.</summary>
    public NodeId Awaited { get; private set; }

    /// <summary>What the answers amount to. One no is enough to lose; only everybody's yes, the own one on the disk, wins.</summary>
    public VoteOutcome Outcome
    {
        get
        {
            foreach (var answer in answers.Values)
                if (!answer.Granted) return VoteOutcome.Lost;
            if (bug == PlantedBug.RollOfMajority && stage != Stage.None) return OutcomeOfMajority();
            return FirstMissing() == NodeId.None && (stage == Stage.Trial || countsOwn) ? VoteOutcome.Won : VoteOutcome.Pending;
        }
    }

    /// <summary>Where the longest log of those who answered may once have ended: what lies between and the caller's end may have been acknowledged, and nobody has it.</summary>
    public LogIndex DoubtUpTo
    {
        get
        {
            var doubt = LogIndex.Zero;
            foreach (var answer in answers.Values) doubt = LogIndex.Max(doubt, LogIndex.Max(answer.Last.Index, answer.DamagedUpTo));
            return doubt;
        }
    }

    /// <summary>A voter that cannot decide alone has called: if this one's log is better, it must call itself.</summary>
    public void OnHeard(Instant now, TimeSpan patience) => wantedUntil = now + patience;

    public bool IsWanted(Instant now) => now < wantedUntil;

    /// <summary>Asks whether all would agree.</summary>
    public void Try()
    {
        Tried.Hit();
        GiveUp();
        standing.Become(RaftRole.PreCandidate, NodeId.None);
        Begin(Stage.Trial, standing.Term.Next);
    }

    /// <summary>Asks in earnest, in the term that it has just entered.</summary>
    public void Call()
    {
        Called.Hit();
        if (journal.Configuration.IsJoint) JointRoll.Hit();
        standing.Become(RaftRole.Candidate, NodeId.None);
        standing.GrantVote(standing.Self);
        countsOwn = false; // Until it is on the disk.
        Begin(Stage.Calling, standing.Term);
    }

    public void Close() => stage = Stage.None;

    /// <summary>The time of this call is over: who has not answered is not waited for any longer, and is remembered for the operator.</summary>
    public void GiveUp()
    {
        if (stage != Stage.None && FirstMissing() is var missing && missing != NodeId.None)
        {
            NotAll.Hit();
            Awaited = missing;
        }

        stage = Stage.None;
    }

    /// <summary>Somebody leads: nobody is waited for.</summary>
    public void OnLeader() => Awaited = NodeId.None;

    /// <summary>The hard state is durable: the own vote counts. False when it had counted before, or the roll is not being called.</summary>
    public bool TryCountOwnVote()
    {
        if (stage != Stage.Calling || countsOwn || !journal.Durability.HardStateDurable) return false;
        return countsOwn = true;
    }

    /// <summary>Records an answer; false when it answers nothing that was asked.</summary>
    public bool TryRecord(NodeId from, in RollAnswer answer)
    {
        var isAwaited = answer.IsTrial
            ? stage == Stage.Trial && (!answer.Granted || answer.Term == standing.Term.Next)
            : stage == Stage.Calling && answer.Term == standing.Term;
        if (!isAwaited || !journal.Configuration.Contains(from)) return false;
        if (!answer.Granted)
        {
            Awaited = from;
            if (!journal.Last.IsAtLeast(answer.Last)) Surpassed.Hit();
        }

        answers[from] = answer;
        return true;
    }

    private void Begin(Stage next, Term term)
    {
        stage = next;
        answers.Clear();
        var call = new CallRoll(term, journal.Last, IsTrial: next == Stage.Trial);
        foreach (var member in journal.Configuration.Members)
            if (member.Node != standing.Self) held.RollCalls.Add(new(member.Node, call));
        foreach (var member in journal.Configuration.Outgoing)
            if (member.Node != standing.Self && !IsIncoming(member.Node)) held.RollCalls.Add(new(member.Node, call));
    }

    private NodeId FirstMissing()
    {
        foreach (var member in journal.Configuration.Members)
            if (IsMissing(member.Node)) return member.Node;
        foreach (var member in journal.Configuration.Outgoing)
            if (IsMissing(member.Node)) return member.Node;
        return NodeId.None;
    }

    private bool IsMissing(NodeId node) => node != standing.Self && !answers.ContainsKey(node);

    private bool IsIncoming(NodeId node)
    {
        foreach (var member in journal.Configuration.Members)
            if (member.Node == node) return true;
        return false;
    }

    /// <summary>A planted mistake: a majority's word is taken for everybody's.</summary>
    private VoteOutcome OutcomeOfMajority() =>
        Quorum.Outcome(journal.Configuration, (answers, standing.Self), static (known, node) => node == known.Self || known.answers.ContainsKey(node) ? true : null);
}
