using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What a replica knows and owes while it leads one term: its followers, its readers, its lease, a transfer under way. Gone when the term ends.</summary>
internal sealed class Leadership
{
    private static readonly Mark LeaseForsworn = new("raft: lease given up before a transfer");
    private static readonly Mark TransferGivenUp = new("raft: transfer given up");
    private static readonly Mark FollowerNeedsSnapshot = new("raft: follower needs a snapshot");

    private readonly RaftOptions options;
    private readonly SupportTable support;
    private readonly NodeId self;
    private readonly Term term;
    private readonly RaftLog log;
    private readonly ReadRounds reads = new();
    private Progress[] followers = [];
    private Configuration configuration = Configuration.Empty;
    private Instant quorumCheckAt;
    private Instant transferGiveUpAt = Instant.Never;
    private bool leaseForsworn;
    private NodeId transferToldTo;
    private LogIndex commit;
    private LogIndex durable;
    private Instant clock;

    public Leadership(RaftOptions options, SupportTable support, NodeId self, Term term, RaftLog log, Instant now)
    {
        this.options = options;
        this.support = support;
        this.self = self;
        this.term = term;
        this.log = log;
        quorumCheckAt = now + options.ElectionTimeout;
    }

    public NodeId TransferTarget { get; private set; }

    public ReadOnlySpan<Progress> Followers => followers;

    public bool HasWaitingReads => reads.HasWaiting;

    /// <summary>Adopts the configuration in force: new members are probed, removed ones forgotten.</summary>
    public void OnConfiguration(Instant now, Configuration inForce)
    {
        configuration = inForce;
        var members = new SortedSet<NodeId>();
        foreach (var member in inForce.Members) members.Add(member.Node);
        foreach (var member in inForce.Outgoing) members.Add(member.Node);
        members.Remove(self);
        followers = [.. members.Select(node => Find(node) ?? new Progress(node, log.Last.Index.Next, now))];
        if (TransferTarget != NodeId.None && !inForce.MayLead(TransferTarget)) GiveUpTransfer();
    }

    public Progress? Find(NodeId node)
    {
        foreach (var follower in followers)
            if (follower.Node == node) return follower;
        return null;
    }

    /// <summary>The highest index that a majority holds on disk, the leader's own disk included (S1).</summary>
    public LogIndex QuorumDurable(LogIndex ownDurable)
    {
        durable = ownDurable;
        return new LogIndex(Quorum.Reached(configuration, this, static (leader, node) =>
            node == leader.self ? leader.durable.Value : leader.Find(node)?.CountedMatch.Value ?? 0));
    }

    /// <summary>For a planted bug: what one follower more than nobody has.</summary>
    public LogIndex AnyoneHas(LogIndex ownDurable)
    {
        var most = LogIndex.Zero;
        foreach (var follower in followers) most = LogIndex.Max(most, follower.Match);
        return LogIndex.Min(most, ownDurable);
    }

    /// <summary>Until when a majority has promised, bound in this term, to vote for no one else (S2, S3); the caller checks that a commit in the own term exists.</summary>
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

    private Instant PromisedUntil(NodeId node)
    {
        if (node == self) return Instant.Never;
        if (Find(node) is not { } follower || follower.Bound == SupportEpoch.None) return Instant.Zero;
        var grant = support.GrantFrom(node);
        return grant.Epoch == follower.Bound ? grant.Until : Instant.Zero;
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

    public void BeginTransfer(Instant now, NodeId target)
    {
        TransferTarget = target;
        transferGiveUpAt = now + options.ElectionTimeout;
    }

    /// <summary>Whether the target has everything, so that it may be told to stand. The lease is given up first, for the rest of the term (S3).</summary>
    public bool TryFinishTransfer()
    {
        if (TransferTarget == NodeId.None || transferToldTo == TransferTarget) return false;
        if (Find(TransferTarget) is not { } target || target.Match != log.Last.Index || !target.IsWhole) return false;
        leaseForsworn = true;
        LeaseForsworn.Hit();
        transferToldTo = TransferTarget;
        return true;
    }

    /// <summary>Whether the lease was given up: then a vote for the successor breaks no promise.</summary>
    public bool HasForswornLease => leaseForsworn;

    public void ForswearLease() => leaseForsworn = true;

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
        if (now >= transferGiveUpAt)
        {
            TransferGivenUp.Hit();
            GiveUpTransfer();
        }

        if (now < quorumCheckAt) return true;
        quorumCheckAt = now + options.ElectionTimeout;
        return HearsQuorum(now);
    }

    public Instant Deadline()
    {
        var deadline = Instant.Min(quorumCheckAt, transferGiveUpAt);
        foreach (var follower in followers)
            if (NeedsHeartbeat(follower)) deadline = Instant.Min(deadline, HeartbeatAt(follower));
        return deadline;
    }

    /// <summary>Says what each follower is to be sent now.</summary>
    public void Send(Instant now, LogIndex committed, Effects effects)
    {
        commit = committed;
        if (reads.HasWaiting) reads.BeginRound();
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

        var sent = false;
        while (follower.MaySend(options) && follower.Next <= log.Last.Index)
        {
            SendEntries(now, follower, effects);
            sent = true;
            if (follower.State != ProgressState.Replicate) break;
        }

        var owesCommit = follower.State == ProgressState.Replicate && follower.CommitSent < commit;
        var owesRound = reads.HasWaiting && follower.RoundSent < reads.Newest;
        if (!sent && (isDue || owesCommit || owesRound)) SendEmpty(now, follower, effects);
    }

    private void SendEntries(Instant now, Progress follower, Effects effects)
    {
        var first = follower.Next;
        var last = log.Last.Index;
        int count = 0, bytes = 0;
        for (var index = first; index <= last; index = index.Next)
        {
            var size = log[index].Payload.Length + 16;
            if (count > 0 && bytes + size > options.AppendBytesMax) break;
            bytes += size;
            count++;
        }

        Emit(now, follower, first, count, bytes, effects);
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

    private void GiveUpTransfer()
    {
        TransferTarget = NodeId.None;
        transferToldTo = NodeId.None;
        transferGiveUpAt = Instant.Never;
    }
}
