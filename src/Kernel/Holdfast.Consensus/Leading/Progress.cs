using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>How a leader feeds one follower.</summary>
internal enum ProgressState : byte
{
    /// <summary>Where the logs agree is not known: one append at a time.</summary>
    Probe = 0,

    /// <summary>Known: appends are pipelined within the window.</summary>
    Replicate = 1,

    /// <summary>The follower needs what the leader has compacted: it is fetching a snapshot.</summary>
    Snapshot = 2,
}

/// <summary>A leader's view of one follower. Owns its transitions.</summary>
internal sealed class Progress(NodeId node, LogIndex next, TimeSpan lapMax, Instant now)
{
    /// <summary>How long the window stays shut after it was opened without the probe's answer, and how long sending does not go back again: longer than a round trip, shorter than a heartbeat.</summary>
    private static readonly TimeSpan BetweenOpenings = TimeSpan.FromMilliseconds(5);

    /// <summary>Appends on their way at once while a gap is closed: where they go on overtaking each other, most of a larger window would be refused again.</summary>
    private const int ClosingAppendsMax = 16;

    private static readonly Mark WindowTakenBack = new("raft: sending went back to a gap within the window");

    private readonly InflightWindow window = new();
    private readonly Pace pace = new(lapMax);
    private Instant openedAt = Instant.Zero;
    private Instant takenBackAt = Instant.Zero;
    private LogIndex closesAt;

    public NodeId Node { get; } = node;

    public ProgressState State { get; private set; }

    /// <summary>Everything up to here is verified and durable on the follower.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>What the follower's word counts for in a quorum: nothing while its log is damaged (S8).</summary>
    public LogIndex CountedMatch => IsWhole ? Match : LogIndex.Zero;

    public LogIndex Next { get; private set; } = next;

    public bool IsWhole { get; private set; } = true;

    /// <summary>The support epoch the follower has bound its vote to in this term (S2).</summary>
    public SupportEpoch Bound { get; private set; }

    /// <summary>The newest read round the follower has answered.</summary>
    public ulong RoundAnswered { get; private set; }

    /// <summary>When the follower last answered anything.</summary>
    public Instant AnsweredAt { get; private set; } = now;

    public Instant SentAt { get; private set; }

    /// <summary>Probe: an append is out and unanswered.</summary>
    public bool IsProbeOut { get; private set; }

    /// <summary>What the follower knows to be committed if nothing sent to it is lost or refused.</summary>
    public LogIndex CommitSent { get; private set; }

    public ulong RoundSent { get; private set; }

    public void BecomeProbe()
    {
        State = ProgressState.Probe;
        Next = Match.Next;
        IsProbeOut = false;
        CommitSent = LogIndex.Zero;
        RoundSent = 0;
        closesAt = LogIndex.Zero;
        window.Clear();
    }

    public void BecomeReplicate()
    {
        State = ProgressState.Replicate;
        Next = Match.Next;
        openedAt = AnsweredAt;
        window.Clear();
    }

    public void BecomeSnapshot()
    {
        State = ProgressState.Snapshot;
        window.Clear();
    }

    /// <summary>The connection was lost or re-made: what was under way may be gone.</summary>
    public void OnReset()
    {
        pace.OnReset();
        if (State != ProgressState.Snapshot) BecomeProbe();
    }

    /// <summary>The leader looks at what this follower lacks of a log that ends at <paramref name="last"/>.</summary>
    public void OnFed(Instant now, LogIndex last) => pace.OnFed(now, Match, last);

    /// <summary>Whether what the leader writes is on this follower's disk a short while later, so that it need not be done without.</summary>
    public bool KeepsUp(Instant now) => IsWhole && State != ProgressState.Snapshot && pace.KeepsUp(now);

    /// <summary>Whether more entries may be sent now.</summary>
    public bool MaySend(RaftOptions options) => State switch
    {
        ProgressState.Probe => !IsProbeOut,
        ProgressState.Replicate => window.HasRoom(options, IsClosingGap ? ClosingAppendsMax : options.InflightAppendsMax),
        _ => false, // Snapshot: nothing. The follower answers when it has installed one.
    };

    public void OnSent(Instant now, in AppendHeader header, LogIndex last, int bytes)
    {
        SentAt = now;
        CommitSent = LogIndex.Min(header.Commit, last); // A follower commits no further than the append reaches.
        RoundSent = header.ReadRound;
        if (State == ProgressState.Probe) IsProbeOut = true;
        if (State != ProgressState.Replicate || last < Next) return;
        Next = last.Next;
        window.Add(last, bytes);
    }

    public void OnOffered(Instant now, ulong round)
    {
        SentAt = now;
        RoundSent = round;
    }

    /// <summary>The follower has answered; true when its match rose or it was freed to receive more.</summary>
    public void OnAnswer(Instant now, in AppendReply reply)
    {
        AnsweredAt = now;
        Bound = reply.Bound;
        IsWhole = reply.IsWhole;
        if (reply.ReadRound > RoundAnswered) RoundAnswered = reply.ReadRound;
    }

    /// <summary>
    /// The follower durably holds everything up to <paramref name="match"/>. While it is probed the probe's answer opens the window again; an answer to what was sent before does so only now and then, for
    /// it may be the only sign that the probe was lost. Where appends overtake each other each of a pile of old answers would else set off a window full of appends, and these another pile.
    /// </summary>
    public void OnAccepted(LogIndex match, LogIndex logBase)
    {
        if (match > Match) Match = match;
        pace.OnMatch(AnsweredAt, Match);
        window.FreeTo(Match);
        if (Next <= Match) Next = Match.Next;
        var isOpen = State switch
        {
            ProgressState.Probe => match >= Next.Previous || AnsweredAt - openedAt >= BetweenOpenings,
            ProgressState.Snapshot => Match >= logBase,
            _ => false, // Replicate: it is open already.
        };
        if (isOpen) BecomeReplicate();
    }

    /// <summary>The follower's log does not match at <paramref name="rejected"/>; sending goes on after <paramref name="agreeing"/>.</summary>
    /// <param name="rejected">Where the refused append was to follow.</param>
    /// <param name="agreeing">Where the logs may still agree.</param>
    /// <param name="showsGap">Whether they do: the follower named a position that stands in the leader's log, so all before it is the same (log matching, Raft paper 5.3).</param>
    public bool OnRejected(LogIndex rejected, LogIndex agreeing, bool showsGap = false)
    {
        // A follower that lost what it had acknowledged says so: nothing it said before holds.
        if (!IsWhole) Match = LogIndex.Zero;
        CommitSent = LogIndex.Zero; // Whatever commit the refused append announced was not taken: a group at rest would never say it again.
        if (showsGap && IsWhole && State == ProgressState.Replicate && rejected > Match) return TryTakeBack(rejected, LogIndex.Max(agreeing, Match));
        if (rejected <= Match) return false; // An old answer, overtaken by a newer one.
        if (State == ProgressState.Probe && rejected != Next.Previous) return false; // Answers an older probe.
        BecomeProbe();
        Next = LogIndex.Max(LogIndex.Min(rejected, agreeing.Next), Match.Next);
        return true;
    }

    /// <summary>Whether the follower does not know of a commit that it could know of. While a gap is closed, what is said again announces it; an append of its own would be one more to be refused.</summary>
    public bool OwesCommit(LogIndex commit) => State == ProgressState.Replicate && !IsClosingGap && CommitSent < LogIndex.Min(commit, Next.Previous);

    /// <summary>An answer is overdue: the probe is sent once more.</summary>
    public void OnSilence() => IsProbeOut = false;

    /// <summary>Whether some of what was on its way when sending went back to a gap is still to be acknowledged.</summary>
    private bool IsClosingGap => Match < closesAt;

    /// <summary>
    /// What was sent just after <paramref name="agreeing"/> was lost, or what was sent later has overtaken it: there is nothing to probe, so sending goes back to the gap and stays in the window. Everything
    /// beyond the gap was refused, or will be, and each of those answers says the same again: like a sender of TCP (RFC 6582), this one goes back once for all of them. If what it says again
    /// is lost in its turn, later refusals show it, at the latest that of a heartbeat.
    /// </summary>
    private bool TryTakeBack(LogIndex rejected, LogIndex agreeing)
    {
        if (rejected >= Next) return false; // It was sent before sending went back, and is said again when its turn comes.
        if (IsClosingGap && AnsweredAt - takenBackAt < BetweenOpenings) return false;
        WindowTakenBack.Hit();
        closesAt = LogIndex.Max(closesAt, Next.Previous);
        takenBackAt = AnsweredAt;
        Next = agreeing.Next;
        window.TakeBackAfter(agreeing);
        return true;
    }
}
