using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Consensus;

/// <summary>What a replica knows and owes while it leads one term: its followers, its readers, its lease, a transfer under way. Gone when the term ends.</summary>
internal sealed class Leadership
{
    private static readonly Mark SteppedDownSilently = new("raft: leader stepped down, quorum is silent");
    private static readonly Mark LeaseForsworn = new("raft: lease given up before a transfer");
    private static readonly Mark FollowerNeedsSnapshot = new("raft: follower needs a snapshot");
    private static readonly Mark WitnessHeldBack = new("raft: witness not told yet of what too few with data hold");
    private static readonly Mark WitnessStandsIn = new("raft: witness told at once, for a voter with data is out of reach");

    private readonly RaftOptions options;
    private readonly SupportTable support;
    private readonly NodeId self;
    private readonly Term term;
    private readonly Journal journal;
    private readonly RaftLog log;
    private readonly ReadRounds reads = new();
    private readonly Transfer transfer = new();
    private Progress[] followers = [];
    private Configuration configuration = Configuration.Empty;
    private bool hasWitness;
    private LogIndex witnessHorizon;
    private Instant quorumCheckAt;
    private bool leaseForsworn;
    private long uncommittedBytes;
    private LogIndex commit;
    private Instant clock;

    public Leadership(RaftOptions options, SupportTable support, Standing standing, Journal journal, Instant now)
    {
        this.options = options;
        this.support = support;
        this.journal = journal;
        self = standing.Self;
        term = standing.Term;
        log = journal.Log;
        quorumCheckAt = now + options.ElectionTimeout;
        Adopt(now, journal.Configuration);
        Append(EntryKind.NoOp, default); // Committing it commits everything before (Raft paper 5.4.2, 8).
    }

    public ReadOnlySpan<Progress> Followers => followers;

    public bool HasWaitingReads => reads.HasWaiting;

    public LogPosition Append(EntryKind kind, ReadOnlySpan<byte> payload)
    {
        uncommittedBytes += payload.Length;
        return journal.Append(term, kind, payload);
    }

    /// <summary>Appends a configuration, which is in force at once.</summary>
    public LogPosition Append(Instant now, Configuration next)
    {
        var buffer = new ByteBuffer(64);
        next.Encode(buffer);
        var position = Append(EntryKind.Configuration, buffer.Written);
        Adopt(now, next);
        return position;
    }

    /// <summary>Adopts the configuration in force: new members are probed, removed ones forgotten.</summary>
    private void Adopt(Instant now, Configuration inForce)
    {
        configuration = options.Bug == PlantedBug.JointCountedInOneHalf ? inForce.LeaveJoint() : inForce;
        var members = new SortedSet<NodeId>();
        foreach (var member in inForce.Members) members.Add(member.Node);
        foreach (var member in inForce.Outgoing) members.Add(member.Node);
        members.Remove(self);
        followers = [.. members.Select(node => Find(node) ?? new Progress(node, log.Last.Index.Next, options.HeartbeatInterval * 2, now))];
        hasWitness = followers.Any(follower => inForce.IsWitness(follower.Node));
        if (transfer.IsUnderWay && !inForce.MayLead(transfer.Target)) transfer.GiveUp();
    }

    public Progress? Find(NodeId node)
    {
        foreach (var follower in followers)
            if (follower.Node == node) return follower;
        return null;
    }

    /// <summary>The highest index that a majority holds on disk, the leader's own disk included (S1).</summary>
    private LogIndex QuorumDurable() =>
        new(Quorum.Reached(configuration, this, static (leader, node) => node == leader.self ? leader.journal.Durable.Value : leader.Find(node)?.CountedMatch.Value ?? 0));

    /// <summary>Commits what a quorum holds. Only an entry of the own term is committed by counting, what lies before goes with it (Raft paper 5.4.2, figure 8).</summary>
    public void AdvanceCommit()
    {
        var reached = QuorumDurable();
        if (options.Bug == PlantedBug.QuorumOffByOne) reached = LogIndex.Max(reached, AnyoneHas());
        if (reached <= journal.Commit || (log.TermAt(reached) != term && options.Bug != PlantedBug.OldTermCommittedByCounting)) return;
        for (var index = journal.Commit.Next; index <= reached; index = index.Next) uncommittedBytes -= log[index].Payload.Length;
        uncommittedBytes = Math.Max(0, uncommittedBytes); // Entries of earlier terms were never counted.
        journal.CommitTo(reached);
    }

    /// <summary>A follower has answered an append; true when it accepted it.</summary>
    public bool TryAccept(Instant now, Progress follower, in AppendReply reply)
    {
        follower.OnAnswer(now, reply);
        if (!reply.Accepted)
        {
            follower.OnRejected(reply.Match, log.LastNotAbove(reply.Hint.Index, reply.Hint.Term).Index, showsGap: log.Matches(reply.Hint));
            return false;
        }

        Invariant.Holds(reply.Match <= log.Last.Index, "a follower acknowledges entries that its leader does not have");
        follower.OnAccepted(reply.Match, log.Base.Index);
        return true;
    }

    /// <summary>Whether a successor has been chosen and is being waited for.</summary>
    public bool IsHandingOver => transfer.IsUnderWay;

    /// <summary>Whether another proposal fits under the bound on what is uncommitted, and leadership is not being handed over.</summary>
    public bool Admits(int payloadBytes) => !transfer.IsUnderWay && uncommittedBytes + payloadBytes <= options.UncommittedBytesMax;

    /// <summary>Until when a majority has promised, bound in this term, to vote for no one else (S2, S3); only after a commit in the own term.</summary>
    public bool HoldsLease(Instant now)
    {
        if (leaseForsworn) return false;
        return (long)Quorum.Reached(configuration, this, static (leader, node) => (ulong)leader.PromisedUntil(node).Ticks) > now.Ticks;
    }

    /// <summary>Whether a majority has answered, or is bound to this leader, within the last election timeout.</summary>
    public bool HearsQuorum(Instant now)
    {
        clock = now;
        var heard = (long)Quorum.Reached(configuration, this, static (leader, node) =>
            (ulong)Math.Max(0, leader.PromisedUntil(node) > leader.clock ? leader.clock.Ticks : leader.Find(node)?.AnsweredAt.Ticks ?? 0));
        return now.Ticks - heard <= options.ElectionTimeout.Ticks;
    }

    /// <summary>For a planted bug: what one follower more than nobody has.</summary>
    private LogIndex AnyoneHas()
    {
        var most = LogIndex.Zero;
        foreach (var follower in followers) most = LogIndex.Max(most, follower.Match);
        return LogIndex.Min(most, journal.Durable);
    }

    /// <summary>
    /// How far witnesses are told of the log. A witness's vote is refused to whoever lacks what it has taken in, and it cannot lead itself; so it takes in only what some voter with data will still have whichever
    /// minority dies next, of those that are in reach now, and nothing that is not on the leader's own disk. What is committed binds everybody anyway (decision 0030).
    /// </summary>
    private LogIndex WitnessHorizon(Instant now)
    {
        if (options.Bug == PlantedBug.WitnessToldAtOnce) return log.Last.Index;
        clock = now;
        var outlives = Quorum.Outlives(configuration, this, static (leader, node) => leader.InReach(node));
        var horizon = LogIndex.Max(journal.Commit, LogIndex.Min(journal.Durable, new LogIndex(outlives)));
        if (horizon < journal.Durable) WitnessHeldBack.Hit();
        else if (horizon > journal.Commit) NoteWhetherWitnessStandsIn();
        return horizon;
    }

    /// <summary>What a voter holds if it keeps up and its node is there; null when it is to be done without.</summary>
    private ulong? InReach(NodeId node)
    {
        if (node == self) return journal.Durable.Value;
        return Find(node) is { } follower && follower.KeepsUp(clock) && support.GrantFrom(node).Until > clock ? follower.Match.Value : null;
    }

    private void NoteWhetherWitnessStandsIn()
    {
        foreach (var follower in followers)
            if (configuration.MayLead(follower.Node) && InReach(follower.Node) is null) WitnessStandsIn.Hit();
    }

    private Instant PromisedUntil(NodeId node)
    {
        if (node == self) return Instant.Never;
        if (Find(node) is not { } follower || (follower.Bound == SupportEpoch.None && options.Bug != PlantedBug.LeaseOfUnboundVotes)) return Instant.Zero;
        var grant = support.GrantFrom(node);
        return grant.Epoch == follower.Bound || options.Bug == PlantedBug.LeaseOfUnboundVotes ? grant.Until : Instant.Zero;
    }

    public bool TryAddRead(NodeId asker, ulong context) => reads.TryAdd(asker, context);

    public bool TryTakeAnyRead(out NodeId asker, out ulong context) => reads.TryTakeAny(out asker, out context);

    /// <summary>Takes the next batch of reads that may be answered with the commit index of now.</summary>
    public bool TryTakeConfirmedRead(Instant now, bool committedInTerm, out NodeId asker, out ulong context)
    {
        (asker, context) = (default, default);
        if (!reads.HasWaiting || !committedInTerm) return false; // Before a commit in the own term, nobody knows what is committed.
        var confirmed = options.LeaseReads && HoldsLease(now)
            ? ulong.MaxValue
            : Quorum.Reached(configuration, this, static (leader, node) => node == leader.self ? ulong.MaxValue : leader.Find(node)?.RoundAnswered ?? 0);
        return reads.TryTake(confirmed, out asker, out context);
    }

    public void BeginTransfer(Instant now, NodeId target) => transfer.Begin(target, now + options.ElectionTimeout);

    /// <summary>The transfer's target once it has everything, so that it may be told to stand. The lease is given up first, for the rest of the term (S3).</summary>
    public bool TryFinishTransfer(out NodeId target)
    {
        target = transfer.Target;
        if (!transfer.IsUnderWay || transfer.IsTold) return false;
        if (Find(target) is not { } follower || follower.Match != log.Last.Index || !follower.IsWhole) return false;
        leaseForsworn = options.Bug != PlantedBug.TransferKeepsLease;
        LeaseForsworn.Hit();
        transfer.OnTold();
        return true;
    }

    /// <summary>Whether the lease was given up: then a vote for the successor breaks no promise.</summary>
    public bool HasForswornLease => leaseForsworn;

    public void ForswearLease() => leaseForsworn = true;

    /// <summary>The reign is over: the votes that are bound to it are free, and their owners are told (S2).</summary>
    public void ReleaseVotes(Effects held)
    {
        foreach (var follower in followers)
            if (follower.Bound != SupportEpoch.None) held.VoteReleases.Add(new(follower.Node, new ReleaseVote(term)));
    }

    /// <summary>The voter that could take over soonest: the one with the longest log, the smallest id among equals.</summary>
    public NodeId BestSuccessor()
    {
        Progress? best = null;
        foreach (var follower in followers)
            if (configuration.MayLead(follower.Node) && follower.IsWhole && (best is null || follower.Match > best.Match)) best = follower;
        return best?.Node ?? NodeId.None;
    }

    /// <summary>Time has passed; false when this leader has lost touch with its quorum and must step down.</summary>
    public bool Tick(Instant now)
    {
        transfer.GiveUpIfOverdue(now);
        if (now < quorumCheckAt) return true;
        quorumCheckAt = now + options.ElectionTimeout;
        if (HearsQuorum(now)) return true;
        SteppedDownSilently.Hit();
        return false;
    }

    public Instant Deadline()
    {
        var deadline = Instant.Min(quorumCheckAt, transfer.GiveUpAt);
        foreach (var follower in followers)
            if (NeedsHeartbeat(follower)) deadline = Instant.Min(deadline, HeartbeatAt(follower));
        return deadline;
    }

    /// <summary>Says what each follower is to be sent now.</summary>
    public void Send(Instant now, LogIndex committed, Effects effects)
    {
        commit = committed;
        if (reads.HasWaiting) reads.BeginRound();
        foreach (var follower in followers) follower.OnFed(now, log.Last.Index);
        if (hasWitness) witnessHorizon = WitnessHorizon(now);
        foreach (var follower in followers) Feed(now, follower, effects);
    }

    private void Feed(Instant now, Progress follower, Effects effects)
    {
        var isDue = NeedsHeartbeat(follower) && now >= HeartbeatAt(follower);
        if (isDue) follower.OnSilence();
        if (follower.Next.Previous < log.Base.Index && follower.State != ProgressState.Snapshot)
        {
            FollowerNeedsSnapshot.Hit();
            follower.BecomeSnapshot();
            isDue = true;
        }

        if (follower.State == ProgressState.Snapshot)
        {
            if (!isDue) return;
            effects.SnapshotOffers.Add(new(follower.Node, new OfferSnapshot(term, log.Base)));
            follower.OnOffered(now, reads.Newest);
            return;
        }

        var sent = 0L;
        var last = hasWitness && configuration.IsWitness(follower.Node) ? witnessHorizon : log.Last.Index;
        while (follower.MaySend(options) && follower.Next <= last && sent < options.FlushBytesMax)
        {
            sent += SendEntries(now, follower, last, effects);
            if (follower.State != ProgressState.Replicate) break;
        }

        var owesRound = reads.HasWaiting && follower.RoundSent < reads.Newest;
        if (sent == 0 && (isDue || owesRound || follower.OwesCommit(commit))) SendEmpty(now, follower, effects);
    }

    private int SendEntries(Instant now, Progress follower, LogIndex last, Effects effects)
    {
        var first = follower.Next;
        int count = 0, bytes = 0;
        for (var index = first; index <= last; index = index.Next)
        {
            var size = log[index].Payload.Length + 16;
            if (count > 0 && bytes + size > options.AppendBytesMax) break;
            bytes += size;
            count++;
        }

        Emit(now, follower, first, count, bytes, effects);
        return bytes;
    }

    private void SendEmpty(Instant now, Progress follower, Effects effects) => Emit(now, follower, follower.Next, 0, 0, effects);

    private void Emit(Instant now, Progress follower, LogIndex first, int count, int bytes, Effects effects)
    {
        var previous = new LogPosition(log.TermAt(first.Previous) ?? Term.Zero, first.Previous);
        var header = new AppendHeader(term, previous, commit, reads.Newest);
        effects.Appends.Add(new(follower.Node, new AppendOutbound(header, first, count, configuration.IsWitness(follower.Node))));
        follower.OnSent(now, header, first.Previous + (ulong)count, bytes);
    }

    /// <summary>A follower at rest has everything, knows it committed, and is bound to a promise that holds: then the node's beats speak for the group (quiescence).</summary>
    private bool NeedsHeartbeat(Progress follower) =>
        follower.State != ProgressState.Replicate || follower.Match < log.Last.Index || follower.CommitSent < commit || reads.HasWaiting ||
        follower.Bound == SupportEpoch.None || support.GrantFrom(follower.Node).Epoch != follower.Bound;

    private Instant HeartbeatAt(Progress follower) => follower.SentAt + options.HeartbeatInterval;
}
