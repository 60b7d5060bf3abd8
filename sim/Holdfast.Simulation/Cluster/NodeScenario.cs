using Holdfast.Simulation.Running;
using Holdfast.Simulation.Shards;

namespace Holdfast.Simulation.Cluster;

/// <summary>Worlds of whole nodes in which nothing happens but what the scenario says; and those that are kept for planted bugs which the swarm finds seldom.</summary>
internal static class NodeScenario
{
    /// <summary>Seeds of a scenario that its bug may survive: it is made for it.</summary>
    private const int Seeds = 30;

    /// <summary>Three nodes, busy clients, fast disks and wires, and no misfortune at all.</summary>
    public static ClusterOptions Calm(ulong seed) => ClusterOptions.Draw(seed, ClusterMutation.None).WithoutUpheaval().OnFastDisks(3) with
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
        BetweenKills = TimeSpan.Zero,
        BetweenPowerLosses = TimeSpan.Zero,
        BetweenResets = TimeSpan.Zero,
        BetweenFullBuffers = TimeSpan.Zero,
        BetweenRot = TimeSpan.Zero,
        BetweenTransfers = TimeSpan.Zero,
        BetweenMembershipChanges = TimeSpan.Zero,
        BetweenForcedSnapshots = TimeSpan.Zero,
        BetweenCompactions = TimeSpan.Zero,
        BetweenPassingGroups = TimeSpan.Zero,
        CrashAtEffect = 0,
        SyncFails = 0,
        UncommittedBytesMax = 64 * 1024 * 1024,
        AsyncShare = 0,
        HasBulkyClient = false, // It writes as much as that at once: gigabytes a run.
        ChunksMax = 3,
        SnapshotWorkMax = TimeSpan.FromMilliseconds(4),
        SnapshotLogBytes = 60 * 1024,
        BeginsOld = false,
        Pressure = ClusterPressure.None,
    };

    /// <summary>The scenario that is kept for a planted bug; null where the world's own seeds do.</summary>
    public static ClusterOptions? Of(ClusterMutation mutation, ulong seed) => mutation switch
    {
        // Two think that they lead, and judge leases that are renewed in the last moment: with the pressure that is meant for it, in runs where nothing else happens.
        ClusterMutation.LeaseEndedByUnconfirmedLeader => Calm(seed) with
        {
            Mutation = mutation,
            Pressure = ClusterPressure.DeposedJudge,
            KeyClients = 1,
            LedgerClients = 1,
            WatchClients = 1,
            LeaseClients = 10,
            ClientTimeout = TimeSpan.FromMilliseconds(250),
            Storm = TimeSpan.FromSeconds(15),
        },
        // Small runs of history, and a compaction between any two snapshots, so that it forgets deletions of keys that an older run holds.
        ClusterMutation.DeletionUnknownToRuns => Calm(seed) with
        {
            Mutation = mutation,
            RunBytes = 600,
            BetweenCompactions = TimeSpan.FromMilliseconds(150),
            BetweenForcedSnapshots = TimeSpan.FromMilliseconds(400),
            BetweenKills = TimeSpan.FromSeconds(2),
        },
        // Followers that are cut off with writes under way, and come back to a leader of a later term whose log lacks what they missed.
        ClusterMutation.SnapshotTakenForNothing => Calm(seed) with
        {
            Mutation = mutation,
            KeyClients = 10,
            ThinkTime = TimeSpan.FromMilliseconds(2),
            SnapshotLogBytes = 6 * 1024,
            BetweenPartitions = TimeSpan.FromMilliseconds(300),
            BetweenTransfers = TimeSpan.FromMilliseconds(400),
            Storm = TimeSpan.FromSeconds(12),
        },
        // A copy's answer is lost, and the source changes hands and back while it is asked again: the pressure that is meant for it, for long, and little else.
        ClusterMutation.CopyOutlivesTerm => ClusterOptions.DrawShards(seed, mutation).WithoutUpheaval().OnFastDisks(4) with
        {
            Moves = MovePressure.ThereAndBack,
            Pressure = ClusterPressure.None,
            Storm = TimeSpan.FromSeconds(40),
        },
        _ => null,
    };

    /// <summary>At which seed of its scenario a planted bug is found; null when it has none, or survives it.</summary>
    public static Kill? Kill(ClusterMutation mutation)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            if (Of(mutation, (ulong)seed) is not { } options) return null;
            if (new ClusterWorld(options, null).Run() is { Failure: { } finding }) return new Kill(seed, finding, IsOfScenario: true);
        }

        return null;
    }
}
