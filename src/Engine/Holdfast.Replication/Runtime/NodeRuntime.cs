using System.Security.Cryptography;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication;

/// <summary>
/// A live node: its loops, its log, its snapshots and its beats, built in start order and stopped in reverse. Building makes the connections' ends;
/// <see cref="Open"/>, once the cluster is known, reads the log and starts the threads; then groups are added.
/// </summary>
public sealed class NodeRuntime : IWalCompletions
{
    private static readonly TimeSpan LoopPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(3);

    private readonly NodeSetup setup;
    private readonly SupportTable[] supports = new SupportTable[GroupLoopSetup.Lanes];
    private readonly IPeerNetwork network;
    private readonly ILoopMesh[] meshes;
    private readonly BeatBoard board;
    private readonly List<ReplicatedGroup> groups = [];
    private readonly HashSet<GroupId> deleted = [];
    private readonly Lock gate = new();
    private GroupLoop[] loops = [];
    private EventLoop[] threads = [];
    private readonly LateWal walQueue = new();
    private readonly LateSnapshots snapshotWorker = new();
    private INodeLog? wal;
    private SnapshotStore? store;
    private SnapshotThread? snapshots;
    private bool isStopped;

    /// <summary>Makes the ends of the mesh and of the beats, and registers them at the listener, which must not have started.</summary>
    public NodeRuntime(NodeSetup setup)
    {
        Invariant.Holds(setup.Loops is > 0 and <= GroupLoopSetup.Lanes, "a node has one to four group loops");
        this.setup = setup;
        for (var lane = 0; lane < supports.Length; lane++) supports[lane] = new SupportTable(setup.Self.BootCount);
        network = setup.PlanNetwork();
        meshes = new ILoopMesh[setup.Loops];
        for (var i = 0; i < meshes.Length; i++) meshes[i] = network.MeshOf(i);
        board = new BeatBoard(supports, IsLaneFresh);
        network.Carry(board);
    }

    /// <summary>What the log held; null before <see cref="Open"/>.</summary>
    public WalRecovery? Recovery { get; private set; }

    /// <summary>The groups on this node, as of now.</summary>
    public IReadOnlyList<ReplicatedGroup> Groups
    {
        get
        {
            lock (gate) return [.. groups];
        }
    }

    /// <summary>Whether a peer's promise of support to this node holds now: it has answered a beat within the lease.</summary>
    public bool HearsFrom(NodeId peer)
    {
        var now = MonotonicClock.Now;
        foreach (var support in supports)
            if (support.GrantFrom(peer).Until > now) return true;
        return false;
    }

    /// <summary>What the log's thread counts; null before <see cref="Open"/>, and where the log is another one (<see cref="NodeSetup.OpenLog"/>).</summary>
    public WalMeters? LogMeters => (wal as WalThread)?.Meters;

    /// <summary>How long the oldest batch waits that is not yet durable.</summary>
    public TimeSpan LogAge => wal?.ProgressAge ?? TimeSpan.Zero;

    /// <summary>Turns of each loop that took long; none before the runtime runs.</summary>
    public IEnumerable<LoopMeters> LoopMeters => threads.Select(static thread => thread.Meters);

    /// <summary>Calls that wait for a loop's turn, all loops together.</summary>
    public int MailboxDepth => loops.Sum(loop => loop.MailboxDepth);

    /// <summary>How long beats to a peer and its answers took.</summary>
    public Histogram RoundTripOf(NodeId peer) => board.RoundTripOf(peer);

    /// <summary>How often connections to a peer were lost.</summary>
    public long LossesOf(NodeId peer) => loops.Sum(loop => loop.LossesOf(peer));

    /// <summary>Reads the log and starts the threads. The cluster must be known.</summary>
    /// <param name="judge">Called with what the log held, before anything is changed; throws to refuse it.</param>
    /// <exception cref="DataDirectoryException">A snapshot that the log continues was written by a newer program.</exception>
    public WalRecovery Open(Action<WalRecovery>? judge = null)
    {
        var cluster = setup.Self.Cluster;
        Invariant.Holds(cluster != ClusterId.None, "a node was opened before it belonged to a cluster");
        Invariant.Holds(wal is null, "a node was opened twice");
        var kept = store = new SnapshotStore(setup.SnapshotDisk ?? setup.Disk, cluster);
        (wal, var recovery) = (setup.OpenLog ?? setup.OpenOwnLog)(cluster, this, found =>
        {
            foreach (var group in found.Groups) kept.RefuseNewer(group.Group, group.Snapshot);
            judge?.Invoke(found);
        });
        Recovery = recovery;
        // A process that died between the tombstone and its snapshots' deletion left them.
        foreach (var group in recovery.Groups)
            if (group.IsTombstoned) store.DeleteGroup(group.Group);
        snapshots = new SnapshotThread(store, setup.OnFatal);
        walQueue.Begin(wal);
        snapshotWorker.Begin(snapshots);
        StartLoops();
        network.Start();
        return recovery;
    }

    /// <summary>
    /// Starts the loops' threads before the cluster is known, for a face that answers its clients meanwhile; <see cref="Open"/> does it where nobody did. There is no group on them until then, so nothing is
    /// asked of the log. Once.
    /// </summary>
    public void StartLoops()
    {
        if (loops.Length > 0) return;
        loops = new GroupLoop[setup.Loops];
        threads = new EventLoop[setup.Loops];
        for (var i = 0; i < loops.Length; i++)
        {
            loops[i] = new GroupLoop(SetupOf(i, walQueue, snapshotWorker));
            loops[i].LogFailed += setup.OnFatal;
            threads[i] = new EventLoop($"loop-{i}", loops[i], setup.OnFatal);
            meshes[i].Attach(threads[i], loops[i]);
            if (setup.LoopParts(threads[i]) is { } part)
            {
                threads[i].Attach(part);
                loops[i].Face = part as IFacePart;
                loops[i].Face?.Join(meshes[i]);
            }

            loops[i].WakeBy(threads[i].Wake);
        }

        foreach (var thread in threads) thread.Start();
    }

    /// <summary>
    /// Begins this node's replica of a group: as recovery found it, or anew with the configuration it is created with. A replica that is to join an existing
    /// group begins with <see cref="Configuration.Empty"/>. Returns once the state is there; until then the replica votes and acknowledges, and the loop serves others.
    /// </summary>
    /// <param name="group">The group.</param>
    /// <param name="machine">An empty state; null where this node is a witness.</param>
    /// <param name="initial">Who belongs to a new group; what the log knows wins.</param>
    /// <param name="options">The group's options.</param>
    /// <param name="featureLevel">The level a new group begins at; what the log knows wins.</param>
    public async Task<ReplicatedGroup> CreateGroupAsync(GroupId group, IStateMachine? machine, Configuration initial, GroupOptions? options = null, uint featureLevel = 1)
    {
        options ??= new GroupOptions();
        var found = Recovery!.Find(group);
        Invariant.Holds(found is not { IsTombstoned: true }, "a group that was deleted here is begun again: group ids are never reused");
        Invariant.Holds(found is not null || Recovery.GroupsLost == 0, "the log lost the identity of groups: a replica that may have voted cannot begin empty");
        var start = found?.HandOver(setup.Self.Id) ?? new RaftStart { Self = setup.Self.Id, Group = group, Configuration = initial };
        var loop = LoopOf(group);
        var call = new AskCall<ReplicatedGroup?>(_ => loop.Add(machine, start, found is null, found?.FeatureLevel ?? featureLevel, options), null);
        loop.Post(call);
        var added = await call.Task.ConfigureAwait(false) ?? throw new ObjectDisposedException(nameof(NodeRuntime));
        await added.Restored.ConfigureAwait(false);
        lock (gate)
        {
            if (deleted.Contains(group)) throw new ObjectDisposedException(nameof(ReplicatedGroup)); // Meanwhile.
            groups.Add(added);
        }

        return added;
    }

    /// <summary>The files by hash of a group's state, for machines whose snapshots name them. After <see cref="Open"/>.</summary>
    public StateFiles FilesOf(GroupId group) => store!.FilesOf(group);

    /// <summary>Opens a group's snapshot for reading; null when there is none at that position any more. It blocks on the disk. After <see cref="Open"/>.</summary>
    public SnapshotReader? OpenSnapshot(GroupId group, LogPosition position) => store!.Open(group, position);

    /// <summary>Ends this node's replica of a group for good. Only on proof that the group, or this node's part in it, is gone (S6).</summary>
    public async Task DeleteGroupAsync(GroupId group)
    {
        var loop = LoopOf(group);
        var call = new AskCall<bool>(_ => Delete(loop, group), false);
        loop.Post(call);
        if (!await call.Task.ConfigureAwait(false)) return;
        lock (gate)
        {
            deleted.Add(group);
            groups.RemoveAll(candidate => candidate.Id == group);
        }
    }

    /// <summary>
    /// Lets the state of a group and its snapshots go, whether its replica was begun here or only left from before; the log stays. Only on proof that the group has committed that it counts on this node no more
    /// (S6). False while it cannot be done.
    /// </summary>
    public async Task<bool> GiveUpStateAsync(GroupId group)
    {
        var loop = LoopOf(group);
        var call = new AskCall<bool>(_ => loop.GiveUp(group), false);
        loop.Post(call);
        return await call.Task.ConfigureAwait(false);
    }

    /// <summary>Hands leadership over, waits for that a moment, then stops everything in reverse order. What was not decided is answered unknown.</summary>
    public async Task StopAsync()
    {
        if (isStopped) return;
        isStopped = true;
        if (wal is not null)
        {
            await HandOverLedAsync().ConfigureAwait(false);
            foreach (var loop in loops)
            {
                var call = new AskCall<bool>(_ => Stop(loop), false);
                loop.Post(call);
                await call.Task.ConfigureAwait(false);
            }
        }

        Halt();
    }

    /// <summary>Stops at once, handing nothing over: for a process that is told to die, and for demonstrations of a crash. What was under way is answered unknown, so that nobody waits for the dead.</summary>
    public void Kill()
    {
        if (isStopped) return;
        isStopped = true;
        Halt();

        // Their threads have ended, so this thread is the only one on them.
        foreach (var loop in loops) loop.Stop();
    }

    void IWalCompletions.OnBatchDurable(WalBatch batch) => loops[batch.Loop].OnBatchDurable(batch);

    void IWalCompletions.OnWalFailed(Exception failure)
    {
        foreach (var loop in loops) loop.OnWalFailed(failure);
    }

    private void Halt()
    {
        network.Dispose();
        foreach (var thread in threads) thread.Dispose();
        snapshots?.Dispose();
        wal?.Dispose();
    }

    private static bool Stop(GroupLoop loop)
    {
        loop.Stop();
        return true;
    }

    private static bool Delete(GroupLoop loop, GroupId group)
    {
        loop.Delete(group);
        return true;
    }

    /// <summary>
    /// Hands the leadership of its groups to others and waits a moment until it has heard from them: its vote may be what elects them, and must be out before it stops. Everything goes on; a node that is about to
    /// stop calls it before it closes its doors.
    /// </summary>
    public async Task HandOverAsync()
    {
        if (isStopped || wal is null) return;
        await HandOverLedAsync().ConfigureAwait(false);
    }

    private async Task HandOverLedAsync()
    {
        var led = Groups.Where(group => group.Status.Role == RaftRole.Leader && group.Status.Configuration.Members.Length > 1).ToList();
        foreach (var group in led) await group.TransferLeadershipAsync(NodeId.None).ConfigureAwait(false);
        for (var waited = 0; waited < 100 && led.Exists(static group => group.Status.Leader == group.Status.Self || group.Status.Leader == NodeId.None); waited++)
            await Task.Delay(10).ConfigureAwait(false);
    }

    private GroupLoop LoopOf(GroupId group) => loops[(int)(group.Value % GroupLoopSetup.Lanes) % loops.Length];

    private bool IsLaneFresh(int lane, Instant now) =>
        loops.Length > 0 && loops[lane % loops.Length] is { } loop && loop.IsFresh(now, LoopPatience) && wal is { } log && log.ProgressAge <= LogPatience;

    private GroupLoopSetup SetupOf(int index, IWalQueue queue, ISnapshotWorker worker) => new()
    {
        Index = index,
        Self = setup.Self.Id,
        BootCount = setup.Self.BootCount,
        Mesh = meshes[index],
        Wal = queue,
        Snapshots = worker,
        Supports = supports,
        Dice = new SeededRandom(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))),
        WallMicros = static () => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10,
        Clock = static () => MonotonicClock.Now,
    };
}
