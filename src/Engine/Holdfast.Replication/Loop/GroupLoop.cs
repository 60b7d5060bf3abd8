using System.Collections.Concurrent;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Replication;

/// <summary>
/// Many groups on one thread. A driven object: an event loop turns it in production, the simulator in virtual time. A turn takes in what has arrived, lets
/// time pass for groups whose deadline has come, flushes the groups that something happened to, and hands one batch to the log. A group at rest costs nothing.
/// </summary>
public sealed class GroupLoop : IPeerHandler, ILoopBody
{
    private const int CallsPerTurn = 1024;
    private static readonly TimeSpan LookAtSupports = TimeSpan.FromMilliseconds(20);

    private static readonly Mark UnknownGroup = new("replication: frame for a group that is not here");

    private readonly GroupLoopSetup setup;
    private readonly Dictionary<GroupId, Replica> replicas = [];
    private readonly List<Replica> inOrder = [];
    private readonly LoopMailbox mailbox;
    private readonly WalLine wal;
    private readonly ConcurrentQueue<SnapshotJob> jobsDone = new();
    private readonly PriorityQueue<Replica, Instant> deadlines = new();
    private readonly List<QueryCall> queries = [];
    private readonly List<NodeId> withdrawn = [];
    private readonly ConcurrentDictionary<NodeId, long> peerLosses = new();
    private readonly Effects effects = new();
    private List<Replica> dirty = [];
    private List<Replica> flushing = [];
    private IReadOnlyList<GroupHoldingBack> heldBack = [];
    private Instant supportsAt = Instant.Zero;
    private Action wake = () => { };
    private Exception? walFailure;
    private long turnedAt;
    private long wokenAt = long.MaxValue;

    /// <summary>A loop without groups.</summary>
    public GroupLoop(GroupLoopSetup setup)
    {
        Invariant.Holds(setup.Supports.Count == GroupLoopSetup.Lanes, "a loop needs one support table per lane");
        this.setup = setup;
        mailbox = new LoopMailbox(setup.MailboxMax);
        wal = new WalLine(setup.Wal, setup.Index);
        Budget = new SliceBudget(setup.Clock);
        Now = setup.Clock();
        turnedAt = Now.Ticks;
    }

    /// <summary>Told once, on the loop, when the log has failed: nothing can become durable until the process restarts (S7).</summary>
    public event Action<Exception>? LogFailed;

    /// <summary>The groups that live here, in the order in which they were added. For the loop's own thread.</summary>
    public int GroupCount => inOrder.Count;

    /// <summary>Calls of other threads that wait for their turn. From any thread.</summary>
    public int MailboxDepth => mailbox.Count;

    /// <summary>How often the connection to a peer was lost. From any thread.</summary>
    public long LossesOf(NodeId peer) => peerLosses.GetValueOrDefault(peer);

    internal Instant Now { get; private set; }

    internal IPeerMesh Mesh => setup.Mesh;

    internal ISnapshotWorker Snapshots => setup.Snapshots;

    internal SeededRandom Dice => setup.Dice;

    internal uint BootCount => setup.BootCount;

    internal SliceBudget Budget { get; }

    internal bool IsStopping { get; private set; }

    internal bool CompletesInline => setup.CompletesInline;

    internal TaskCreationOptions Completion => CompletesInline ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously;

    /// <summary>Says how the loop's thread is woken from its wait. Called once, before anything else may post to the loop.</summary>
    public void WakeBy(Action wakeLoop)
    {
        wake = wakeLoop;
        mailbox.OnArrival(Wake);
    }

    /// <summary>
    /// Begins a group's replica here. Before the loop runs, or on its thread; <see cref="Add"/>'s twin for other threads is the node runtime's.
    /// </summary>
    /// <param name="machine">An empty state; null on a witness. Where <paramref name="start"/> has a snapshot, it is restored from the node's snapshot store while the loop goes on (<see cref="ReplicatedGroup.Restored"/>).</param>
    /// <param name="start">What recovery found, or a new beginning.</param>
    /// <param name="isNew">The log does not know the group yet: its creation is recorded first.</param>
    /// <param name="featureLevel">The group's feature level at the start's snapshot.</param>
    /// <param name="options">The group's options.</param>
    public ReplicatedGroup Add(IStateMachine? machine, RaftStart start, bool isNew, uint featureLevel, GroupOptions options)
    {
        Invariant.Holds(!replicas.ContainsKey(start.Group), "a group was added twice to a loop");
        Invariant.Holds(featureLevel <= options.FeatureLevelKnown, "the group's feature level is newer than this program: start a newer version");
        Now = setup.Clock();
        if (isNew) wal.Create(start.Group, start.Configuration, featureLevel);
        var replica = new Replica(this, start.Group, machine, start, featureLevel, options);
        replicas.Add(start.Group, replica);
        inOrder.Add(replica);
        replica.Restoring.BeginAtStart();
        MarkDirty(replica);
        Wake();
        return new ReplicatedGroup(this, replica);
    }

    /// <summary>Ends a group's replica here for good and records that its id is used up. Only on proof that the group is gone (S6). On the loop's thread.</summary>
    public void Delete(GroupId group)
    {
        if (!replicas.Remove(group, out var replica)) return;
        inOrder.Remove(replica);
        replica.Delete(Now);
        wal.Delete(replica);
        Wake();
    }

    /// <summary>
    /// Lets a group's state and its snapshots here go, and keeps what this node said in the log. Only on proof that the group has committed that it counts on this node no more (S6). False while it cannot be
    /// done; it is done again without harm. On the loop's thread.
    /// </summary>
    public bool GiveUp(GroupId group)
    {
        if (replicas.TryGetValue(group, out var replica) && !replica.Restoring.TryGiveUp()) return false;
        Snapshots.Post(new PruneJob(this, group, new LogPosition(new Term(ulong.MaxValue), new LogIndex(ulong.MaxValue))));
        return true;
    }

    internal void OnDeleted(GroupId group) => Snapshots.Post(new DeleteJob(this, group));

    /// <inheritdoc/>
    public Instant Turn(Instant now)
    {
        Volatile.Write(ref wokenAt, long.MaxValue);
        Now = now;
        if (Volatile.Read(ref walFailure) is not null) return Fail();
        for (var left = CallsPerTurn; left > 0 && mailbox.TryTake(out var call); left--) call.Run(now);
        wal.TakeDurable(now);
        TakeJobs();
        if (now >= supportsAt) LookForLapsed(now);
        PassTime(now);
        HelpTheLog();
        FlushDirty(now);
        RunQueries(now);

        // Frames first, so that followers write while this node does; the log's thread, once woken, may take the processor before a frame has left.
        // No frame relies on this turn's batch: what does is only made when the batch is durable (S1), a turn or more later.
        setup.Mesh.Flush();
        if (IsStopping) wal.Submit();
        else wal.SubmitDue(now);
        Volatile.Write(ref turnedAt, now.Ticks);
        return NextTurn(now);
    }

    /// <summary>The face that lives on this loop and talks with its like; null for none. Set before the loop starts.</summary>
    public IFacePart? Face { get; set; }

    /// <inheritdoc/>
    public void OnFrame(NodeId from, ReadOnlySpan<byte> frame)
    {
        var reader = new SpanReader(frame);
        if (IsStopping || !FrameHeader.TryDecode(ref reader, out var header)) return;
        if (header.Kind == FrameKind.Face)
        {
            Face?.OnFrame(from, reader.Rest);
            return;
        }

        if (replicas.TryGetValue(header.Group, out var replica)) replica.OnFrame(Now = setup.Clock(), from, header.Kind, ref reader);
        else UnknownGroup.Hit();
    }

    /// <inheritdoc/>
    public void OnPeerUp(NodeId peer) => ResetPeer(peer);

    /// <inheritdoc/>
    public void OnPeerDown(NodeId peer)
    {
        peerLosses.AddOrUpdate(peer, 1, static (_, losses) => losses + 1);
        ResetPeer(peer);
        Face?.OnPeerDown(peer);
    }

    /// <summary>A batch of this loop is durable. From the log's thread.</summary>
    public void OnBatchDurable(WalBatch batch)
    {
        wal.OnBatchDurable(batch);
        Wake();
    }

    /// <summary>The log has failed. From the log's thread.</summary>
    public void OnWalFailed(Exception failure)
    {
        Volatile.Write(ref walFailure, failure);
        Wake();
    }

    /// <summary>Whether the loop's thread moves: it has had a turn within <paramref name="patience"/> of being woken. From any thread (S2).</summary>
    public bool IsFresh(Instant now, TimeSpan patience)
    {
        var woken = Volatile.Read(ref wokenAt);
        return woken == long.MaxValue || now - new Instant(woken) <= patience || now - new Instant(Volatile.Read(ref turnedAt)) <= patience;
    }

    /// <summary>Ends all proposals and reads; groups go on answering their peers no more. On the loop's thread, before its last turn.</summary>
    public void Stop()
    {
        IsStopping = true;
        mailbox.Close();
        foreach (var replica in inOrder) replica.Stop(Now);
        foreach (var query in queries) query.Refuse();
        queries.Clear();
    }

    internal SupportTable SupportOf(GroupId group) => setup.Supports[(int)(group.Value % GroupLoopSetup.Lanes)];

    internal long WallMicros() => setup.WallMicros();

    internal void Post(LoopCall call) => mailbox.Post(call);

    internal void OnJobDone(SnapshotJob job)
    {
        jobsDone.Enqueue(job);
        Wake();
    }

    internal void MarkDirty(Replica replica)
    {
        if (replica.IsDirty || replica.IsGone) return;
        replica.IsDirty = true;
        dirty.Add(replica);
    }

    internal void Persist(Replica replica, in PersistRequest request) => wal.Persist(replica, request);

    /// <summary>What the log was given and nobody waited for is waited for now.</summary>
    internal void HurryLog() => wal.Hurry();

    internal void Record(Replica replica, LogPosition position, Configuration configuration, uint featureLevel) => wal.Record(replica, position, configuration, featureLevel);

    internal void Run(QueryCall query) => queries.Add(query);

    private void Wake()
    {
        if (Volatile.Read(ref wokenAt) == long.MaxValue) Volatile.Write(ref wokenAt, setup.Clock().Ticks);
        wake();
    }

    private void ResetPeer(NodeId peer)
    {
        Now = setup.Clock();
        foreach (var replica in inOrder)
        {
            if (!replica.Node.Configuration.Contains(peer)) continue;
            replica.Node.OnPeerReset(Now, peer);
            MarkDirty(replica);
        }
    }

    /// <summary>
    /// What the snapshots' thread has done, a slice at a time: while a state is restored that thread may read as fast as this loop links what it reads, and without a bound one turn would last as long as the restore.
    /// </summary>
    private void TakeJobs()
    {
        if (jobsDone.IsEmpty) return;
        Budget.Begin();
        while (jobsDone.TryDequeue(out var job))
        {
            job.Done();
            if (Budget.IsSpent) return; // What is left brings the next turn.
        }
    }

    /// <summary>Takes back promises that have lapsed and tells the groups of those lanes: they look for another leader at once (S2).</summary>
    private void LookForLapsed(Instant now)
    {
        for (var lane = 0; lane < GroupLoopSetup.Lanes; lane++)
        {
            if (setup.Supports[lane].EarliestLapse() >= now) continue;
            setup.Supports[lane].WithdrawLapsed(now, withdrawn);
            foreach (var node in withdrawn)
                foreach (var replica in inOrder)
                    if ((int)(replica.Group.Value % GroupLoopSetup.Lanes) == lane) replica.OnSupportWithdrawn(now, node);
        }

        supportsAt = now + LookAtSupports;
    }

    private void PassTime(Instant now)
    {
        while (deadlines.TryPeek(out var replica, out var at) && at <= now)
        {
            deadlines.Dequeue();
            if (replica.ScheduledAt != at || replica.IsGone) continue; // It was scheduled earlier since.
            replica.ScheduledAt = Instant.Never;
            if (replica.Deadline <= now) replica.Tick(now);
            else Schedule(replica);
        }
    }

    private void Schedule(Replica replica)
    {
        var deadline = replica.Deadline;
        if (deadline >= replica.ScheduledAt) return;
        replica.ScheduledAt = deadline;
        deadlines.Enqueue(replica, deadline);
    }

    /// <summary>Groups that keep old segments alive take a snapshot, or say their few entries again.</summary>
    private void HelpTheLog()
    {
        const ulong FewEntries = 64;
        var named = setup.Wal.HoldingBack;
        if (ReferenceEquals(named, heldBack) || !wal.HasRoom) return;
        heldBack = named;
        foreach (var holder in named)
        {
            if (!replicas.TryGetValue(holder.Group, out var replica)) continue;
            // What is not applied no snapshot helps: a group without a quorum copies its tail, which is bounded, again and again.
            var isFew = holder.Through - holder.From < FewEntries || replica.ReadableTo < holder.From;
            if (isFew || replica.State is null) wal.Copy(replica, holder.From, holder.Through);
            else replica.Taking.Force();
            MarkDirty(replica);
        }
    }

    private void FlushDirty(Instant now)
    {
        (dirty, flushing) = (flushing, dirty);
        foreach (var replica in flushing)
        {
            if (!wal.HasRoom)
            {
                dirty.Add(replica); // Stays marked; the log's next completion brings the turn.
                continue;
            }

            replica.IsDirty = false;
            if (replica.IsGone) continue;
            replica.Flush(now, effects);
            Schedule(replica);
        }

        flushing.Clear();
    }

    private void RunQueries(Instant now)
    {
        for (var i = queries.Count - 1; i >= 0; i--)
        {
            Budget.Begin();
            if (queries[i].RunSlice(Budget)) queries.RemoveAt(i);
        }
    }

    private Instant NextTurn(Instant now)
    {
        if ((dirty.Count > 0 && wal.HasRoom) || queries.Count > 0 || !mailbox.IsEmpty || wal.HasNews || !jobsDone.IsEmpty) return now;
        var next = Instant.Min(wal.LingersUntil, deadlines.TryPeek(out _, out var at) ? at : Instant.Never);
        // Lapses are looked for on time: they are what elections begin with.
        for (var lane = 0; lane < GroupLoopSetup.Lanes; lane++)
        {
            var lapse = setup.Supports[lane].EarliestLapse();
            if (lapse != Instant.Never) next = Instant.Min(next, lapse + TimeSpan.FromTicks(1) > supportsAt ? lapse + TimeSpan.FromTicks(1) : supportsAt);
        }

        return next;
    }

    private Instant Fail()
    {
        if (!IsStopping)
        {
            Stop();
            LogFailed?.Invoke(walFailure!);
        }

        return Instant.Never;
    }
}
