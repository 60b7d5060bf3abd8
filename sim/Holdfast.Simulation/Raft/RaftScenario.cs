using Holdfast.Consensus;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Raft;

/// <summary>Runs of the core in which nothing happens but what the scenario says: for planted bugs that the swarm's runs hide.</summary>
internal static class RaftScenario
{
    /// <summary>Seeds of a scenario that its bug may survive: it is made for it.</summary>
    private const int Seeds = 10;

    /// <summary>
    /// How far a clock of the scenario is off: the slowest then runs just less than <see cref="SupportTable"/>'s bound of 1 % slower than the fastest.
    /// </summary>
    private const double DriftAtBound = 0.00497;

    /// <summary>Three voters on fast disks and wires, and no misfortune at all.</summary>
    public static SimOptions Calm(ulong seed) => SimOptions.Draw(seed, Mutation.None) with
    {
        Pressure = Pressure.None,
        Voters = 3,
        Sites = 3,
        Clients = 4,
        Keys = 4,
        ReadShare = 0.5,
        ThinkTime = TimeSpan.FromMilliseconds(20),
        ClientTimeout = TimeSpan.FromMilliseconds(500),
        ClientsRoam = false,
        Drop = 0,
        Duplicate = 0,
        Straggle = 0,
        DelayMin = TimeSpan.FromMicroseconds(20),
        DelayMax = TimeSpan.FromMicroseconds(100),
        BetweenPartitions = default,
        BetweenKills = default,
        BetweenPowerLosses = default,
        BetweenBlackouts = default,
        BetweenPauses = default,
        BetweenWipes = default,
        BetweenRot = default,
        BetweenMembershipChanges = default,
        BetweenTransfers = default,
        BetweenLinkResets = default,
        BetweenBursts = default,
        CrashAtEffect = 0,
        SyncFails = 0,
        SyncMin = TimeSpan.FromMicroseconds(50),
        SyncMax = TimeSpan.FromMicroseconds(200),
        SyncStall = default,
        ClockDriftMax = 0,
        SnapshotEvery = 0,
        LeaseReads = true,
        AppendBytesMax = 64 * 1024,
        GatherTurns = 0,
    };

    /// <summary>The scenario that is kept for a planted bug; null where the world's own seeds do.</summary>
    public static SimOptions? Of(Mutation mutation, ulong seed) => mutation == Mutation.LeaseNotShortened ? ClocksAtBound(seed) with { Mutation = mutation } : null;

    /// <summary>The longest promises there are, clocks as far apart as they may be, and elections that take a few milliseconds: what the drift bound takes off a lease is ten of them.</summary>
    public static SimOptions ClocksAtBound(ulong seed) => Calm(seed) with
    {
        Pressure = Pressure.SlowestLeads,
        ClocksAtBound = true,
        ClockDriftMax = DriftAtBound,
        Lease = RaftOptions.LeaseMax,
        ElectionTimeout = TimeSpan.FromMilliseconds(60),
        Storm = TimeSpan.FromSeconds(40),
    };

    /// <summary>At which seed of its scenario a planted bug is found; null when it has none, or survives it.</summary>
    public static Kill? Kill(Mutation mutation)
    {
        for (var seed = 1; seed <= Seeds; seed++)
        {
            if (Of(mutation, (ulong)seed) is not { } options) return null;
            if (new RaftWorld(options, null).Run() is { Failure: { } finding }) return new Kill(seed, finding, IsOfScenario: true);
        }

        return null;
    }
}
