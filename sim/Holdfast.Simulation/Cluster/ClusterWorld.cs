using Holdfast.Consensus;
using Holdfast.Coordination;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Procedures;
using Holdfast.Simulation.Running;
using Holdfast.Simulation.Sessions;
using Holdfast.Simulation.Shards;
using Holdfast.Simulation.Time;
using Holdfast.Simulation.Vectors;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Whole nodes in one thread, from one seed and in virtual time: the production loops, log, recovery, snapshots, sessions, keyspace and face over simulated
/// disks, wires and clocks, with clients, misfortunes and checks around them.
/// </summary>
internal sealed class ClusterWorld
{
    public static readonly ClusterId Cluster = new(0x5EED);

    /// <summary>The etcd keyspace.</summary>
    public static readonly GroupId Keyspace = GroupId.Coordination;

    /// <summary>A ledger that executes at commit, under sessions.</summary>
    public static readonly GroupId Ledger = new(2);

    /// <summary>A ledger that executes at append.</summary>
    public static readonly GroupId Executor = new(3);

    /// <summary>The newest version of the program, by the feature level that it brings.</summary>
    public const uint NewestVersion = 2;

    /// <summary>Two shards of the Redis face, in runs that have them.</summary>
    public static readonly GroupId ShardA = new(4);

    public static readonly GroupId ShardB = new(5);

    public static readonly GroupId[] ShardIds = [ShardA, ShardB];

    /// <summary>Two shards of a collection of vectors, in runs that have them, and the groups of two more, which shards are split into.</summary>
    public static readonly GroupId[] VectorIds = [new(6), new(7), new(8), new(9)];

    private static readonly GroupId[] UsualGroups = [Keyspace, Ledger, Executor];
    private static readonly GroupId[] WithShards = [Keyspace, ShardA, ShardB];
    private static readonly GroupId[] WithVectors = [Keyspace, .. VectorIds];

    private readonly Action<string>? trace;
    private readonly List<ClusterClient> clients = [];
    private readonly Misfortunes misfortunes;
    private readonly ClusterPressureDriver pressures;
    private readonly MemberPlan members;
    private Exception? fault;
    private ulong hash;

    public ClusterWorld(ClusterOptions options, Action<string>? trace)
    {
        Options = options;
        this.trace = trace;
        Dice = new SeededRandom(options.Seed);
        Check = new ClusterCheck(this);
        ShardCheck = new ShardCheck(this);
        VectorCheck = new VectorCheck(this);
        LeaseCheck = new LeaseCheck(this);
        LockCheck = new LockCheck(this);
        SessionCheck = new SessionCheck(this);
        ProcedureCheck = new ProcedureCheck(this);
        Drill = new RestoreDrill(this);
        var machines = new ClusterMachine[options.Machines];
        Machines = machines;
        Mesh = new ClusterMesh(this);
        for (var slot = 0; slot < machines.Length; slot++) machines[slot] = new ClusterMachine(this, slot);
        misfortunes = new Misfortunes(this);
        pressures = new ClusterPressureDriver(this);
        members = new MemberPlan(this);
        Passing = new PassingGroups(this);
        for (var i = 0; i < options.KeyClients; i++) clients.Add(new KeyClient(this));
        for (var i = 0; i < options.LedgerClients; i++) clients.Add(new LedgerClient(this, i % 2 == 0 ? Ledger : Executor, i));
        for (var i = 0; i < options.WatchClients; i++) clients.Add(new WatchClient(this, i));
        for (var i = 0; i < options.LeaseClients; i++) clients.Add(new LeaseClient(this));
        for (var i = 0; i < options.LockClients; i++) clients.Add(new LockClient(this, i));
        for (var i = 0; i < options.SessionClients; i++) clients.Add(new SessionClient(this, i));
        for (var i = 0; i < options.ShardClients; i++) clients.Add(new ShardClient(this, i));
        for (var i = 0; i < options.QueueClients; i++) clients.Add(new QueueClient(this, i));
        for (var i = 0; i < options.VectorClients; i++) clients.Add(new VectorClient(this, i));
        for (var i = 0; i < options.DataClients; i++) clients.Add(new DataClient(this));
        if (!options.HasAuth) return;
        clients.Add(new AuthAdmin(this));
        for (var i = 0; i < 2; i++) clients.Add(new UserClient(this));
    }

    public ClusterOptions Options { get; }

    /// <summary>The groups of this run.</summary>
    public GroupId[] Groups => Options.HasProcedures ? ProcedureCheck.Groups : Options.HasShards ? WithShards : Options.HasVectors ? WithVectors : UsualGroups;

    /// <summary>The group that executes at append, when only one is to be looked at.</summary>
    public GroupId AtAppend => Options.HasShards ? ShardA : Options.HasVectors ? VectorIds[0] : Executor;

    public ShardCheck ShardCheck { get; }

    public VectorCheck VectorCheck { get; }

    public ProcedureCheck ProcedureCheck { get; }

    public Operators Operators => field ??= new Operators(this);

    public ProcedurePressureDriver ProcedurePressures => field ??= new ProcedurePressureDriver(this);

    public ShardDirectory ShardDirectory => field ??= new ShardDirectory(this);

    public MovePressureDriver MovePressures => field ??= new MovePressureDriver(this);

    public SimClock Clock { get; } = new();

    public SeededRandom Dice { get; }

    public ClusterMesh Mesh { get; }

    public IReadOnlyList<ClusterMachine> Machines { get; }

    public ClusterCheck Check { get; }

    public LeaseCheck LeaseCheck { get; }

    public LockCheck LockCheck { get; }

    public SessionCheck SessionCheck { get; }

    public AuthCheck AuthCheck { get; } = new();

    public RestoreDrill Drill { get; }

    public PassingGroups Passing { get; }

    public FaultAtlas Atlas { get; } = new();

    public Chronicle KeyspaceChronicle { get; } = new("keyspace");

    public LedgerCheck LedgerCheck { get; } = new("ledger");

    public LedgerCheck ExecutorCheck { get; } = new("executor");

    public RevisionCheck Revisions { get; } = new();

    /// <summary>What clients of the keyspace did to its registers.</summary>
    public History History { get; } = new();

    /// <summary>Operations of which a server said that they had no effect.</summary>
    public HashSet<int> WithoutEffect { get; } = [];

    public SimCounts Counts { get; } = new();

    public bool IsHealed { get; private set; }

    public bool IsClosing { get; private set; }

    public bool IsTracing => trace is not null;

    public void Trace(string sentence) => trace?.Invoke($"{Clock.Now / 10_000.0,10:F3} {sentence}");

    /// <summary>Folds something that happened into the run's hash.</summary>
    public void Note(ulong what) => hash = Chronicle.Mix(hash ^ what);

    /// <summary>Something went wrong where nobody would catch it: the run ends with it.</summary>
    public void Fault(Exception exception) => fault ??= exception;

    public ClusterMachine? MachineOf(NodeId node)
    {
        foreach (var machine in Machines)
            if (machine.Node == node) return machine;
        return null;
    }

    /// <summary>What an incarnation's disk holds of the log, or held when it was lost: what it acknowledged until then counts.</summary>
    public Dictionary<NodeId, DurableLog> Logs { get; } = [];

    /// <summary>
    /// Whether any sectors of what was not synced may stay, after a power loss or a failed sync. That can leave a commit's header without its body, which is damage
    /// until recovery has judged it (S8), and damage is bounded; except where all machines lose their power and <paramref name="mayAllDoubt"/>, for then nothing is
    /// missing that was acknowledged, and all can be asked.
    /// </summary>
    public bool MayTear(ClusterMachine machine, bool mayAllDoubt = false)
    {
        if (Options.HasProcedures) return false; // What disks do to logs is for the other runs; here a log that has lost groups would be an operator's to replace.
        if (!mayAllDoubt && !Atlas.IsDamaged(machine.Node) && !Atlas.Permits(machine.Node, InForce())) return false;
        Atlas.Damage(machine.Node);
        machine.IsInDoubt = true;
        return true;
    }

    public IEnumerable<Configuration> InForce()
    {
        foreach (var machine in Machines)
            foreach (var (group, configuration) in machine.LastConfigurations)
                if (!Options.HasProcedures || ProcedureCheck.MayDecide(group, machine.Node)) yield return configuration;
        if (!Options.HasProcedures) yield break;
        foreach (var configuration in ProcedureCheck.Planned.Concat(Operators.Asked)) yield return configuration;
    }

    /// <summary>The process whose replica leads a group in the highest term.</summary>
    public ClusterProcess? LeaderOf(GroupId group)
    {
        ClusterProcess? best = null;
        foreach (var machine in Machines)
        {
            if (machine.Process is not { IsAlive: true } process || process.GroupOf(group) is not { Status.Role: RaftRole.Leader } replica) continue;
            if (best is null || replica.Status.Term > best.GroupOf(group).Status.Term) best = process;
        }

        return best;
    }

    public GroupOptions GroupOptionsOf(GroupId group) => new()
    {
        Raft = new RaftOptions { LeaseReads = Options.LeaseReads, AppendBytesMax = Options.AppendBytesMax, UncommittedBytesMax = Options.UncommittedBytesMax, Bug = Enum.TryParse<PlantedBug>(Options.Mutation.ToString(), out var coreBug) ? coreBug : PlantedBug.None },
        ProposeTimeout = TimeSpan.FromSeconds(2),
        ReadTimeout = TimeSpan.FromSeconds(2),
        ChunkBytes = Options.ChunkBytes,
        SnapshotLogBytes = group == Executor || ShardIds.Contains(group) || VectorIds.Contains(group) ? Math.Max(Options.SnapshotLogBytes, 16 * 1024) : Options.SnapshotLogBytes,
        SnapshotLogTimesMax = 1, // Snapshots, and what goes wrong with them, are what the runs are for.
        CommandBytesMax = group == Executor ? LedgerExecutor.EffectBytesMax : new GroupOptions().CommandBytesMax,
        PartBytesMax = Options.PartBytesMax,
        SessionsMax = Options.SessionsMax,
        Bug = Options.Mutation == ClusterMutation.ShardReadNotHeld ? PlantedReplicaBug.AsyncNotWaitedFor : Enum.TryParse<PlantedReplicaBug>(Options.Mutation.ToString(), out var bug) ? bug : PlantedReplicaBug.None,
    };

    public IStateMachine MachineOf(ClusterProcess process, GroupId group, out CoordinationStateMachine? keyspace)
    {
        keyspace = group == Keyspace ? new CoordinationStateMachine(() => process.FilesOf(group)) { RunBytes = Options.RunBytes, RunsFrom = Options.BeginsOld ? CoordinationStateMachine.RunsLevel : 1 } : null;
        if (keyspace is not null) return new ObservedKeyspace(process, keyspace, KeyspaceChronicle, Options.Mutation);
        if (ShardIds.Contains(group)) return (process.Shards ??= new ShardSite(process)).MachineOf(group);
        if (VectorIds.Contains(group)) return (process.Vectors ??= new VectorSite(process)).MachineOf(group);
        if (group == Ledger && Options.FilesLedger) return new FilingLedger(process, group, LedgerCheck, process.FilesOf(group));
        return group == Ledger ? new LedgerMachine(process, group, LedgerCheck) : new LedgerExecutor(process, group, ExecutorCheck);
    }

    public RunResult Run()
    {
        // Awaits go on where they end, in this thread: that is what makes the run one line of events.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var failure = Drive();
        foreach (var machine in Machines) machine.Process?.Shards?.Dispose();
        SynchronizationContext.SetSynchronizationContext(context);
        Counts.Runs = 1;
        Counts.Events = Clock.EventsRun;
        Counts.Truncations = Logs.Values.Sum(log => log.Truncations);
        Counts.Acknowledged = clients.Sum(client => client.Answered);
        Note((ulong)Clock.EventsRun);
        Note((ulong)Counts.Acknowledged);
        return new RunResult(Options.Seed, hash, failure, Counts);
    }

    private string? Drive()
    {
        try
        {
            Begin();
            var storm = Options.Storm.Ticks;
            var end = storm + Options.Calm.Ticks;
            RunUntil(storm);
            Heal();
            RunUntil(end - TimeSpan.FromSeconds(6).Ticks);
            IsClosing = true;
            RunUntil(end);
            var final = new FinalCheck(this, clients);
            for (var left = 20; left > 0 && !(final.IsSettled && (!Options.HasShards || ShardCheck.IsSettled)); left--) RunUntil(end += TimeSpan.FromMilliseconds(10).Ticks);
            if (Options.HasProcedures) ProcedureCheck.Final();
            final.Run();
            ExecutorCheck.Final();
            if (Options.HasShards) ShardCheck.Final();
            if (Options.HasVectors) VectorCheck.Final();
            if (!Options.HasProcedures && !Options.HasShards && !Options.HasVectors) Drill.Restore();
            return null;
        }
        catch (CheckFailedException broken)
        {
            return Failed(broken.Message);
        }
        catch (InvariantBrokenException broken)
        {
            return Failed("invariant: " + broken.Message + (IsTracing ? broken.StackTrace : ""));
        }
        catch (Exception unforeseen) when (unforeseen is not OutOfMemoryException)
        {
            // What nobody catches ends a real process; here it ends the run, with its seed.
            return Failed($"{unforeseen.GetType().Name}: {unforeseen.Message}" + (IsTracing ? unforeseen.StackTrace : ""));
        }
    }

    private string Failed(string sentence)
    {
        if (!IsTracing) return sentence;
        Trace("FAILED: " + sentence);
        foreach (var machine in Machines)
            foreach (var group in Groups) Trace($"{machine.Node}: {machine.Process?.GroupOf(group)?.Status}");
        return sentence;
    }

    private void RunUntil(long end)
    {
        while (Clock.RunNext(end))
            if (fault is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(fault);
        Clock.AdvanceTo(end);
    }

    private void Begin()
    {
        var voters = new NodeId[Options.Voters];
        for (var i = 0; i < voters.Length; i++) voters[i] = Machines[i].Node;
        var first = Configuration.OfVoters(voters);
        for (var i = 0; i < voters.Length; i++)
        {
            Machines[i].FirstConfiguration = first;
            foreach (var group in Groups) Machines[i].LastConfigurations[group] = first;
        }

        foreach (var machine in Machines) machine.Start(Dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(100)));
        foreach (var client in clients) client.Begin();
        misfortunes.Begin();
        pressures.Begin();
        if (Options.HasProcedures)
        {
            Operators.Begin(Options.Voters);
            ProcedurePressures.Begin();
            return;
        }

        members.Begin();
        Passing.Begin();
        if (Options.HasShards) ShardDirectory.Begin();
        else if (Options.HasVectors) VectorCheck.Begin();
        else Drill.Begin();
    }

    private void Heal()
    {
        IsHealed = true;
        Trace("healed");
        Mesh.RestoreAll();
        misfortunes.End();
        foreach (var machine in Machines)
        {
            machine.Disk.BytesMax = long.MaxValue;
            machine.Process?.Resume();
            if (!machine.IsUp) machine.Start(TimeSpan.FromMilliseconds(10));
        }
    }
}
