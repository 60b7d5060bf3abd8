using Holdfast.Primitives;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A kind of trouble that a run of whole nodes keeps coming back to, on top of what the swarm drew (as in the raft world): an order of events that independent misfortunes
/// seldom meet in becomes common. A pressure knows nothing of the mistake that it may bring to light.
/// </summary>
internal enum ClusterPressure : byte
{
    /// <summary>Only the swarm's independent misfortunes.</summary>
    None = 0,

    /// <summary>The rack loses its power again and again while disks rot, and one machine is not heard of for seconds afterwards (S8, decision 0015).</summary>
    RackGoesDark,

    /// <summary>A leader is exiled with a tail of its own and truncates it when it comes home; the record of that rots, and the process ends (S8, S9). Appends carry little, so that a tail ends anywhere.</summary>
    ExiledTail,

    /// <summary>Files that snapshots name rot while others still name them, and their machine restarts, or falls behind and fetches (S10).</summary>
    RottenFiles,

    /// <summary>Leases are short and renewed in the last moment, and the leader that judges them is cut off for a while: two think that they lead, and one of them knows of the renewal.</summary>
    DeposedJudge,

    /// <summary>Snapshots of the ledger that executes at append are written slowly, one after another, while executions are taken back that cannot be undone: a state is rebuilt, and its log compacted meanwhile (S10, S20).</summary>
    RebuiltMeanwhile,
}

/// <summary>Draws the pressure of a run of whole nodes, and takes away the misfortunes that would only hide it.</summary>
internal static class ClusterPressureDraw
{
    public static ClusterOptions Apply(ClusterOptions drawn, SeededRandom later)
    {
        if (later.Chance(0.12)) return InTheDark(drawn, later);
        var dice = new SeededRandom(drawn.Seed ^ 0x9E55_C105);
        return dice.Next(100) switch
        {
            < 7 => ForExiledTail(drawn, dice),
            < 17 => ForRottenFiles(drawn, dice),
            < 35 => ForDeposedJudge(drawn, dice), // A renewal must fall into the moments in which two judge: many such runs are wanted.
            < 40 => ForRebuiltMeanwhile(drawn, dice),
            _ => drawn,
        };
    }

    private static ClusterOptions InTheDark(ClusterOptions drawn, SeededRandom dice) => drawn with
    {
        Pressure = ClusterPressure.RackGoesDark,
        Voters = 3,
        Machines = 3,
        BetweenBlackouts = TimeSpan.FromSeconds(4),
        BetweenRot = TimeSpan.Zero,
        BetweenWipes = TimeSpan.Zero,
        BetweenFullDisks = TimeSpan.Zero,
        BetweenPartitions = TimeSpan.Zero,
        CrashAtEffect = 0,
        SyncFails = 0,
        SyncMin = TimeSpan.FromMilliseconds(2),
        SyncMax = TimeSpan.FromMicroseconds(dice.Next(10_000, 50_000)),
        SyncStall = TimeSpan.Zero,
    };

    private static ClusterOptions ForExiledTail(ClusterOptions drawn, SeededRandom dice) => drawn.WithoutUpheaval() with
    {
        Pressure = ClusterPressure.ExiledTail,
        AppendBytesMax = dice.Next(64, 1200),
        ChunksMax = 30,
        LedgerClients = 4,
        SnapshotLogBytes = 64L * 1024 * 1024,
        SegmentBytes = 512 * 1024,
    };

    private static ClusterOptions ForRottenFiles(ClusterOptions drawn, SeededRandom dice) => drawn.WithoutUpheaval() with
    {
        Pressure = ClusterPressure.RottenFiles,
        FilesLedger = true,
        LedgerClients = 4,
        SnapshotLogBytes = dice.Next(2, 8) * 1024,
        BetweenForcedSnapshots = TimeSpan.FromMilliseconds(dice.Next(200, 800)),
    };

    private static ClusterOptions ForDeposedJudge(ClusterOptions drawn, SeededRandom dice) => drawn.WithoutUpheaval().OnFastDisks(3) with
    {
        Pressure = ClusterPressure.DeposedJudge,
        Voters = 3,
        Machines = 3,
        LeaseClients = 10,
        HasAuth = false,
        ClientTimeout = TimeSpan.FromMilliseconds(dice.Next(150, 400)),
        BetweenTransfers = TimeSpan.Zero,
    };

    private static ClusterOptions ForRebuiltMeanwhile(ClusterOptions drawn, SeededRandom dice) => drawn.WithoutUpheaval() with
    {
        Pressure = ClusterPressure.RebuiltMeanwhile,
        LedgerClients = 6,
        WishesToLarger = 10,
        ThinkTime = TimeSpan.FromMilliseconds(4),
        HasBulkyClient = false,
        UncommittedBytesMax = 64 * 1024 * 1024,
        ChunksMax = 3,
        SnapshotWorkMax = TimeSpan.FromMilliseconds(dice.Next(60, 200)),
    };
}
