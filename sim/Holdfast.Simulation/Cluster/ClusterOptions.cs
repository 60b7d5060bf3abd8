using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Procedures;
using Holdfast.Simulation.Shards;

namespace Holdfast.Simulation.Cluster;

/// <summary>What one run of whole nodes is like, drawn from the seed. As in the raft world each misfortune is often absent, sometimes rare, sometimes frequent.</summary>
internal sealed record ClusterOptions
{
    public required ulong Seed { get; init; }

    /// <summary>The bug that is planted, or none.</summary>
    public ClusterMutation Mutation { get; init; }

    public required int Voters { get; init; }
    public required int Machines { get; init; }
    public required int LoopsPerNode { get; init; }
    public required int KeyClients { get; init; }
    public required int LedgerClients { get; init; }
    public required int WatchClients { get; init; }
    public required int LeaseClients { get; init; }
    public required int Keys { get; init; }
    public required TimeSpan ThinkTime { get; init; }
    public required TimeSpan ClientTimeout { get; init; }
    public TimeSpan Storm { get; init; } = TimeSpan.FromSeconds(12);
    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(14);

    /// <summary>Frames of the consensus that are lost, come twice or late. Other frames keep what a connection promises: in order, at most once.</summary>
    public required double Drop { get; init; }
    public required double Duplicate { get; init; }
    public required double Straggle { get; init; }
    public required TimeSpan DelayMin { get; init; }
    public required TimeSpan DelayMax { get; init; }

    /// <summary>Mean time between misfortunes of a kind; zero is never.</summary>
    public required TimeSpan BetweenPartitions { get; init; }
    public required TimeSpan BetweenKills { get; init; }
    public required TimeSpan BetweenPowerLosses { get; init; }
    public required TimeSpan BetweenBlackouts { get; init; }
    public required TimeSpan BetweenPauses { get; init; }
    public required TimeSpan BetweenStuckLoops { get; init; }
    public required TimeSpan BetweenResets { get; init; }
    public required TimeSpan BetweenFullBuffers { get; init; }
    public required TimeSpan BetweenWipes { get; init; }
    public required TimeSpan BetweenRot { get; init; }
    public required TimeSpan BetweenFullDisks { get; init; }
    public required TimeSpan BetweenTransfers { get; init; }
    public required TimeSpan BetweenMembershipChanges { get; init; }
    public required TimeSpan BetweenForcedSnapshots { get; init; }
    public required TimeSpan BetweenCompactions { get; init; }
    public required double CrashAtEffect { get; init; }
    public required double SyncFails { get; init; }
    public required TimeSpan SyncMin { get; init; }
    public required TimeSpan SyncMax { get; init; }
    public required TimeSpan SyncStall { get; init; }
    public required double ClockDriftMax { get; init; }

    public required int BlockBytes { get; init; }
    public required long SegmentBytes { get; init; }
    public required int SegmentsMax { get; init; }
    public required int SparesMax { get; init; }
    public required int CommitBytesMax { get; init; }
    public required long SnapshotLogBytes { get; init; }
    public required int ChunkBytes { get; init; }
    public required int SessionsMax { get; init; }
    public required int ValueBytesMax { get; init; }
    public required bool LeaseReads { get; init; }

    /// <summary>Bytes of proposals that a leader takes before they are committed: few, so that commands in chunks are refused in their middle.</summary>
    public required int UncommittedBytesMax { get; init; }

    /// <summary>Large commands take so many chunks at most.</summary>
    public required int ChunksMax { get; init; }

    /// <summary>Of so many wishes to the ledger that executes at append one has larger effects than a command may have: it is executed, refused and taken back (S16).</summary>
    public ulong WishesToLarger { get; init; } = 400;

    /// <summary>A client of the ledger wishes for commands that never fit into what a leader takes: each leaves its beginning behind.</summary>
    public required bool HasBulkyClient { get; init; }

    /// <summary>The share of commands executed at append, the executing ledger's or the shards', whose replies need not wait for a quorum; in most runs none.</summary>
    public double AsyncShare { get; init; }

    /// <summary>Clients that contend for locks and write under the token that they got.</summary>
    public required int LockClients { get; init; }

    /// <summary>Auth is switched on, everybody acts in somebody's name, and one user's permissions change all the time.</summary>
    public required bool HasAuth { get; init; }

    /// <summary>The kind of trouble that the run keeps coming back to.</summary>
    public ClusterPressure Pressure { get; init; }

    /// <summary>Bytes of entries in one append; few, so that a command in chunks travels in parts.</summary>
    public required int AppendBytesMax { get; init; }

    /// <summary>Bytes of all commands of a group that have come in part.</summary>
    public required int PartBytesMax { get; init; }

    /// <summary>How long a job of the snapshots' thread may take.</summary>
    public required TimeSpan SnapshotWorkMax { get; init; }

    /// <summary>Some programs begin a version behind and are replaced by and by; then the groups' feature level is raised (S5, S13).</summary>
    public required bool BeginsOld { get; init; }

    /// <summary>The ledger's snapshots consist of files by hash (S10).</summary>
    public required bool FilesLedger { get; init; }

    /// <summary>Bytes from which on a run of the keyspace's history is full; more than any run of the simulator writes keeps all of it in the snapshots' own chunks.</summary>
    public required int RunBytes { get; init; }

    /// <summary>Mean time between the creations of groups that are deleted again (S6).</summary>
    public required TimeSpan BetweenPassingGroups { get; init; }

    /// <summary>Clients with sessions, which take keys and are gone; few others stand beside them.</summary>
    public int SessionClients { get; init; }

    /// <summary>The Redis face in the place of the other clients: two shards whose slots move all the time.</summary>
    public bool HasShards { get; init; }

    public int ShardClients { get; init; }

    /// <summary>The chance that a process loses its power just when it has answered a client of shards: what it said must not rest on what it alone knows, unless the client asked for no more.</summary>
    public double DiesAfterAnswer { get; init; }

    /// <summary>Clients that bring each other values and wait for them.</summary>
    public int QueueClients { get; init; }

    /// <summary>The kind of trouble that a run of shards keeps coming back to.</summary>
    public MovePressure Moves { get; init; }

    /// <summary>Shards of vectors in the place of the other clients, reached through their routing.</summary>
    public bool HasVectors { get; init; }

    public int VectorClients { get; init; }

    /// <summary>The directory and its procedures in the place of the other groups and clients: it decides who belongs to which group.</summary>
    public bool HasProcedures { get; init; }

    /// <summary>The kind of trouble that a run whose members the directory decides keeps coming back to.</summary>
    public ProcedurePressure Procedures { get; init; }

    /// <summary>Clients of whatever data groups the directory has.</summary>
    public int DataClients { get; init; }

    /// <summary>How long a look at the clock takes within a turn: what makes slices end.</summary>
    public required TimeSpan WorkPerLook { get; init; }

    public static ClusterOptions Draw(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0xA5_1C_0D1C_E5);
        var drawn = DrawSwarm(seed, mutation);
        // Other bugs are hunted in the runs that the swarm draws.
        return mutation is (ClusterMutation.None or ClusterMutation.AsyncNotWaitedFor) && dice.Chance(0.4) ? WithClasses(drawn, dice) : drawn;
    }

    private static ClusterOptions DrawSwarm(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0xC105_7E12_0F_5EED);
        var voters = dice.Next(10) < 7 ? 3 : 5;
        var isTight = dice.Chance(0.3);
        // Of dice of its own, so that the seeds of before draw what they drew before.
        var later = new SeededRandom(seed ^ 0x1A7E_0D1C_E5);
        var hasBulkyClient = later.Chance(0.6);
        var lockClients = later.Chance(0.5) ? later.Next(2, 5) : 0;
        var hasAuth = later.Chance(0.35);
        var newer = new SeededRandom(seed ^ 0x5A11_B17E5);
        var hasSmallAppends = newer.Chance(0.2);
        var hasFewParts = newer.Chance(0.5);
        var filed = new SeededRandom(seed ^ 0xF11E_0D1C_E5);
        var drawn = new ClusterOptions
        {
            Seed = seed,
            Mutation = mutation,
            Voters = voters,
            Machines = voters + dice.Next(0, 2),
            LoopsPerNode = dice.Next(1, 3),
            KeyClients = dice.Next(3, 6),
            LedgerClients = dice.Next(2, 5),
            WatchClients = dice.Next(1, 4),
            LeaseClients = dice.Next(1, 3),
            Keys = dice.Next(3, 7),
            ThinkTime = Span(dice, 4, 40),
            ClientTimeout = Span(dice, 500, 2500),
            Drop = Swarm(dice, 0.01, 0.1),
            Duplicate = Swarm(dice, 0.01, 0.1),
            Straggle = Swarm(dice, 0.01, 0.05),
            DelayMin = TimeSpan.FromMicroseconds(dice.Next(20, 300)),
            DelayMax = dice.Chance(0.2) ? Span(dice, 10, 40) : Span(dice, 1, 5),
            BetweenPartitions = Mean(dice, 1500, 6000),
            BetweenKills = Mean(dice, 1000, 5000),
            BetweenPowerLosses = Mean(dice, 1000, 5000),
            BetweenBlackouts = Mean(dice, 4000, 12000),
            BetweenPauses = Mean(dice, 1500, 6000),
            BetweenStuckLoops = Mean(dice, 3000, 9000),
            BetweenResets = Mean(dice, 500, 4000),
            BetweenFullBuffers = Mean(dice, 500, 4000),
            BetweenWipes = Mean(dice, 3000, 9000),
            BetweenRot = Mean(dice, 2000, 8000),
            BetweenFullDisks = Mean(dice, 4000, 10000),
            BetweenTransfers = Mean(dice, 800, 5000),
            BetweenMembershipChanges = Mean(dice, 500, 3000),
            BetweenForcedSnapshots = Mean(dice, 500, 3000),
            BetweenCompactions = Mean(dice, 200, 1500),
            CrashAtEffect = Swarm(dice, 0.0002, 0.0015),
            SyncFails = Swarm(dice, 0.0003, 0.002),
            SyncMin = TimeSpan.FromMicroseconds(dice.Next(50, 800)),
            SyncMax = dice.Chance(0.3) ? Span(dice, 8, 40) : Span(dice, 2, 6),
            SyncStall = dice.Chance(0.3) ? Span(dice, 200, 900) : TimeSpan.Zero,
            ClockDriftMax = dice.Chance(0.3) ? 0 : 0.0045 * dice.NextDouble(),
            BlockBytes = dice.Chance(0.5) ? 512 : 4096,
            SegmentBytes = dice.Chance(0.5) ? 128 * 1024 : 512 * 1024,
            SegmentsMax = dice.Next(2, 5),
            SparesMax = dice.Next(0, 3),
            CommitBytesMax = dice.Chance(0.3) ? 64 * 1024 : 1024 * 1024,
            SnapshotLogBytes = dice.Next(10) switch { < 2 => 64L * 1024 * 1024, < 6 => dice.Next(4, 20) * 1024, _ => dice.Next(20, 100) * 1024 },
            ChunkBytes = dice.Next(200, 700),
            SessionsMax = dice.Next(2, 6),
            ValueBytesMax = dice.Next(60, 600),
            LeaseReads = dice.Chance(0.75),
            UncommittedBytesMax = isTight ? dice.Next(4000, 8000) : 64 * 1024 * 1024,
            ChunksMax = isTight ? 30 : 3,
            AppendBytesMax = hasSmallAppends ? newer.Next(64, 1024) : new RaftOptions().AppendBytesMax,
            PartBytesMax = isTight && hasFewParts ? newer.Next(8, 40) * 1024 : ChunkTable.BytesMax,
            LockClients = lockClients,
            HasAuth = hasAuth,
            HasBulkyClient = isTight && hasBulkyClient,
            SnapshotWorkMax = dice.Chance(0.7) ? TimeSpan.FromMilliseconds(4) : Span(dice, 50, 900),
            FilesLedger = mutation != ClusterMutation.ViewShowsLaterEntries && dice.Chance(0.5),
            RunBytes = filed.Chance(0.75) ? filed.Next(300, 5000) : 64 * 1024 * 1024,
            BetweenPassingGroups = Mean(dice, 600, 3000),
            BeginsOld = dice.Chance(0.5),
            WorkPerLook = dice.Chance(0.4) ? TimeSpan.Zero : TimeSpan.FromMicroseconds(dice.Next(1, 700)),
        };
        return ClusterPressureDraw.Apply(drawn, later);
    }

    /// <summary>
    /// Some replies need not wait, and there is much between execution at append and commit that can be lost: sessions are fewer than their owners, or commands are long and travel in small parts.
    /// </summary>
    private static ClusterOptions WithClasses(ClusterOptions drawn, SeededRandom dice)
    {
        var classed = drawn with { AsyncShare = 0.2 + 0.4 * dice.NextDouble(), LedgerClients = 6, SessionsMax = 2 };
        return dice.Chance(0.5) ? classed with { AppendBytesMax = dice.Next(64, 1024), ChunksMax = 30 } : classed;
    }

    /// <summary>A run with sessions: the same misfortunes.</summary>
    public static ClusterOptions DrawSessions(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0x5E55_0000_5EED);
        return DrawSwarm(seed, mutation) with
        {
            SessionClients = dice.Next(4, 9),
            ThinkTime = Span(dice, 4, 40),
            KeyClients = 1,
            LedgerClients = 0,
            WatchClients = 0,
            LeaseClients = 1,
            LockClients = 0,
            HasAuth = false,
            HasBulkyClient = false,
            UncommittedBytesMax = 64 * 1024 * 1024,
            BetweenPassingGroups = TimeSpan.Zero,
        };
    }

    /// <summary>A run of shards: the same misfortunes, other clients. In some their commands are of both durability classes.</summary>
    public static ClusterOptions DrawShards(ulong seed, ClusterMutation mutation)
    {
        var (drawn, dice) = (DrawOneClassOfShards(seed, mutation), new SeededRandom(seed ^ 0xC1A5_D1CE));
        if (mutation is not (ClusterMutation.None or ClusterMutation.WaiterHearsEarly or ClusterMutation.ShardReadNotHeld) || !dice.Chance(0.5)) return drawn; // Other bugs are hunted in the runs of before.
        return drawn with { AsyncShare = 0.1 + 0.3 * dice.NextDouble(), QueueClients = dice.Next(3, 6), DiesAfterAnswer = dice.Chance(0.5) ? 0.01 : 0 };
    }

    private static ClusterOptions DrawOneClassOfShards(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0x5A4D_0000_5EED);
        return MovePressureDraw.Apply(DrawSwarm(seed, mutation) with
        {
            HasShards = true,
            ShardClients = dice.Next(4, 9),
            ThinkTime = Span(dice, 4, 25),
            KeyClients = 0,
            LedgerClients = 0,
            WatchClients = 0,
            LeaseClients = 0,
            LockClients = 0,
            HasAuth = false,
            HasBulkyClient = false,
            UncommittedBytesMax = 64 * 1024 * 1024,
            BetweenPassingGroups = TimeSpan.Zero,
            BeginsOld = false,
        });
    }

    /// <summary>A run of shards of vectors: the same misfortunes, other clients.</summary>
    public static ClusterOptions DrawVectors(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0x7EC7_0000_5EED);
        return DrawOneClassOfShards(seed, mutation) with
        {
            HasShards = false,
            ShardClients = 0,
            HasVectors = true,
            VectorClients = dice.Next(4, 9),
            ThinkTime = Span(dice, 3, 20),
            Keys = dice.Next(6, 12), // So many that any quarter of their hashes has one.
        };
    }

    /// <summary>A run whose members the directory decides: the same misfortunes, but nothing rots or tears.</summary>
    public static ClusterOptions DrawProcedures(ulong seed, ClusterMutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0x940C_0000_5EED);
        var founders = dice.Next(10) switch { < 6 => 3, < 9 => 5, _ => 1 };
        var hasSmallLogs = dice.Chance(0.5);
        var drawn = DrawOneClassOfShards(seed, mutation);
        return ProcedurePressureDraw.Apply(drawn with
        {
            HasShards = false,
            ShardClients = 0,
            HasProcedures = true,
            Pressure = ClusterPressure.None,
            Voters = founders,
            Machines = founders + dice.Next(1, 4),
            DataClients = dice.Next(2, 5),
            ThinkTime = Span(dice, 5, 50),
            BetweenRot = TimeSpan.Zero,
            SyncFails = 0,
            BetweenWipes = dice.Chance(0.3) ? TimeSpan.Zero : Span(dice, 1500, 6000),
            BeginsOld = false,
            SnapshotLogBytes = hasSmallLogs ? dice.Next(1, 8) * 1024 : drawn.SnapshotLogBytes,
            Procedures = ProcedurePressureDraw.Of(seed),
            Calm = TimeSpan.FromSeconds(24),
        });
    }

    private static TimeSpan Span(SeededRandom dice, int lowMs, int highMs) => TimeSpan.FromMicroseconds(dice.Next(lowMs * 1000, highMs * 1000));

    private static double Swarm(SeededRandom dice, double rare, double frequent) => dice.Next(10) switch
    {
        < 4 => 0,
        < 8 => rare * dice.NextDouble(),
        _ => frequent * dice.NextDouble(),
    };

    private static TimeSpan Mean(SeededRandom dice, int lowMs, int highMs) => dice.Chance(0.45) ? TimeSpan.Zero : Span(dice, lowMs, highMs);
}
