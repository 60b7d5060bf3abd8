using System.Runtime.InteropServices;
using Holdfast.Consensus;
using Holdfast.Coordination;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Procedures;
using Holdfast.Simulation.Shards;
using Holdfast.Simulation.Vectors;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A node's process, put together as in production: identity, log, snapshots, supports and beats, loops and groups, the etcd face. What threads do there is
/// done here by events: the log's thread, the snapshots', the beats' and each loop's.
/// </summary>
internal sealed class ClusterProcess : IWalQueue, ISnapshotWorker, IDiskFate
{
    private static readonly TimeSpan BeatInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan FaceTick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LoopPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogPatience = TimeSpan.FromSeconds(3);

    private static readonly Mark LogFailed = new("sim: a process ended because its log had failed");
    private static readonly Mark DiedAtEffect = new("sim: a process died between two effects");

    private readonly SimMount mount;
    private readonly CommitQueue queue;
    private readonly List<WalBatch> commit = [];
    private readonly Queue<SnapshotJob> jobs = new();
    private readonly List<Action> deferred = [];
    private readonly SupportTable[] supports = new SupportTable[GroupLoopSetup.Lanes];
    private readonly BeatBoard board;
    private readonly ByteBuffer beat = new();
    private readonly List<LoopSeat> seats = [];
    private WriteAheadLog? log;
    private SnapshotStore? store;
    private IReadOnlyList<GroupHoldingBack> holdingBack = [];
    private bool isWriting, isCarrying, isTicking, hasLogFailed;
    private long work;

    public ClusterProcess(ClusterMachine machine, SeededRandom dice)
    {
        (Machine, World, Dice) = (machine, machine.World, dice);
        mount = new SimMount(machine.Disk, this, dice.Fork()) { Mutation = World.Options.Mutation };
        queue = new CommitQueue(World.Options.CommitBytesMax);
        board = new BeatBoard(supports, IsLaneFresh);
    }

    public ClusterMachine Machine { get; }

    public ClusterWorld World { get; }

    public SeededRandom Dice { get; }

    public bool IsAlive { get; private set; } = true;

    public bool IsPaused { get; private set; }

    public NodeId Node => Machine.Node;

    /// <summary>The Redis face, in runs that have it.</summary>
    public ShardSite? Shards { get; set; }

    /// <summary>Shards of vectors, in runs that have them.</summary>
    public VectorSite? Vectors { get; set; }

    /// <summary>Its part in a cluster whose members the directory decides, in runs that have one.</summary>
    public ProcedureSite? Procedures { get; private set; }

    public CoordinationFace Face { get; private set; } = null!;

    /// <summary>The face as ordinary clients use it: in root's name where everybody must have one.</summary>
    public ICoordination Door { get; private set; } = null!;

    public CoordinationStateMachine KeyspaceMachine { get; private set; } = null!;

    /// <summary>For a planted bug: locks that were granted here, counted in memory.</summary>
    public long LocksGranted { get; set; }

    /// <summary>Whether an earlier process ran on this disk.</summary>
    public bool IsRestart { get; private set; }

    public WalRecovery Recovery { get; private set; } = null!;

    public IReadOnlyList<LoopSeat> Seats => seats;

    public List<ReplicatedGroup> Groups { get; } = [];

    public IReadOnlyList<GroupHoldingBack> HoldingBack => holdingBack;

    /// <summary>The passing groups that have begun here, over or not.</summary>
    public HashSet<GroupId> Passing { get; } = [];

    /// <summary>Whether the log remembers damage of some group.</summary>
    public bool HasDamage => log is { HasDamage: true };

    public StateFiles FilesOf(GroupId group) => store!.FilesOf(group);

    public ReplicatedGroup GroupOf(GroupId group) => Groups.Find(candidate => candidate.Id == group)!;

    public LoopSeat SeatOf(GroupId group) => seats[(int)(group.Value % GroupLoopSetup.Lanes) % seats.Count];

    /// <summary>The process's own clock; a look within a turn costs time.</summary>
    public Instant Look()
    {
        work += World.Options.WorkPerLook.Ticks;
        return Machine.Clock.Now + TimeSpan.FromTicks(work);
    }

    /// <summary>How long the turn has kept its thread busy.</summary>
    public long TakeWork() => Interlocked.Exchange(ref work, 0);

    /// <summary>Reads the disk and begins: the order of the production node.</summary>
    public void Boot()
    {
        var cluster = ClusterWorld.Cluster;
        var known = NodeIdentity.Read(mount, "");
        var identity = (known ?? new NodeIdentity(Machine.Node, Machine.Name, cluster, 0)).Booted();
        identity.Write(mount);
        IsRestart = known is not null;
        World.Check.OnBoot(this, identity.Node, known is null);
        for (var lane = 0; lane < supports.Length; lane++) supports[lane] = new SupportTable((uint)identity.BootCount);
        var options = World.Options;
        var walOptions = new WalOptions
        {
            Cluster = cluster,
            BlockBytes = options.BlockBytes,
            SegmentBytes = options.SegmentBytes,
            SegmentsMax = options.SegmentsMax,
            SparesMax = options.SparesMax,
            CommitBytesMax = options.CommitBytesMax,
            Bug = Enum.TryParse<PlantedLogBug>(options.Mutation.ToString(), out var bug) ? bug : PlantedLogBug.None,
        };
        log = WriteAheadLog.Open(mount, walOptions, out var recovery);
        Recovery = recovery;
        World.Check.OnRecovered(this, recovery);
        World.Passing.OnRecovered(this, recovery);
        store = new SnapshotStore(mount, cluster);
        for (var index = 0; index < options.LoopsPerNode; index++) SeatLoop(index, (uint)identity.BootCount);
        if (World.Options.HasProcedures) Procedures = new ProcedureSite(this, mount);
        else
            foreach (var group in World.Groups) Begin(group, recovery);
        Procedures?.Begin(Every);
        Shards?.Begin(Every);
        Vectors?.Begin(Every);
        World.Passing.OnBooted(this);
        foreach (var seat in seats) seat.Wake();
        Every(BeatInterval, Beat);
        if (!World.Options.HasProcedures) Every(FaceTick, () => _ = TickFace());
    }

    public void Die()
    {
        IsAlive = false;
        mount.Die();
        if (Shards is { } shards) World.Clock.After(TimeSpan.Zero, shards.Dispose); // Not now: it may die in the middle of its own work.
    }

    public void Pause() => IsPaused = true;

    public void Resume()
    {
        if (!IsPaused) return;
        IsPaused = false;
        var waiting = deferred.ToArray();
        deferred.Clear();
        foreach (var action in waiting) WhenAwake(action);
    }

    /// <summary>Does something in the process: at once, when it goes on after a pause, or never.</summary>
    public void WhenAwake(Action action)
    {
        if (!IsAlive) return;
        if (IsPaused) deferred.Add(action);
        else action();
    }

    /// <summary>Runs a piece of the process, which may die in it.</summary>
    public void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (ProcessDiedException died)
        {
            DiedAtEffect.Hit();
            Machine.Crash(died.LosesPower);
        }
    }

    /// <summary>Something that the process was about to do went wrong: it dies where it was to die, ends when its disk refuses, and anything else ends the run.</summary>
    public void OnFault(Exception fault)
    {
        if (fault is ProcessDiedException died) World.Clock.After(TimeSpan.Zero, () => Machine.CrashOf(this, died.LosesPower));
        else if (fault is IOException) World.Clock.After(TimeSpan.Zero, () => Machine.CrashOf(this));
        else World.Fault(fault);
    }

    /// <summary>Begins a replica of a group that the world does not begin by itself, on its loop; nothing when it was deleted here or is there.</summary>
    public void Place(GroupId group, IStateMachine machine, Configuration initial)
    {
        if (GroupOf(group) is not null) return;
        var found = Recovery.Find(group);
        Invariant.Holds(found is not { IsTombstoned: true }, "a group that was deleted here is begun again: group ids are never reused");
        var start = found?.HandOver(Node) ?? new RaftStart { Self = Node, Group = group, Configuration = initial };
        var seat = SeatOf(group);
        var added = seat.Loop.Add(machine, start, found is null, found?.FeatureLevel ?? 1, World.GroupOptionsOf(group) with { FeatureLevelKnown = Machine.Version });
        seat.Groups.Add(added);
        Groups.Add(added);
    }

    /// <summary>Ends a replica for good, on its loop.</summary>
    public void Remove(GroupId group)
    {
        var seat = SeatOf(group);
        seat.Loop.Delete(group);
        seat.Groups.RemoveAll(candidate => candidate.Id == group);
        Groups.RemoveAll(candidate => candidate.Id == group);
        Machine.LastConfigurations.Remove(group);
    }

    public void Pass(string effect)
    {
        if (!IsAlive || World.IsHealed || World.Options.CrashAtEffect == 0 || !Dice.Chance(World.Options.CrashAtEffect)) return;
        if (World.IsTracing) World.Trace($"{Node} dies at {effect}");
        throw new ProcessDiedException(Dice.Chance(0.5));
    }

    public bool SyncFails() => !World.IsHealed && Dice.Chance(World.Options.SyncFails) && World.MayTear(Machine);

    public void Submit(WalBatch batch)
    {
        if (!IsAlive || hasLogFailed) return;
        queue.Add(batch, Machine.Clock.Now.Ticks);
        if (isWriting) return;
        isWriting = true;
        World.Clock.After(TimeSpan.FromMicroseconds(Dice.Next(1, 60)), () => WhenAwake(BeginCommit));
    }

    public void Post(SnapshotJob job)
    {
        jobs.Enqueue(job);
        if (!isCarrying) CarrySoon();
    }

    public void OnBeat(NodeId from, byte[] frame)
    {
        beat.Clear();
        board.OnBeatFrame(Machine.Clock.Now, from, frame, beat);
        if (beat.Length > 0) World.Mesh.SendBeat(this, from, beat.Written);
    }

    private void SeatLoop(int index, uint bootCount)
    {
        var seat = new LoopSeat(this, index);
        seat.Seat(new GroupLoop(new GroupLoopSetup
        {
            Index = index,
            Self = Node,
            BootCount = bootCount,
            Mesh = seat,
            Wal = this,
            Snapshots = this,
            Supports = supports,
            Dice = Dice.Fork(),
            WallMicros = () => Machine.Clock.Now.Ticks / 10,
            Clock = Look,
            CompletesInline = true,
        }));
        seat.Loop.LogFailed += _ =>
        {
            LogFailed.Hit();
            World.Clock.After(TimeSpan.Zero, () => Machine.CrashOf(this));
        };
        seats.Add(seat);
    }

    private void Begin(GroupId group, WalRecovery recovery)
    {
        var found = recovery.Find(group);
        var seat = SeatOf(group);
        var options = World.GroupOptionsOf(group) with { FeatureLevelKnown = Machine.Version };
        var machine = World.MachineOf(this, group, out var keyspace);
        var start = found?.HandOver(Node) ?? new RaftStart { Self = Node, Group = group, Configuration = Machine.FirstConfiguration };
        var added = seat.Loop.Add(machine, start, found is null, found?.FeatureLevel ?? 1, options);
        seat.Groups.Add(added);
        Groups.Add(added);
        if (keyspace is null) return;
        var identity = new CoordinationIdentity { ClusterId = ClusterWorld.Cluster.Value, MemberId = Node.Value, Members = () => [] };
        var seed = Dice.NextUInt64();
        var bug = keyspace.Bug = FaultyKeyspace.BugOf(options: World.Options);
        Face = FaultyKeyspace.IsMeant(World.Options.Mutation)
            ? new CoordinationFace(new FaultyKeyspace(new ReplicatedKeyspace(added, keyspace), keyspace, World.Options.Mutation), identity, seed)
            : CoordinationFace.Over(added, keyspace, identity, seed);
        (Face.CompletesInline, Face.Bug) = (true, bug);
        Door = World.Options.HasAuth ? Face.As(AuthAdmin.Root) : Face;
        KeyspaceMachine = keyspace;
    }

    /// <summary>The log's thread: takes what waits and writes it; the sync takes its time, and only then anybody hears of it.</summary>
    private void BeginCommit()
    {
        if (hasLogFailed) return;
        if (!queue.TryTake(commit))
        {
            isWriting = false;
            return;
        }

        Guard(() =>
        {
            try
            {
                log!.Write(CollectionsMarshal.AsSpan(commit));
            }
            catch (IOException failure)
            {
                FailLog(failure);
                return;
            }

            if (TellsEarly) TellDurable();
            World.Clock.After(SyncTime(), () => WhenAwake(EndCommit));
        });
    }

    private void EndCommit() => Guard(() =>
    {
        try
        {
            log!.Sync();
        }
        catch (IOException failure)
        {
            FailLog(failure);
            return;
        }

        holdingBack = log.HoldingBack;
        queue.OnDurable();
        if (!TellsEarly) TellDurable();
        BeginCommit();
    });

    private bool TellsEarly => World.Options.Mutation == ClusterMutation.BatchCompletedBeforeSync;

    private void TellDurable()
    {
        foreach (var batch in commit) seats[batch.Loop].Loop.OnBatchDurable(batch);
    }

    private void FailLog(IOException failure)
    {
        hasLogFailed = true;
        foreach (var seat in seats) seat.Loop.OnWalFailed(failure);
    }

    private TimeSpan SyncTime()
    {
        var options = World.Options;
        if (!World.IsHealed && options.SyncStall > TimeSpan.Zero && Dice.Chance(0.003)) return options.SyncStall;
        return Dice.NextSpan(options.SyncMin, options.SyncMax);
    }

    private void CarrySoon()
    {
        isCarrying = true;
        World.Clock.After(Dice.NextSpan(TimeSpan.FromMicroseconds(50), World.IsHealed ? TimeSpan.FromMilliseconds(4) : World.Options.SnapshotWorkMax), () => WhenAwake(() => Guard(() =>
        {
            jobs.Dequeue().Carry(store!);
            if (jobs.Count > 0) CarrySoon();
            else isCarrying = false;
        })));
    }

    private void Beat()
    {
        foreach (var machine in World.Machines)
        {
            if (machine == Machine) continue;
            beat.Clear();
            if (board.WriteBeats(Machine.Clock.Now, machine.Node, beat) > 0) World.Mesh.SendBeat(this, machine.Node, beat.Written);
        }
    }

    private async Task TickFace()
    {
        if (isTicking) return;
        isTicking = true;
        try
        {
            await Face.TickAsync();
        }
        catch (EtcdException)
        {
            // No leader, or stopping: as in production, the tick is missed.
        }
        catch (Exception fault)
        {
            World.Fault(fault);
        }

        isTicking = false;
    }

    private bool IsLaneFresh(int lane, Instant now) =>
        seats[lane % seats.Count].Loop.IsFresh(now, LoopPatience) && (queue.OldestSince == long.MaxValue || now - new Instant(queue.OldestSince) <= LogPatience);

    private void Every(TimeSpan local, Action action)
    {
        World.Clock.After(Machine.Clock.TrueSpan(local), () => WhenAwake(() =>
        {
            action();
            Every(local, action);
        }));
    }
}
