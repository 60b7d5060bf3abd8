using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests.KnownBugs;

/// <summary>A world of whole nodes in which nothing happens but what the scenario says.</summary>
internal static class ClusterScenario
{
    /// <summary>Three nodes, busy clients, fast disks and wires, and no misfortune at all.</summary>
    public static ClusterOptions Calm(ulong seed) => ClusterOptions.Draw(seed, ClusterMutation.None) with
    {
        Voters = 3,
        Machines = 3,
        KeyClients = 5,
        LedgerClients = 2,
        WatchClients = 3,
        LeaseClients = 1,
        ThinkTime = TimeSpan.FromMilliseconds(4),
        ClientTimeout = TimeSpan.FromSeconds(1),
        Storm = TimeSpan.FromSeconds(7),
        Calm = TimeSpan.FromSeconds(11),
        Drop = 0,
        Duplicate = 0,
        Straggle = 0,
        DelayMin = TimeSpan.FromMicroseconds(100),
        DelayMax = TimeSpan.FromMilliseconds(1),
        BetweenPartitions = TimeSpan.Zero,
        BetweenKills = TimeSpan.Zero,
        BetweenPowerLosses = TimeSpan.Zero,
        BetweenBlackouts = TimeSpan.Zero,
        BetweenPauses = TimeSpan.Zero,
        BetweenStuckLoops = TimeSpan.Zero,
        BetweenResets = TimeSpan.Zero,
        BetweenFullBuffers = TimeSpan.Zero,
        BetweenWipes = TimeSpan.Zero,
        BetweenRot = TimeSpan.Zero,
        BetweenFullDisks = TimeSpan.Zero,
        BetweenTransfers = TimeSpan.Zero,
        BetweenMembershipChanges = TimeSpan.Zero,
        BetweenForcedSnapshots = TimeSpan.Zero,
        BetweenCompactions = TimeSpan.Zero,
        BetweenPassingGroups = TimeSpan.Zero,
        CrashAtEffect = 0,
        SyncFails = 0,
        SyncMin = TimeSpan.FromMicroseconds(100),
        SyncMax = TimeSpan.FromMilliseconds(3),
        SyncStall = TimeSpan.Zero,
        UncommittedBytesMax = 64 * 1024 * 1024,
        HasBulkyClient = false, // It writes as much as that at once: gigabytes a run.
        ChunksMax = 3,
        SnapshotWorkMax = TimeSpan.FromMilliseconds(4),
        SnapshotLogBytes = 60 * 1024,
        BeginsOld = false,
        Pressure = ClusterPressure.None,
    };

    /// <summary>Runs the world, with what is planned for it beforehand, and every check of the simulator; how much it did.</summary>
    public static SimCounts Holds(ClusterOptions options, Action<ClusterWorld>? plan = null)
    {
        var result = Run(options, plan);
        Assert.True(result.Failure is null, $"seed {options.Seed}: {result.Failure}");
        Assert.True(result.Counts.Acknowledged > 500, $"seed {options.Seed}: only {result.Counts.Acknowledged} operations were answered");
        return result.Counts;
    }

    /// <summary>The same world finds the mistake when it is planted, within a few seeds.</summary>
    public static void Finds(ClusterMutation mutation, ClusterOptions options, Action<ClusterWorld>? plan = null)
    {
        for (var seed = options.Seed; seed < options.Seed + 10; seed++)
            if (Run(options with { Mutation = mutation, Seed = seed }, plan).Failure is not null) return;
        Assert.Fail($"{mutation} survived ten runs of this scenario");
    }

    /// <summary>Does something again and again until the world is healed.</summary>
    public static void Every(ClusterWorld world, TimeSpan span, Action act) => world.Clock.After(span, () =>
    {
        if (world.IsHealed) return;
        act();
        Every(world, span, act);
    });

    private static RunResult Run(ClusterOptions options, Action<ClusterWorld>? plan)
    {
        var world = new ClusterWorld(options, null);
        plan?.Invoke(world);
        return world.Run();
    }
}
