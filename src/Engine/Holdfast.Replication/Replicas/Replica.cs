using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// A group's copy on this node, on its loop: the protocol core, the state, and the desks around them. Inputs change memory and mark the replica dirty;
/// the loop flushes dirty replicas once per turn.
/// </summary>
internal sealed class Replica
{
    private const int ApplyEntriesMax = 4096;
    private const ulong HashEvery = 1024;
    private static readonly TimeSpan ScanEvery = TimeSpan.FromMilliseconds(20);

    private static readonly Mark AppendUnsent = new("replication: an append found no room on an open connection");
    private static readonly Mark LostWhileRecording = new("replication: a frame of the consensus came while a snapshot was being recorded");
    private static readonly Mark ApplyYielded = new("replication: apply went on in another turn");

    private readonly GroupOptions options;
    private readonly HashCheck hashes;
    private readonly ByteBuffer frame = new();
    private readonly List<NodeId> withdrawnMeanwhile = [];
    private readonly List<NodeId> unsent = [];
    private LogIndex commit;
    private Instant scanAt = Instant.Never;
    private RoleChange lastRole;
    private RollHeld? roll;
    private bool wasServing;
    private bool isLaneBusy;
    private bool hasLostFrames;

    public Replica(GroupLoop loop, GroupId group, IStateMachine? machine, RaftStart start, uint featureLevel, GroupOptions options)
    {
        (Loop, Group, this.options) = (loop, group, options);
        Node = new RaftNode(options.Raft, start, loop.SupportOf(group), loop.Dice.Fork(), loop.Now);
        State = machine is null ? null : new GroupState(machine, options.SessionsMax, featureLevel, options.FeatureLevelKnown, options.PartBytesMax) { ExecutesEvicted = options.Bug == PlantedReplicaBug.EvictedSessionExecuted };
        Proposals = new ProposalDesk(this, options, loop.BootCount);
        Reads = new ReadDesk(this, options);
        Taking = new SnapshotTaking(this, options);
        Fetching = new SnapshotFetching(this);
        Feeding = new SnapshotFeeding(this);
        Restoring = new StateRestoring(this, options);
        Execution = machine is IAppendExecutor executor ? new AppendExecution(this, executor, options) : null;
        hashes = new HashCheck(this);
        commit = Node.Commit;
        Meters = new GroupMeters(loop.Now);
        Trace = new WriteTrace(this);
        Status = MakeStatus();
    }

    public GroupLoop Loop { get; }

    public GroupId Group { get; }

    public RaftNode Node { get; }

    /// <summary>The replicated state; null on a witness.</summary>
    public GroupState? State { get; }

    public ProposalDesk Proposals { get; }

    public ReadDesk Reads { get; }

    public AppendExecution? Execution { get; }

    public SnapshotTaking Taking { get; }

    public SnapshotFetching Fetching { get; }

    public SnapshotFeeding Feeding { get; }

    public StateRestoring Restoring { get; }

    public GroupMeters Meters { get; }

    public WriteTrace Trace { get; }

    /// <summary>Keeps entries for a reader outside the group; null until there is one.</summary>
    public LogTap? Tap { get; set; }

    /// <summary>The replica was deleted: nothing of it may reach the log any more.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Set and cleared by the loop: in the list of replicas to flush.</summary>
    public bool IsDirty { get; set; }

    /// <summary>Set and cleared by the loop: when the replica stands in the loop's deadlines.</summary>
    public Instant ScheduledAt { get; set; } = Instant.Never;

    public GroupStatus Status { get => Volatile.Read(ref field); private set => Volatile.Write(ref field, value); }

    /// <summary>What a read may be sure to see; an entry in the middle of being applied does not count.</summary>
    public LogIndex ReadableTo => State is null || State.IsMidEntry || !Restoring.IsReady ? LogIndex.Zero : State.Applied.Index;

    /// <summary>When the replica wants a turn by itself.</summary>
    public Instant Deadline => Fetching.IsRecording ? scanAt : Instant.Min(Node.Deadline, scanAt);

    private bool IsWaiting => !Proposals.IsIdle || !Reads.IsIdle || !Fetching.IsIdle || !Taking.IsIdle || (!Restoring.IsReady && !Restoring.IsGivenUp) || Execution is { IsIdle: false } || unsent.Count > 0;

    /// <summary>Whether anybody waits for what the log takes in now: all but the leader that executes at append when each reply has left already.</summary>
    public bool IsLogAwaited => Execution is not { IsIdle: true } || Node.Role != RaftRole.Leader || !Proposals.IsIdle || !Reads.IsIdle || State!.Applied.Term != Node.Term;

    public void MarkDirty() => Loop.MarkDirty(this);

    /// <summary>Asks for a turn soon: there is work in slices.</summary>
    public void MarkBusy()
    {
        isLaneBusy = true;
        Loop.MarkDirty(this);
    }

    public SpanWriter BeginFrame(ByteBuffer target, FrameKind kind)
    {
        target.Clear();
        var writer = new SpanWriter(target);
        new FrameHeader(kind, Group, State?.FeatureLevel ?? 0).Encode(writer);
        return writer;
    }

    public void OnFrame(Instant now, NodeId from, FrameKind kind, ref SpanReader reader)
    {
        MarkDirty();
        // While a snapshot's record is on its way the core stands still: what comes now is lost like in a network, and asked for again when the core goes on.
        if (kind.IsConsensus() && Fetching.IsRecording)
        {
            LostWhileRecording.Hit();
            hasLostFrames = true;
            return;
        }

        switch (kind)
        {
            case FrameKind.Forward: Proposals.OnForward(now, from, ref reader); break;
            case FrameKind.ForwardTrace: Trace.OnAnnounced(from, ref reader); break;
            case FrameKind.ForwardRefused: Proposals.OnForwardRefused(ref reader); break;
            case FrameKind.ManifestRequest: Feeding.OnManifestRequest(now, from, ref reader); break;
            case FrameKind.ManifestReply: Fetching.OnManifestReply(from, ref reader); break;
            case FrameKind.ChunkRequest: Feeding.OnChunkRequest(now, from, ref reader); break;
            case FrameKind.ChunkReply: Fetching.OnChunkReply(now, from, ref reader); break;
            case FrameKind.StateHash: hashes.OnClaim(ref reader); break;
            default: ConsensusFrames.Step(Node, now, from, kind, ref reader); break;
        }

        if (kind == FrameKind.AppendReply && !Trace.IsIdle) Trace.OnAcknowledged(from, Node.MatchOf(from));
    }

    public void OnDurable(Instant now, PersistToken token)
    {
        Node.OnDurable(now, token);
        if (!Trace.IsIdle) Trace.OnDurable(Node.Durable);
        MarkDirty();
    }

    /// <summary>A peer's outbound buffer is full. Soon, but not at once: it needs time to empty.</summary>
    public void OnAppendUnsent(NodeId to)
    {
        AppendUnsent.Hit();
        if (!unsent.Contains(to)) unsent.Add(to);
    }

    public void OnRecorded(Instant now, LogPosition position)
    {
        Taking.OnRecorded(position);
        Fetching.OnRecorded(now, position);
        MarkDirty();
    }

    public void OnSupportWithdrawn(Instant now, NodeId node)
    {
        if (Fetching.IsRecording) withdrawnMeanwhile.Add(node);
        else Node.OnSupportWithdrawn(now, node);
        MarkDirty();
    }

    /// <summary>The state was replaced by a snapshot's.</summary>
    public void OnStateReplaced()
    {
        Taking.OnStateLost();
        Execution?.OnStateReplaced();
        Proposals.OnStateReplaced();
        Restoring.OnStateReplaced();
    }

    /// <summary>The state is not there until it has been built again: nothing may look at it.</summary>
    public void OnStateLost()
    {
        Node.IsReluctant = true;
        Taking.OnStateLost();
        Execution?.OnStateReplaced();
        Reads.RefuseAll(Loop.Now);
        MarkBusy();
    }

    /// <summary>The core continues after a snapshot.</summary>
    public void OnInstalled(Instant now)
    {
        commit = LogIndex.Max(commit, Node.Commit);
        Meters.SnapshotsInstalled.Increment();
        foreach (var node in withdrawnMeanwhile) Node.OnSupportWithdrawn(now, node);
        withdrawnMeanwhile.Clear();
        if (hasLostFrames) Node.OnFramesLost();
        hasLostFrames = false;
        Reads.Release(now);
    }

    public void Tick(Instant now)
    {
        if (now >= scanAt) Scan(now);
        if (!Fetching.IsRecording && now >= Node.Deadline) Node.Tick(now);
        MarkDirty();
    }

    /// <summary>Carries out what the core wants, then applies a slice. The effects buffer is the loop's.</summary>
    public void Flush(Instant now, Effects effects)
    {
        if (!Fetching.IsRecording)
        {
            Reads.Submit(now);
            effects.Clear();
            Node.Flush(now, effects);
            ConsensusFrames.Send(this, Loop.Mesh, effects, frame);
            if (effects.Persist is { } persist) Loop.Persist(this, persist);
            Take(now, effects);
        }

        if (State is null) ApplyNothing();
        else if (Restoring.IsReady) Apply(now);
        if (!Trace.IsIdle) Trace.OnProgress(now, commit, State?.Applied.Index ?? Node.Applied);
        Execution?.Release(now);
        if (State is not null) Taking.Turn(now);
        else CompactWitness();
        TellRole();
        if (IsWaiting && scanAt == Instant.Never) scanAt = now + ScanEvery;
        Meters.OnPending(Proposals.Count);
        Status = MakeStatus();
        if (Node.Log.FreeSome()) isLaneBusy = true;
        if (State is not null && ((State.Applied.Index < commit && Restoring.IsReady) || Taking.WantsTurn) || isLaneBusy) Loop.MarkDirty(this);
        isLaneBusy = false;
    }

    public void Delete(Instant now)
    {
        Stop(now);
        IsGone = true;
        Taking.OnDeleted();
    }

    public void Stop(Instant now)
    {
        Execution?.OnLeadershipLost();
        Restoring.Stop();
        Proposals.Stop();
        Reads.RefuseAll(now);
    }

    private void Take(Instant now, Effects effects)
    {
        if (effects.TruncatedFrom != LogIndex.Zero)
        {
            Taking.OnTruncated(effects.TruncatedFrom);
            Execution?.OnTruncated(effects.TruncatedFrom);
        }

        roll = effects.RollHeld ?? roll;
        commit = LogIndex.Max(commit, effects.CommittedTo);
        foreach (ref readonly var read in effects.Reads.Items) Reads.OnDecided(now, read);
        if (effects.SnapshotWanted is { } wanted) Fetching.OnWanted(now, wanted.To, wanted.Message);
        if (effects.Role is not { } role) return;
        Meters.OnRole(now, role);
        if (role.Role != RaftRole.Leader) Execution?.OnLeadershipLost();
        if (role.Leader != NodeId.None)
        {
            Proposals.OnLeaderKnown(now);
            Reads.Retry(now);
        }
    }

    private void Apply(Instant now)
    {
        var state = State!;
        if (state.Applied.Index >= commit) return;
        Loop.Budget.Begin();
        for (var done = 0; state.Applied.Index < commit && done < ApplyEntriesMax; done++)
        {
            var entry = Node.Log[state.Applied.Index.Next];
            var isExecuted = !state.IsMidEntry && Execution is { } execution && execution.TakeExecuted(entry.Position);
            var applied = state.Apply(entry, Node.Self, isExecuted);
            if (applied.IsDone)
            {
                if (applied.Ends) Proposals.OnApplied(applied, entry.Position);
                Proposals.OnReached(now, entry.Position.Term);
                Taking.OnApplied(entry.Position);
                if (entry.Position.Index.Value % HashEvery == 0) hashes.OnApplied(entry.Position);
            }

            // Asking the clock costs more than applying a small entry.
            if ((!applied.IsDone || (done & 15) == 15) && Loop.Budget.IsSpent) break;
        }

        if (state.Applied.Index < commit) ApplyYielded.Hit();
        if (!state.IsMidEntry) Execution?.OnApplied(state.Applied.Index);
        Node.OnApplied(state.Applied.Index);
        Reads.Release(now);
    }

    private void ApplyNothing() => Node.OnApplied(commit);

    /// <summary>A witness has no state to snapshot: its log is shortened as it is committed.</summary>
    private void CompactWitness()
    {
        const ulong EntriesKept = 4096;
        if (commit.Value < Node.Log.Base.Index.Value + 2 * EntriesKept || Fetching.IsRecording) return;
        var through = new LogIndex(commit.Value - EntriesKept);
        Loop.Record(this, new LogPosition(Node.Log.TermAt(through)!.Value, through), Node.ConfigurationAt(through), 0);
        Node.Compact(through);
    }

    private void Scan(Instant now)
    {
        scanAt = Instant.Never;
        Proposals.Expire(now);
        Reads.Retry(now);
        Fetching.Tick(now);
        if (Restoring.NeedsPeers && !Restoring.IsGivenUp) Fetching.Repair(now);
        if (!Fetching.IsRecording) ResetUnsent(now);
        if (IsWaiting) scanAt = now + ScanEvery;
    }

    private void ResetUnsent(Instant now)
    {
        foreach (var peer in unsent) Node.OnPeerReset(now, peer);
        unsent.Clear();
    }

    /// <summary>The machine learns of a role only when it may act on it: a leader has applied an entry of its own term.</summary>
    private void TellRole()
    {
        if (State is null) return;
        var isServing = Node.Role == RaftRole.Leader && Restoring.IsReady && State.Applied.Term == Node.Term;
        var role = new RoleChange(Node.Role, Node.Term, Node.Leader);
        if (isServing == wasServing && role == lastRole) return;
        var mayExecuteNow = isServing && !wasServing;
        (wasServing, lastRole) = (isServing, role);
        State.Machine.OnRole(new GroupRole(isServing, Node.Term, Node.Leader));
        if (mayExecuteNow && Execution is not null) Proposals.Unpark(Loop.Now);
    }

    private GroupStatus MakeStatus()
    {
        var last = Status;
        var role = Node.Role;
        var applied = State?.Applied.Index ?? Node.Applied;
        var holdsLease = role == RaftRole.Leader && Node.HoldsLease(Loop.Now);
        if (last is not null && last.Applied == applied && last.Commit == Node.Commit && last.Last == Node.Log.Last && last.Role == role && last.Term == Node.Term &&
            last.Leader == Node.Leader && last.HoldsLease == holdsLease && ReferenceEquals(last.Configuration, Node.Configuration) && last.HasDiverged == hashes.HasDiverged &&
            last.Snapshot == Node.Log.Base && last.IsServingLeader == wasServing && last.IsRestored == Restoring.IsReady && last.IsGivenUp == Restoring.IsGivenUp && last.SnapshotFault == Taking.Fault &&
            last.RollAwaits == Node.RollAwaits && last.Roll == roll)
            return last;

        return new GroupStatus
        {
            Group = Group,
            Self = Node.Self,
            Role = role,
            Term = Node.Term,
            Leader = Node.Leader,
            Commit = Node.Commit,
            Applied = applied,
            Last = Node.Log.Last,
            Snapshot = Node.Log.Base,
            HoldsLease = holdsLease,
            Configuration = Node.Configuration,
            ConfigurationIndex = Node.ConfigurationIndex,
            HasCommittedMembers = ReferenceEquals(Node.Configuration, Node.ConfigurationAt(Node.Commit)),
            StateHash = State is { IsMidEntry: false } ? State.StateHash : last?.StateHash ?? 0,
            FeatureLevel = State?.FeatureLevel ?? 0,
            HasDiverged = hashes.HasDiverged,
            IsServingLeader = wasServing,
            IsRestored = Restoring.IsReady,
            IsGivenUp = Restoring.IsGivenUp,
            SnapshotFault = Taking.Fault,
            RollAwaits = Node.RollAwaits,
            Roll = roll,
        };
    }
}
