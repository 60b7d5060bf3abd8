using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>
/// One replica's side of one group's Raft protocol (Ongaro, "Consensus: Bridging Theory and Practice"). A single-threaded object:
/// the owner hands it inputs, each with a fresh monotonic <c>now</c>, which only change memory, and then calls
/// <see cref="Flush"/>, which says in <see cref="Effects"/> what is to be sent, persisted, applied and read.
/// Calling <see cref="Flush"/> once after a batch of inputs is how appends, acknowledgements and disk writes are batched.
/// It never waits, never asks the time, and on the steady path never allocates.
/// </summary>
public sealed class RaftNode
{
    private static readonly Mark VoteKeptForSupported = new("raft: vote refused, bound to a supported leader");
    private static readonly Mark VoteRefusedLogBehind = new("raft: vote refused, candidate's log is behind");
    private static readonly Mark VoteRefusedSilent = new("raft: vote refused, just restarted");
    private static readonly Mark VoteRefusedDamaged = new("raft: vote refused, log damaged");
    private static readonly Mark SuffixTruncated = new("raft: conflicting suffix truncated");
    private static readonly Mark StaleAppendRefused = new("raft: append of an old term refused");
    private static readonly Mark SteppedDownSilently = new("raft: leader stepped down, quorum is silent");
    private static readonly Mark LogRepaired = new("raft: damaged log repaired by the leader");
    private static readonly Mark SnapshotReplacedLog = new("raft: snapshot replaced the log");
    private static readonly Mark SnapshotKeptSuffix = new("raft: snapshot kept a matching suffix");
    private static readonly Mark LeftJoint = new("raft: joint configuration left");
    private static readonly Mark RemovedLeaderLeft = new("raft: leader left after its own removal");
    private static readonly Mark TransferStood = new("raft: stood for election at the leader's request");
    private static readonly Mark StoodWhileLeaving = new("raft: stood for election while its own removal was not committed");
    private static readonly Mark VoteReleased = new("raft: bound vote released by a former leader");
    private static readonly Mark ForwardedReadOverdue = new("raft: forwarded read overdue");

    private readonly RaftOptions options;
    private readonly SeededRandom dice;
    private readonly RaftLog log;
    private readonly LogDurability durability;
    private readonly ConfigurationHistory configurations;
    private readonly VoteBinding binding;
    private readonly VoteTally tally = new();
    private readonly Acknowledgement acknowledgement = new();
    private readonly ForwardedReads forwarded = new();
    private readonly Effects held = new();
    private readonly SupportTable support;
    private readonly Instant silentUntil;

    private NodeId vote;
    private Leadership? leadership;
    private Instant electionAt;
    private Instant heardAt;
    private bool votedForSelf;
    private bool isDamaged;
    private LogIndex commitSaid;
    private LogIndex truncatedFrom;
    private bool roleChanged;
    private bool configurationChanged;
    private long uncommittedBytes;
    private Outbound<OfferSnapshot>? snapshotWanted;

    /// <summary>Begins as a follower with what recovery found.</summary>
    public RaftNode(RaftOptions options, RaftStart start, SupportTable support, SeededRandom dice, Instant now)
    {
        this.options = options;
        this.support = support;
        this.dice = dice;
        Self = start.Self;
        Group = start.Group;
        Term = start.HardState.Term;
        vote = start.HardState.Vote;
        log = new RaftLog(start.Snapshot);
        configurations = new ConfigurationHistory(start.Snapshot.Index, start.Configuration);
        foreach (var entry in start.Entries)
        {
            Invariant.Holds(entry.Position.Index == log.Last.Index.Next, "recovery handed over a log with a gap");
            AppendToLog(entry.Position.Term, entry.Kind, entry.Payload.Span);
        }

        durability = new LogDurability(log.Last.Index);
        binding = new VoteBinding(support);
        Commit = commitSaid = Applied = start.Snapshot.Index;
        var isSole = Configuration.IsSoleVoter(Self);
        // A sole voter has nobody to be repaired by: it keeps what it has, and its owner says what was lost (S8).
        isDamaged = start.DamagedUpTo != LogIndex.Zero && !isSole;
        silentUntil = start.IsRestart && !isSole ? now + RaftOptions.LeaseMax : Instant.Zero;
        heardAt = now - options.ElectionTimeout;
        electionAt = isSole ? now : Instant.Max(silentUntil, now) + dice.NextSpan(TimeSpan.Zero, options.ElectionTimeout) + PriorityDelay;
    }

    /// <summary>This node.</summary>
    public NodeId Self { get; }

    /// <summary>The group.</summary>
    public GroupId Group { get; }

    /// <summary>The entries this replica holds in memory: everything after the last compaction.</summary>
    public RaftLog Log => log;

    /// <summary>The role in the current term.</summary>
    public RaftRole Role { get; private set; }

    /// <summary>The current term.</summary>
    public Term Term { get; private set; }

    /// <summary>Whom this replica voted for in the current term.</summary>
    public NodeId Vote => vote;

    /// <summary>The leader of the current term, or nobody known.</summary>
    public NodeId Leader { get; private set; }

    /// <summary>Everything up to here is committed, as far as this replica knows.</summary>
    public LogIndex Commit { get; private set; }

    /// <summary>Everything up to here was applied, as far as the owner said.</summary>
    public LogIndex Applied { get; private set; }

    /// <summary>Everything up to here is on this replica's disk.</summary>
    public LogIndex Durable => durability.Durable;

    /// <summary>The configuration in force: the newest in the log, committed or not.</summary>
    public Configuration Configuration => options.Bug == PlantedBug.MembershipEffectiveAtCommit ? configurations.At(Commit) : configurations.Current;

    /// <summary>Whether the log is whole; a damaged replica neither votes nor is counted until its leader has repaired it (S8).</summary>
    public bool IsWhole => !isDamaged;

    /// <summary>Whether this leader has committed an entry of its own term; only then does it know what is committed (Raft paper 8).</summary>
    public bool HasCommittedInTerm => Role == RaftRole.Leader && log.TermAt(Commit) == Term;

    /// <summary>When <see cref="Tick"/> wants to be called next; a bound follower of a quiet group has none.</summary>
    public Instant Deadline => Instant.Min(forwarded.Deadline, Role == RaftRole.Leader ? leadership!.Deadline() : ElectionDeadline);

    /// <summary>Whether a <see cref="Flush"/> would say anything but heartbeats.</summary>
    public bool HasEffects =>
        durability.HasWork(log.Last.Index) || held.HasMessages || held.Reads.Count > 0 || Commit > commitSaid || roleChanged || configurationChanged ||
        truncatedFrom != LogIndex.Zero || snapshotWanted is not null || Role == RaftRole.Leader || acknowledgement.IsDue(durability.Durable);

    /// <summary>Whether this leader holds a lease at <paramref name="now"/>: no other leader can have been elected (S2, S3), and reads need no round.</summary>
    public bool HoldsLease(Instant now) => HasCommittedInTerm && leadership!.HoldsLease(now);

    /// <summary>The configuration that was in force at an index not before the log's base: what a snapshot of that index must carry.</summary>
    public Configuration ConfigurationAt(LogIndex index) => configurations.At(index);

    /// <summary>How far a follower's log is known to agree with this leader's; zero when this replica does not lead.</summary>
    public LogIndex MatchOf(NodeId node) => node == Self ? durability.Durable : leadership?.Find(node)?.Match ?? LogIndex.Zero;

    private TimeSpan PriorityDelay => options.ElectionTimeout * (3 - options.ElectionPriority);

    /// <summary>
    /// A voter on its way out goes on standing until its removal is known to be committed: it may hold entries without which nobody else can win (Raft
    /// thesis 4.2.2). Its own vote counts only where it is a member.
    /// </summary>
    private bool MayStand => Configuration.MayLead(Self) || (configurations.CurrentIndex > Commit && configurations.BeforeCurrent.MayLead(Self));

    private Instant ElectionDeadline => MayStand && !(Role == RaftRole.Follower && binding.IsBound) ? electionAt : Instant.Never;

    /// <summary>Time has passed: election, heartbeat, check-quorum.</summary>
    public void Tick(Instant now)
    {
        while (forwarded.TryTakeOverdue(now, out var context))
        {
            ForwardedReadOverdue.Hit();
            held.Reads.Add(new ReadReady(context, LogIndex.Zero, false));
        }

        if (Role == RaftRole.Leader)
        {
            if (leadership!.Tick(now)) return;
            SteppedDownSilently.Hit();
            BecomeFollower(now, Term, NodeId.None);
        }
        else if (now >= ElectionDeadline)
        {
            Stand(now, isTransfer: false);
        }
    }

    /// <summary>The node-pair support for <paramref name="node"/> was withdrawn: its groups look for another leader at once.</summary>
    public void OnSupportWithdrawn(Instant now, NodeId node)
    {
        if (Role != RaftRole.Follower || (Leader != node && binding.Leader != node)) return;
        // A short draw keeps two followers from standing in the same instant; pre-votes sort out the rest.
        electionAt = now + dice.NextSpan(TimeSpan.Zero, options.ElectionTimeout / 6) + PriorityDelay;
        heardAt = Instant.Min(heardAt, now - options.ElectionTimeout);
    }

    /// <summary>A vote is asked for.</summary>
    public void Step(Instant now, NodeId from, in RequestVote message)
    {
        if (message.Term < Term || (message.IsPreVote && message.Term == Term))
        {
            held.VoteReplies.Add(new(from, new VoteReply(Term, false, message.IsPreVote)));
            return;
        }

        var isTransfer = message.IsTransfer && (Role == RaftRole.Leader ? leadership!.HasForswornLease && message.Term == Term.Next : message.Term == binding.Term.Next);
        if (!isTransfer && !MayVoteAgainstLeader(now, from))
        {
            // Neither the vote nor the term: a candidate that cannot win must not unsettle a reign (Raft thesis 4.2.3).
            VoteKeptForSupported.Hit();
            AskWhetherStillLeading();
            if (message.IsPreVote) held.VoteReplies.Add(new(from, new VoteReply(Term, false, true)));
            return;
        }

        if (!message.IsPreVote && message.Term > Term) BecomeFollower(now, message.Term, NodeId.None);
        var granted = MayVote(now) && IsUpToDate(message.Last) && (message.IsPreVote || ((vote == NodeId.None || vote == from) && Role == RaftRole.Follower && Leader == NodeId.None));
        if (granted && !message.IsPreVote)
        {
            GrantVote(from);
            electionAt = ElectionDraw(now);
        }

        held.VoteReplies.Add(new(from, new VoteReply(granted && message.IsPreVote ? message.Term : Term, granted, message.IsPreVote)));
    }

    /// <summary>A vote is answered.</summary>
    public void Step(Instant now, NodeId from, in VoteReply message)
    {
        if (message.Term > Term && !(message.IsPreVote && message.Granted))
        {
            BecomeFollower(now, message.Term, NodeId.None);
            return;
        }

        var isAwaited = message.IsPreVote
            ? Role == RaftRole.PreCandidate && (!message.Granted || message.Term == Term.Next)
            : Role == RaftRole.Candidate && message.Term == Term;
        if (!isAwaited || !Configuration.CountsForQuorum(from)) return;
        tally.Record(from, message.Granted);
        CountVotes(now);
    }

    /// <summary>Entries, a heartbeat or a commit announcement from a leader.</summary>
    public void Step(Instant now, NodeId from, in AppendHeader header, EntryBatch entries)
    {
        if (header.Term < Term)
        {
            StaleAppendRefused.Hit();
            Reject(from, header);
            return;
        }

        FollowLeader(now, header.Term, from);
        if (header.Previous.Index >= log.Base.Index && !log.Matches(header.Previous))
        {
            Reject(from, header);
            return;
        }

        var last = TakeEntries(header.Previous.Index, entries);
        acknowledgement.OnVerified(last);
        acknowledgement.OnAppend(header.ReadRound, answerAtOnce: last <= durability.Durable);
        CommitTo(LogIndex.Min(header.Commit, last));
        RepairIfCovered(now);
    }

    /// <summary>A follower answers an append.</summary>
    public void Step(Instant now, NodeId from, in AppendReply message)
    {
        if (message.Term > Term)
        {
            BecomeFollower(now, message.Term, NodeId.None);
            return;
        }

        if (message.Bound != SupportEpoch.None && !(Role == RaftRole.Leader && message.Term == Term)) held.VoteReleases.Add(new(from, new ReleaseVote(message.Term)));
        if (message.Term < Term || Role != RaftRole.Leader || leadership!.Find(from) is not { } follower) return;
        follower.OnAnswer(now, message);
        if (message.Accepted)
        {
            Invariant.Holds(message.Match <= log.Last.Index, "a follower acknowledges entries that its leader does not have");
            follower.OnAccepted(message.Match, log.Base.Index);
            AdvanceCommit(now);
            FinishTransfer();
        }
        else
        {
            follower.OnRejected(message.Match, log.LastNotAbove(message.Hint.Index, message.Hint.Term).Index);
        }
    }

    /// <summary>A leader that has compacted what this replica lacks.</summary>
    public void Step(Instant now, NodeId from, in OfferSnapshot message)
    {
        if (message.Term < Term) return; // Its appends are answered with the newer term; an offer needs no word of its own.
        FollowLeader(now, message.Term, from);
        if (message.Position.Index > Commit)
        {
            snapshotWanted = new(from, message);
            return;
        }

        acknowledgement.OnVerified(Commit); // What is committed agrees with every later leader (leader completeness).
        acknowledgement.Owe();
    }

    /// <summary>A leader asks this replica to stand.</summary>
    public void Step(Instant now, NodeId from, in TimeoutNow message)
    {
        if (message.Term != Term || Leader != from || Role != RaftRole.Follower) return;
        TransferStood.Hit();
        Stand(now, isTransfer: true);
    }

    /// <summary>A node says that it does not lead a term, and so never will again: a vote bound to it there is free (S2).</summary>
    public void Step(Instant now, NodeId from, in ReleaseVote message)
    {
        if (binding.Leader != from || binding.Term != message.Term || !binding.IsBound) return;
        VoteReleased.Hit();
        binding.Release();
        if (Role == RaftRole.Follower) electionAt = Instant.Min(electionAt, now + dice.NextSpan(TimeSpan.Zero, options.ElectionTimeout / 6) + PriorityDelay);
        if (Leader == from) heardAt = Instant.Min(heardAt, now - options.ElectionTimeout);
    }

    /// <summary>A follower asks for a read index.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexRequest message)
    {
        if (message.Term == Term && Role == RaftRole.Leader && leadership!.TryAddRead(from, message.Context)) return;
        held.ReadIndexReplies.Add(new(from, new ReadIndexReply(message.Term, message.Context, LogIndex.Zero, false)));
    }

    /// <summary>The leader answers a read-index request.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexReply message)
    {
        if (message.Term == Term && forwarded.TryRemove(message.Context))
            held.Reads.Add(new ReadReady(message.Context, message.Index, message.Granted));
    }

    /// <summary>Puts an entry into the leader's log; the payload is copied.</summary>
    public ProposeResult Propose(Instant now, ReadOnlySpan<byte> payload)
    {
        if (Role != RaftRole.Leader) return new(ProposeStatus.NotLeader, default, Leader);
        if (payload.Length > options.EntryBytesMax) return new(ProposeStatus.TooLarge, default, Self);
        if (leadership!.TransferTarget != NodeId.None || uncommittedBytes + payload.Length > options.UncommittedBytesMax) return new(ProposeStatus.Busy, default, Self);
        return new(ProposeStatus.Accepted, AppendAsLeader(EntryKind.Command, payload), Self);
    }

    /// <summary>Begins a membership change through joint consensus; the second step is proposed by the core itself when the first is committed.</summary>
    public ProposeResult ProposeConfiguration(Instant now, Configuration target)
    {
        if (Role != RaftRole.Leader) return new(ProposeStatus.NotLeader, default, Leader);
        // One change at a time, and none before a commit in the own term (raft-dev, 2015: the single-server bug).
        var isRefused = !HasCommittedInTerm || Configuration.IsJoint || configurations.CurrentIndex > Commit || !target.HasVoter;
        if (isRefused) return new(ProposeStatus.Refused, default, Self);
        var next = Configuration.HasSameQuorumAs(target) ? target : Configuration.JoinTowards(target);
        return new(ProposeStatus.Accepted, AppendConfiguration(now, next), Self);
    }

    /// <summary>Hands leadership to <paramref name="target"/>, or with nobody named to the best caught-up voter. Proposals are refused meanwhile; given up after one election timeout.</summary>
    public bool TransferLeadership(Instant now, NodeId target)
    {
        if (Role != RaftRole.Leader) return false;
        if (target == NodeId.None) target = leadership!.BestSuccessor();
        if (target == Self || !Configuration.MayLead(target)) return false;
        leadership!.BeginTransfer(now, target);
        FinishTransfer();
        return true;
    }

    /// <summary>Asks for a read index for a batch of this node's reads: at once under the lease, else by a round, or through the leader. Decided in <see cref="Effects.Reads"/>.</summary>
    public void ReadIndex(Instant now, ulong context)
    {
        if (Role == RaftRole.Leader && leadership!.TryAddRead(NodeId.None, context)) return;
        if (Role != RaftRole.Follower || Leader == NodeId.None)
        {
            held.Reads.Add(new ReadReady(context, LogIndex.Zero, false));
            return;
        }

        forwarded.Add(context, now + options.ElectionTimeout);
        held.ReadIndexRequests.Add(new(Leader, new ReadIndexRequest(Term, context)));
    }

    /// <summary>Everything in the persist request is durable. Tokens come back in order; one may stand for all before it.</summary>
    public void OnDurable(Instant now, PersistToken token)
    {
        durability.OnDurable(token);
        if (Role == RaftRole.Candidate && !votedForSelf && durability.HardStateDurable)
        {
            votedForSelf = true;
            tally.Record(Self, true);
            CountVotes(now);
        }

        if (Role == RaftRole.Leader) AdvanceCommit(now);
        else RepairIfCovered(now);
    }

    /// <summary>The state machine has applied up to here.</summary>
    public void OnApplied(LogIndex index)
    {
        Invariant.Holds(index <= Commit, "an entry was applied that is not committed");
        Applied = LogIndex.Max(Applied, index);
    }

    /// <summary>The connection to a peer was lost or re-made: what was in flight may be gone.</summary>
    public void OnPeerReset(Instant now, NodeId peer)
    {
        if (leadership?.Find(peer) is { State: not ProgressState.Snapshot } follower) follower.BecomeProbe();
        if (Role == RaftRole.Follower && binding.Leader == peer) AskWhetherStillLeading(); // It may have restarted, and lead no more.
    }

    /// <summary>A durable local snapshot covers everything up to here (which has been applied): the log may forget it.</summary>
    public void Compact(LogIndex through)
    {
        Invariant.Holds(through <= Commit, "a compaction reaches beyond what is committed");
        if (through <= log.Base.Index) return;
        configurations.CompactTo(through);
        log.CompactTo(through);
    }

    /// <summary>A snapshot was fetched, is durable, and has replaced the state: the log continues after it.</summary>
    public void OnSnapshotInstalled(Instant now, LogPosition position, Configuration configuration)
    {
        if (position.Index > Commit)
        {
            if (log.Matches(position))
            {
                SnapshotKeptSuffix.Hit();
                configurations.CompactTo(position.Index);
                log.CompactTo(position.Index);
            }
            else
            {
                SnapshotReplacedLog.Hit();
                if (log.Last.Index > position.Index) NoteTruncation(position.Index.Next);
                log.ResetTo(position);
                durability.OnTruncated(position.Index.Next);
                configurations.ResetTo(position.Index, configuration);
                configurationChanged = true;
            }

            durability.OnSnapshot(position.Index);
            Commit = commitSaid = Applied = position.Index;
        }

        if (Role == RaftRole.Follower && Leader != NodeId.None)
        {
            acknowledgement.OnVerified(Commit);
            acknowledgement.Owe();
        }
    }

    /// <summary>Says what is to be done about all inputs since the last call. <paramref name="effects"/> must be clear.</summary>
    public void Flush(Instant now, Effects effects)
    {
        if (Role == RaftRole.Leader)
        {
            DecideReads(now);
            leadership!.Send(now, Commit, effects);
            DecideReads(now); // A sole voter confirms its round by itself.
        }

        if (durability.HasWork(log.Last.Index)) effects.Persist = durability.Take(new HardState(Term, vote), log.Last.Index);
        if (durability.HardStateDurable)
        {
            if (Role == RaftRole.Follower && Leader != NodeId.None && acknowledgement.IsDue(durability.Durable)) Acknowledge();
            effects.TakeMessages(held);
        }

        held.Reads.MoveTo(effects.Reads);
        if (Commit > commitSaid) effects.CommittedTo = commitSaid = Commit;
        if (truncatedFrom != LogIndex.Zero) (effects.TruncatedFrom, truncatedFrom) = (truncatedFrom, LogIndex.Zero);
        if (roleChanged) effects.Role = new RoleChange(Role, Term, Leader);
        if (configurationChanged) effects.Configuration = Configuration;
        effects.SnapshotWanted = snapshotWanted;
        (roleChanged, configurationChanged, snapshotWanted) = (false, false, null);
    }

    private bool MayVote(Instant now)
    {
        if (now < silentUntil)
        {
            VoteRefusedSilent.Hit();
            return false;
        }

        if (isDamaged) VoteRefusedDamaged.Hit();
        return !isDamaged;
    }

    private bool IsUpToDate(LogPosition candidate)
    {
        if (candidate.IsAtLeast(log.Last)) return true;
        VoteRefusedLogBehind.Hit();
        return false;
    }

    private bool MayVoteAgainstLeader(Instant now, NodeId candidate)
    {
        if (Role == RaftRole.Leader) return !leadership!.HearsQuorum(now);
        if (binding.Epoch != SupportEpoch.None && binding.Leader != candidate && !binding.TryRelease(now)) return false;
        // Not bound yet: the word of a leader heard within the election timeout is enough against churn; safety does not rest on it.
        return Leader == NodeId.None || Leader == candidate || now - heardAt >= options.ElectionTimeout;
    }

    /// <summary>An unasked-for answer to the leader this vote is bound to: one that leads no more replies by releasing it.</summary>
    private void AskWhetherStillLeading()
    {
        if (!binding.IsBound || Role == RaftRole.Leader) return;
        held.AppendReplies.Add(new(binding.Leader, new AppendReply(binding.Term, true, LogIndex.Zero, default, 0, binding.Epoch, IsWhole)));
    }

    private void GrantVote(NodeId candidate)
    {
        if (vote == candidate) return;
        vote = candidate;
        durability.OnHardStateChanged();
    }

    private Instant ElectionDraw(Instant now) => now + dice.NextSpan(options.ElectionTimeout, options.ElectionTimeout * 2) + PriorityDelay;

    private void Stand(Instant now, bool isTransfer)
    {
        electionAt = now + dice.NextSpan(options.ElectionTimeout / 2, options.ElectionTimeout);
        if (!MayStand || !MayVote(now)) return;
        if (!Configuration.MayLead(Self)) StoodWhileLeaving.Hit();
        if (!isTransfer && Role == RaftRole.Follower && binding.Epoch != SupportEpoch.None && !binding.TryRelease(now)) return;
        if (isTransfer) StandForElection(now, isTransfer: true);
        else AskAround(now);
    }

    private void AskAround(Instant now)
    {
        SetRole(RaftRole.PreCandidate, NodeId.None);
        tally.Clear();
        tally.Record(Self, true);
        RequestVotes(new RequestVote(Term.Next, log.Last, IsPreVote: true, IsTransfer: false));
        CountVotes(now);
    }

    private void StandForElection(Instant now, bool isTransfer)
    {
        EnterTerm(Term.Next);
        SetRole(RaftRole.Candidate, NodeId.None);
        GrantVote(Self);
        votedForSelf = false; // Counted when it is on the disk.
        tally.Clear();
        RequestVotes(new RequestVote(Term, log.Last, IsPreVote: false, isTransfer));
    }

    private void RequestVotes(RequestVote request)
    {
        foreach (var member in Configuration.Members)
            if (member.CountsForQuorum && member.Node != Self) held.RequestVotes.Add(new(member.Node, request));
        foreach (var member in Configuration.Outgoing)
            if (member.CountsForQuorum && member.Node != Self && !IsIn(Configuration.Members, member.Node)) held.RequestVotes.Add(new(member.Node, request));
    }

    private static bool IsIn(ReadOnlySpan<Member> members, NodeId node)
    {
        foreach (var member in members)
            if (member.Node == node && member.CountsForQuorum) return true;
        return false;
    }

    private void CountVotes(Instant now)
    {
        switch (tally.Outcome(Configuration))
        {
            case VoteOutcome.Won when Role == RaftRole.PreCandidate:
                StandForElection(now, isTransfer: false);
                break;
            case VoteOutcome.Won when Role == RaftRole.Candidate && votedForSelf:
                BecomeLeader(now);
                break;
            case VoteOutcome.Lost:
                BecomeFollower(now, Term, NodeId.None);
                electionAt = now + dice.NextSpan(options.ElectionTimeout / 4, options.ElectionTimeout);
                break;
            default:
                break; // Pending: more answers come, or the deadline does.
        }
    }

    private void BecomeLeader(Instant now)
    {
        SetRole(RaftRole.Leader, Self);
        leadership = new Leadership(options, support, Self, Term, log, now);
        leadership.OnConfiguration(now, Configuration);
        uncommittedBytes = 0;
        AppendAsLeader(EntryKind.NoOp, default);
    }

    private void BecomeFollower(Instant now, Term term, NodeId leader)
    {
        RefuseLeadersReads();
        if (leadership is not null)
            foreach (var follower in leadership.Followers)
                if (follower.Bound != SupportEpoch.None) held.VoteReleases.Add(new(follower.Node, new ReleaseVote(Term)));
        if (term > Term) EnterTerm(term);
        SetRole(RaftRole.Follower, leader);
        leadership = null;
        electionAt = ElectionDraw(now);
    }

    private void EnterTerm(Term term)
    {
        Invariant.Holds(term > Term, "a replica's term went back");
        Term = term;
        vote = NodeId.None;
        durability.OnHardStateChanged();
        acknowledgement.Reset();
        var reads = held.Reads;
        while (forwarded.TryTakeAny(out var context)) reads.Add(new ReadReady(context, LogIndex.Zero, false));
        held.ForgetMessages(); // They spoke for a term that is over.
    }

    private void SetRole(RaftRole role, NodeId leader)
    {
        Role = role;
        Leader = leader;
        roleChanged = true;
    }

    private void FollowLeader(Instant now, Term term, NodeId leader)
    {
        Invariant.Holds(term > Term || Role != RaftRole.Leader, "two leaders in one term");
        Invariant.Holds(term > Term || Leader == NodeId.None || Leader == leader, "two leaders in one term");
        if (term > Term || Role != RaftRole.Follower || Leader != leader) BecomeFollower(now, term, leader);
        heardAt = now;
        electionAt = ElectionDraw(now);
        binding.BindTo(leader, term);
    }

    private void Reject(NodeId from, in AppendHeader header)
    {
        var hint = log.LastNotAbove(header.Previous.Index, header.Previous.Term);
        held.AppendReplies.Add(new(from, new AppendReply(Term, false, header.Previous.Index, hint, header.ReadRound, BoundTo(from), IsWhole)));
    }

    private void Acknowledge()
    {
        var match = acknowledgement.Take(durability.Durable);
        held.AppendReplies.Add(new(Leader, new AppendReply(Term, true, match, default, acknowledgement.Round, BoundTo(Leader), IsWhole)));
    }

    private SupportEpoch BoundTo(NodeId leader) => binding.Leader == leader && binding.Term == Term ? binding.Epoch : SupportEpoch.None;

    /// <summary>Takes the entries that the log lacks, after truncating what contradicts them; returns where the batch ends.</summary>
    private LogIndex TakeEntries(LogIndex previous, EntryBatch entries)
    {
        var index = previous;
        foreach (var entry in entries)
        {
            index = index.Next;
            if (index <= log.Base.Index) continue; // Committed and compacted: it agrees.
            if (log.TermAt(index) is { } known)
            {
                if (known == entry.Term && options.Bug != PlantedBug.OvereagerTruncation) continue;
                if (options.Bug == PlantedBug.ConflictNotTruncated) continue;
                Truncate(index);
            }

            AppendToLog(entry.Term, entry.Kind, entry.Payload);
        }

        return index;
    }

    private void Truncate(LogIndex from)
    {
        Invariant.Holds(from > Commit, "a committed entry would be truncated");
        SuffixTruncated.Hit();
        NoteTruncation(from);
        log.TruncateFrom(from);
        durability.OnTruncated(from);
        if (configurations.TruncateFrom(from)) configurationChanged = true;
    }

    private void NoteTruncation(LogIndex from) => truncatedFrom = truncatedFrom == LogIndex.Zero ? from : LogIndex.Min(truncatedFrom, from);

    private LogPosition AppendToLog(Term term, EntryKind kind, ReadOnlySpan<byte> payload)
    {
        Invariant.Holds(term >= log.Last.Term, "an entry's term is below its predecessor's");
        var position = log.Append(term, kind, payload);
        if (kind != EntryKind.Configuration) return position;
        var reader = new SpanReader(payload);
        Invariant.Holds(Configuration.TryDecode(ref reader, out var configuration), "a configuration entry cannot be read");
        configurations.Add(position.Index, configuration);
        configurationChanged = true;
        return position;
    }

    private LogPosition AppendAsLeader(EntryKind kind, ReadOnlySpan<byte> payload)
    {
        uncommittedBytes += payload.Length;
        return AppendToLog(Term, kind, payload);
    }

    private LogPosition AppendConfiguration(Instant now, Configuration configuration)
    {
        var buffer = new ByteBuffer(64);
        configuration.Encode(buffer);
        var position = AppendAsLeader(EntryKind.Configuration, buffer.Written);
        leadership!.OnConfiguration(now, configuration);
        return position;
    }

    private void AdvanceCommit(Instant now)
    {
        var reached = leadership!.QuorumDurable(durability.Durable);
        if (options.Bug == PlantedBug.QuorumOffByOne) reached = LogIndex.Max(reached, leadership.AnyoneHas(durability.Durable));
        // Only an entry of the own term is committed by counting (Raft paper 5.4.2, figure 8).
        if (reached > Commit && (log.TermAt(reached) == Term || options.Bug == PlantedBug.OldTermCommittedByCounting)) CommitTo(reached);
        if (configurations.CurrentIndex <= Commit) FinishMembershipChange(now);
    }

    private void CommitTo(LogIndex index)
    {
        if (index <= Commit) return;
        Invariant.Holds(index <= log.Last.Index, "commit beyond the log's end");
        if (Role == RaftRole.Leader)
            for (var each = Commit.Next; each <= index; each = each.Next) uncommittedBytes -= log[each].Payload.Length;
        uncommittedBytes = Math.Max(0, uncommittedBytes);
        Commit = index;
    }

    private void FinishMembershipChange(Instant now)
    {
        if (!HasCommittedInTerm) return;
        if (Configuration.IsJoint)
        {
            LeftJoint.Hit();
            AppendConfiguration(now, Configuration.LeaveJoint());
        }
        else if (!Configuration.MayLead(Self))
        {
            RemovedLeaderLeft.Hit();
            leadership!.ForswearLease();
            var successor = leadership.BestSuccessor();
            BecomeFollower(now, Term, NodeId.None);
            if (successor != NodeId.None) held.TimeoutNows.Add(new(successor, new TimeoutNow(Term)));
        }
    }

    private void FinishTransfer()
    {
        if (leadership is not null && leadership.TryFinishTransfer()) held.TimeoutNows.Add(new(leadership.TransferTarget, new TimeoutNow(Term)));
    }

    private void DecideReads(Instant now)
    {
        while (leadership!.TryTakeConfirmedRead(now, HasCommittedInTerm || options.Bug == PlantedBug.ReadBeforeOwnTermCommit, out var asker, out var context))
        {
            if (asker == NodeId.None) held.Reads.Add(new ReadReady(context, Commit, true));
            else held.ReadIndexReplies.Add(new(asker, new ReadIndexReply(Term, context, Commit, true)));
        }
    }

    private void RefuseLeadersReads()
    {
        while (leadership is not null && leadership.TryTakeAnyRead(out var asker, out var context))
        {
            if (asker == NodeId.None) held.Reads.Add(new ReadReady(context, LogIndex.Zero, false));
            else held.ReadIndexReplies.Add(new(asker, new ReadIndexReply(Term, context, LogIndex.Zero, false)));
        }
    }

    /// <summary>
    /// A damaged log is whole again when it durably holds everything up to a commit in the leader's own term: whatever this replica had
    /// acknowledged and was committed is among it (leader completeness).
    /// </summary>
    private void RepairIfCovered(Instant now)
    {
        if (!isDamaged || log.TermAt(Commit) != Term || LogIndex.Min(acknowledgement.Verified, durability.Durable) < Commit) return;
        isDamaged = false;
        LogRepaired.Hit();
        acknowledgement.Owe();
        electionAt = ElectionDraw(now);
    }
}
