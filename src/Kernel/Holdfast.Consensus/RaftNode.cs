using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// One replica's side of one group's Raft protocol (Ongaro, "Consensus: Bridging Theory and Practice"). A single-threaded object:
/// the owner hands it inputs, each with a fresh monotonic <c>now</c>, which only change memory, and then calls
/// <see cref="Flush"/>, which says in <see cref="Effects"/> what is to be sent, persisted, applied and read.
/// Calling <see cref="Flush"/> once after a batch of inputs is how appends, acknowledgements and disk writes are batched.
/// It never waits, never asks the time, and on the steady path never allocates.
/// </summary>
/// <remarks>
/// This type only decides who is asked. Who is to lead is the concern of <see cref="Elections"/>, what changes with a reign that of <see cref="Reigns"/>; the rules are in <c>Electing</c>, <c>Following</c>,
/// <c>Leading</c>, <c>Log</c>, <c>Membership</c>, <c>Reading</c> and <c>Recovering</c>.
/// </remarks>
public sealed class RaftNode
{
    private readonly RaftOptions options;
    private readonly Journal journal;
    private readonly Standing standing;
    private readonly ElectionTimer timer;
    private readonly Follower follower;
    private readonly RollCall roll;
    private readonly Readers readers;
    private readonly Effects held;
    private readonly Reigns reigns;
    private readonly Elections elections;
    private readonly MembershipChange membership;
    private Outbound<OfferSnapshot>? snapshotWanted;

    /// <summary>
    /// How far a damaged replica leaps ahead of the term it found. It may have lost newer ones, with votes and entries of them, so a leader of such a term may still
    /// be about; more elections than this between two writes of one disk there are not (S8).
    /// </summary>
    internal const ulong TermsLostMax = 1 << 20;

    /// <summary>Begins as a follower with what recovery found.</summary>
    public RaftNode(RaftOptions options, RaftStart start, SupportTable support, SeededRandom dice, Instant now)
    {
        this.options = options;
        Group = start.Group;
        var replica = new Replica(options, start, support, dice, now);
        (journal, standing, timer, follower) = (replica.Journal, replica.Standing, replica.Timer, replica.Follower);
        (roll, readers, held) = (replica.Roll, replica.Readers, replica.Held);
        reigns = new Reigns(options, support, replica);
        elections = new Elections(replica, reigns, options.Bug);
        membership = new MembershipChange(standing, journal);
    }

    /// <summary>This node.</summary>
    public NodeId Self => standing.Self;

    /// <summary>The group.</summary>
    public GroupId Group { get; }

    /// <summary>The entries this replica holds in memory: everything after the last compaction.</summary>
    public RaftLog Log => journal.Log;

    /// <summary>The role in the current term.</summary>
    public RaftRole Role => standing.Role;

    /// <summary>The current term.</summary>
    public Term Term => standing.Term;

    /// <summary>Whom this replica voted for in the current term.</summary>
    public NodeId Vote => standing.Vote;

    /// <summary>The leader of the current term, or nobody known.</summary>
    public NodeId Leader => standing.Leader;

    /// <summary>Everything up to here is committed, as far as this replica knows.</summary>
    public LogIndex Commit => journal.Commit;

    /// <summary>Everything up to here was applied, as far as the owner said.</summary>
    public LogIndex Applied => journal.Applied;

    /// <summary>Everything up to here is on this replica's disk.</summary>
    public LogIndex Durable => journal.Durable;

    /// <summary>The configuration in force: the newest in the log, committed or not.</summary>
    public Configuration Configuration => journal.Configuration;

    /// <summary>Where the configuration in force stands in the log; the log's beginning when this process found it there. The same members again, after others, stand elsewhere.</summary>
    public LogIndex ConfigurationIndex => journal.Configurations.CurrentIndex;

    /// <summary>Whether the log is whole; a damaged replica neither votes nor is counted until its leader has repaired it (S8).</summary>
    public bool IsWhole => follower.IsWhole;

    /// <summary>A member without whose agreement this group of too few whole voters cannot go on, as far as this replica has asked (S8); nobody while there is a leader.</summary>
    public NodeId RollAwaits => Leader == NodeId.None ? roll.Awaited : NodeId.None;

    /// <summary>
    /// Set by the owner while the replica's state is being rebuilt: it votes and acknowledges as ever, for its log is whole, but stands for election only when
    /// others had ample time to, and not at a leader's request (S20).
    /// </summary>
    public bool IsReluctant
    {
        get => timer.IsReluctant;
        set => timer.IsReluctant = value && !Configuration.IsSoleVoter(Self);
    }

    /// <summary>How gladly this replica stands for election, 0 to 3 (<see cref="RaftOptions.ElectionPriority"/>), from its next draw on. It changes when it stands, never whether its vote or its log counts.</summary>
    public void SetElectionPriority(int priority)
    {
        Invariant.Holds(priority is >= 0 and <= 3, "an election priority is 0 to 3");
        timer.SetPriority(priority);
    }

    /// <summary>Whether this leader has committed an entry of its own term; only then does it know what is committed (Raft paper 8).</summary>
    public bool HasCommittedInTerm => standing.IsLeader && journal.HasCommittedIn(Term);

    /// <summary>When <see cref="Tick"/> wants to be called next; a bound follower of a quiet group has none.</summary>
    public Instant Deadline => Instant.Min(readers.Deadline, Leading?.Deadline() ?? Instant.Min(elections.Deadline, follower.AsksAt));

    /// <summary>Whether a <see cref="Flush"/> would say anything but heartbeats.</summary>
    public bool HasEffects => journal.HasNews || standing.HasNews || standing.IsLeader || held.HasMessages || held.Reads.Count > 0 || snapshotWanted is not null || follower.IsAnswerDue;

    /// <summary>Whether this leader holds a lease at <paramref name="now"/>: no other leader can have been elected (S2, S3), and reads need no round.</summary>
    public bool HoldsLease(Instant now) => HasCommittedInTerm && Leading!.HoldsLease(now);

    /// <summary>The configuration that was in force at an index not before the log's base: what a snapshot of that index must carry.</summary>
    public Configuration ConfigurationAt(LogIndex index) => journal.Configurations.At(index);

    /// <summary>How far a follower's log is known to agree with this leader's; zero when this replica does not lead.</summary>
    public LogIndex MatchOf(NodeId node) => node == Self ? Durable : Leading?.Find(node)?.Match ?? LogIndex.Zero;

    private Leadership? Leading => reigns.Leadership;

    // ---- Time -------------------------------------------------------------------------------------------------------------------

    /// <summary>Time has passed: election, heartbeat, check-quorum (Raft thesis 6.2).</summary>
    public void Tick(Instant now)
    {
        readers.GiveUpOverdue(now);
        if (Leading is not null)
        {
            if (!Leading.Tick(now)) reigns.Follow(now, Term, NodeId.None);
        }
        else if (now >= elections.Deadline)
        {
            elections.Stand(now, isTransfer: false);
        }
        else
        {
            follower.Tick(now);
        }
    }

    /// <summary>The node-pair support for <paramref name="node"/> was withdrawn: its groups look for another leader at once.</summary>
    public void OnSupportWithdrawn(Instant now, NodeId node)
    {
        if (Role == RaftRole.Follower && (Leader == node || follower.Binding.Leader == node)) timer.OnLeaderGone(now);
    }

    // ---- Elections (Raft paper 5.2, 5.4.1; thesis 3.10, 4.2.3, 9.6), by all where too few voters are whole (S8) -----------------------

    /// <summary>A vote is asked for.</summary>
    public void Step(Instant now, NodeId from, in RequestVote message) => elections.OnRequestVote(now, from, message);

    /// <summary>A vote is answered.</summary>
    public void Step(Instant now, NodeId from, in VoteReply message) => elections.OnVoteReply(now, from, message);

    /// <summary>A leader asks this replica to stand.</summary>
    public void Step(Instant now, NodeId from, in TimeoutNow message)
    {
        if (message.Term == Term && Leader == from && Role == RaftRole.Follower && !IsReluctant) elections.Stand(now, isTransfer: true);
    }

    /// <summary>A node says that it does not lead a term, and so never will again: a vote bound to it there is free (S2).</summary>
    public void Step(Instant now, NodeId from, in ReleaseVote message) => follower.OnReleased(now, from, message.Term);

    /// <summary>A voter of a group with too few whole voters calls the roll.</summary>
    public void Step(Instant now, NodeId from, in CallRoll message) => elections.OnCallRoll(now, from, message);

    /// <summary>A roll call is answered.</summary>
    public void Step(Instant now, NodeId from, in RollAnswer message) => elections.OnRollAnswer(now, from, message);

    // ---- Replication (Raft paper 5.3, 5.4.2, 7) ------------------------------------------------------------------------------------

    /// <summary>Entries, a heartbeat or a commit announcement from a leader.</summary>
    public void Step(Instant now, NodeId from, in AppendHeader header, EntryBatch entries)
    {
        if (header.Term < Term)
        {
            follower.RejectStale(from, header);
            return;
        }

        reigns.Obey(now, header.Term, from);
        follower.Take(now, header, entries);
    }

    /// <summary>A follower answers an append.</summary>
    public void Step(Instant now, NodeId from, in AppendReply message)
    {
        if (message.Term > Term)
        {
            reigns.Follow(now, message.Term, NodeId.None);
            return;
        }

        if (message.Bound != SupportEpoch.None && !(standing.IsLeader && message.Term == Term)) held.VoteReleases.Add(new(from, new ReleaseVote(message.Term)));
        if (message.Term < Term || Leading?.Find(from) is not { } progress || !Leading.TryAccept(now, progress, message)) return;
        AdvanceCommit(now);
        FinishTransfer();
    }

    /// <summary>A leader that has compacted what this replica lacks.</summary>
    public void Step(Instant now, NodeId from, in OfferSnapshot message)
    {
        if (message.Term < Term)
        {
            follower.RejectStale(from, message); // Its sender sends no appends that could be answered with the newer term.
            return;
        }

        reigns.Obey(now, message.Term, from);
        if (message.Position.Index > Commit) snapshotWanted = new(from, message);
        else follower.AcknowledgeCommitted();
    }

    /// <summary>Whether this replica leads and is handing leadership over: it takes no proposals, though it is not short of room.</summary>
    public bool IsHandingOver => Leading is { IsHandingOver: true };

    /// <summary>Puts an entry into the leader's log; the payload is copied.</summary>
    public ProposeResult Propose(Instant now, ReadOnlySpan<byte> payload)
    {
        if (Leading is null) return new(ProposeStatus.NotLeader, default, Leader);
        if (payload.Length > options.EntryBytesMax) return new(ProposeStatus.TooLarge, default, Self);
        if (!Leading.Admits(payload.Length)) return new(ProposeStatus.Busy, default, Self);
        return new(ProposeStatus.Accepted, Leading.Append(EntryKind.Command, payload), Self);
    }

    /// <summary>Whether the log takes another entry now, and in which place: asked before a command executes whose effects nobody knows yet (S16). Nothing is reserved beyond the input in which it is asked.</summary>
    public ProposeResult Admit()
    {
        if (Leading is null) return new(ProposeStatus.NotLeader, default, Leader);
        return Leading.Admits(1)
            ? new(ProposeStatus.Accepted, new LogPosition(Term, Log.Last.Index.Next), Self)
            : new(ProposeStatus.Busy, default, Self);
    }

    /// <summary>Puts the entry of a command into the log that was admitted in this very input; only its size can still refuse it. The payload is copied.</summary>
    public ProposeResult ProposeAdmitted(ReadOnlySpan<byte> payload)
    {
        Invariant.Holds(Leading is not null, "a command was admitted, and its entry came when this replica led no more");
        return payload.Length > options.EntryBytesMax
            ? new(ProposeStatus.TooLarge, default, Self)
            : new(ProposeStatus.Accepted, Leading!.Append(EntryKind.Command, payload), Self);
    }

    // ---- Membership and leadership by request (Raft paper 6; thesis 3.10, 4) ---------------------------------------------------------

    /// <summary>Begins a membership change through joint consensus; the second step is proposed by the core itself when the first is committed.</summary>
    public ProposeResult ProposeConfiguration(Instant now, Configuration target)
    {
        if (Leading is null) return new(ProposeStatus.NotLeader, default, Leader);
        return membership.Begin(target) is { } next
            ? new(ProposeStatus.Accepted, Leading.Append(now, next), Self)
            : new(ProposeStatus.Refused, default, Self);
    }

    /// <summary>Hands leadership to <paramref name="target"/>, or with nobody named to the best caught-up voter. Proposals are refused meanwhile; given up after one election timeout.</summary>
    public bool TransferLeadership(Instant now, NodeId target)
    {
        if (Leading is null) return false;
        if (target == NodeId.None) target = Leading.BestSuccessor();
        if (target == Self || !Configuration.MayLead(target)) return false;
        Leading.BeginTransfer(now, target);
        FinishTransfer();
        return true;
    }

    // ---- Reads (Raft thesis 6.4) -----------------------------------------------------------------------------------------------------

    /// <summary>Asks for a read index for a batch of this node's reads: at once under the lease, else by a round, or through the leader. Decided in <see cref="Effects.Reads"/>.</summary>
    public void ReadIndex(Instant now, ulong context) => readers.Ask(now, context, Leading);

    /// <summary>A follower asks for a read index.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexRequest message) => readers.OnRequest(from, message, Leading);

    /// <summary>The leader answers a read-index request.</summary>
    public void Step(Instant now, NodeId from, in ReadIndexReply message) => readers.OnReply(message);

    // ---- What the owner has done -----------------------------------------------------------------------------------------------------

    /// <summary>Everything in the persist request is durable. Tokens come back in order; one may stand for all before it.</summary>
    public void OnDurable(Instant now, PersistToken token)
    {
        journal.Durability.OnDurable(token);
        elections.OnDurable(now);
        if (Leading is not null) AdvanceCommit(now);
        else follower.RepairIfCovered(now);
    }

    /// <summary>The state machine has applied up to here.</summary>
    public void OnApplied(LogIndex index) => journal.OnApplied(index);

    /// <summary>The connection to a peer was lost or re-made: what was in flight may be gone.</summary>
    public void OnPeerReset(Instant now, NodeId peer)
    {
        Leading?.Find(peer)?.OnReset();
        if (Role == RaftRole.Follower && follower.Binding.Leader == peer) follower.AskWhetherStillLeading(); // It may have restarted, and lead no more.
    }

    /// <summary>
    /// Frames of the leader may have been lost here although its connection held: it is asked to say again what it last announced. A group at rest would not, and
    /// this replica would not learn of the newest commit before the next write.
    /// </summary>
    public void OnFramesLost()
    {
        if (standing.FollowsSomebody) follower.AskAgain();
    }

    /// <summary>A durable local snapshot covers everything up to here (which has been applied): the log may forget it.</summary>
    public void Compact(LogIndex through) => journal.Compact(through);

    /// <summary>A snapshot was fetched, is durable, and has replaced the state: the log continues after it.</summary>
    public void OnSnapshotInstalled(Instant now, LogPosition position, Configuration configuration)
    {
        journal.ContinueAfter(position, configuration);
        if (standing.FollowsSomebody) follower.AcknowledgeCommitted();
    }

    /// <summary>Says what is to be done about all inputs since the last call. <paramref name="effects"/> must be clear.</summary>
    public void Flush(Instant now, Effects effects)
    {
        if (Leading is not null)
        {
            readers.Decide(now, Leading);
            Leading.Send(now, Commit, effects);
            readers.Decide(now, Leading); // A sole voter confirms its round by itself.
        }

        if (journal.Durability.HasWork(Log.Last.Index)) effects.Persist = journal.Durability.Take(standing.HardState, Log.Last.Index);
        if (options.Bug == PlantedBug.RollAnsweredBeforeTermPersisted) held.RollAnswers.MoveTo(effects.RollAnswers);
        if (journal.Durability.HardStateDurable)
        {
            follower.Acknowledge();
            effects.TakeMessages(held);
        }

        held.Reads.MoveTo(effects.Reads);
        journal.Tell(effects);
        effects.Role = standing.TakeNews();
        (effects.SnapshotWanted, snapshotWanted) = (snapshotWanted, null);
        effects.RollHeld = elections.TakeRollHeld();
    }

    // ---- While leading ---------------------------------------------------------------------------------------------------------------

    private void AdvanceCommit(Instant now)
    {
        Leading!.AdvanceCommit();
        switch (membership.Next())
        {
            case MembershipStep.LeaveJoint:
                Leading.Append(now, Configuration.LeaveJoint());
                break;
            case MembershipStep.LeaveGroup:
                Leading.ForswearLease();
                var successor = Leading.BestSuccessor();
                reigns.Follow(now, Term, NodeId.None);
                if (successor != NodeId.None) held.TimeoutNows.Add(new(successor, new TimeoutNow(Term)));
                break;
            default:
                break; // None: the group is as it should be, or the newest configuration is not committed yet.
        }
    }

    private void FinishTransfer()
    {
        if (Leading is not null && Leading.TryFinishTransfer(out var target)) held.TimeoutNows.Add(new(target, new TimeoutNow(Term)));
    }
}
