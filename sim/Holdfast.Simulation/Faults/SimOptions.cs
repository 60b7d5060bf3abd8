using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Faults;

/// <summary>
/// What one run is like. Drawn from the seed: each fault is often absent, sometimes rare and sometimes frequent, so that runs differ in kind and a
/// fault that hides another one is away in many of them (swarm testing: Groce et al., ISSTA 2012).
/// </summary>
internal sealed record SimOptions
{
    public required ulong Seed { get; init; }

    /// <summary>The bug that is planted, or none.</summary>
    public Mutation Mutation { get; init; }

    /// <summary>The kind of trouble that the run keeps coming back to.</summary>
    public Pressure Pressure { get; init; }

    /// <summary>Clients ask anybody rather than the leader they know.</summary>
    public bool ClientsRoam { get; init; }

    /// <summary>How readily a learner that has caught up is made a voter, each time that members are looked at.</summary>
    public double PromoteChance { get; init; } = 0.8;

    public required int Sites { get; init; }
    public required int Voters { get; init; }
    public required int Clients { get; init; }
    public required int Keys { get; init; }
    public required double ReadShare { get; init; }
    public required TimeSpan ThinkTime { get; init; }
    public required TimeSpan ClientTimeout { get; init; }

    /// <summary>How long faults go on; then everything is healed.</summary>
    public TimeSpan Storm { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long the healed cluster has to make progress and come to rest.</summary>
    public TimeSpan Calm { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>
    /// How much longer it may take, without any load, until the last follower has all: on a slow wire where small appends overtake each other one falls behind a busy leader, and nothing bounds how far (raft seed 614: 150 entries in 12 s).
    /// Nothing where wires keep order, as every transport must: there a follower keeps up (decision 0031).
    /// </summary>
    public TimeSpan CatchUp { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Packets go over connections: in order, once, and lost only together with what follows them, of which both ends are told.</summary>
    public bool KeepsOrder { get; init; }

    public required double Drop { get; init; }
    public required double Duplicate { get; init; }
    public required TimeSpan DelayMin { get; init; }
    public required TimeSpan DelayMax { get; init; }

    /// <summary>The share of packets that take ten times as long, and so overtake and are overtaken.</summary>
    public required double Straggle { get; init; }

    /// <summary>Mean time between faults of a kind; zero is never.</summary>
    public required TimeSpan BetweenPartitions { get; init; }
    public required TimeSpan BetweenKills { get; init; }
    public required TimeSpan BetweenPowerLosses { get; init; }
    public required TimeSpan BetweenBlackouts { get; init; }
    public required TimeSpan BetweenPauses { get; init; }
    public required TimeSpan BetweenWipes { get; init; }
    public required TimeSpan BetweenRot { get; init; }
    public required TimeSpan BetweenMembershipChanges { get; init; }
    public required TimeSpan BetweenTransfers { get; init; }
    public required TimeSpan BetweenLinkResets { get; init; }

    /// <summary>The chance that a process dies at one effect's boundary.</summary>
    public required double CrashAtEffect { get; init; }

    public required double SyncFails { get; init; }
    public required TimeSpan SyncMin { get; init; }
    public required TimeSpan SyncMax { get; init; }

    /// <summary>Now and then a sync stalls for this long.</summary>
    public required TimeSpan SyncStall { get; init; }

    public required double ClockDriftMax { get; init; }

    /// <summary>The first machine's clock is as slow as clocks may be, all others' as fast.</summary>
    public bool ClocksAtBound { get; init; }

    /// <summary>How long a promise of support the nodes ask each other for.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMilliseconds(300);

    public TimeSpan ElectionTimeout { get; init; } = new RaftOptions().ElectionTimeout;

    /// <summary>Mean time between bursts of proposals that nobody waits for: they make the tails that a lost leader leaves behind.</summary>
    public required TimeSpan BetweenBursts { get; init; }

    /// <summary>A snapshot is taken after this many entries; zero is never.</summary>
    public required int SnapshotEvery { get; init; }
    public required int SnapshotTrail { get; init; }
    public required bool LeaseReads { get; init; }
    public required int AppendBytesMax { get; init; }

    /// <summary>The chance that inputs are gathered into a turn, rather than flushed one by one.</summary>
    public required double GatherTurns { get; init; }

    /// <summary>Draws a run.</summary>
    public static SimOptions Draw(ulong seed, Mutation mutation)
    {
        var dice = new SeededRandom(seed ^ 0x5EED_0F_5EED);
        var voters = dice.Next(10) switch { < 5 => 3, < 6 => 4, _ => 5 };
        var slowNetwork = dice.Chance(0.2);
        // Of dice of its own, so that the seeds of before draw what they drew before.
        var blackouts = Mean(new SeededRandom(seed ^ 0xB1AC_0017), 2000, 9000);
        return PressureDraw.Apply(new SimOptions
        {
            Seed = seed,
            Mutation = mutation,
            Voters = voters,
            Sites = voters + dice.Next(0, 3),
            Clients = dice.Next(3, 9),
            Keys = dice.Next(2, 7),
            ReadShare = 0.2 + 0.5 * dice.NextDouble(),
            ThinkTime = Span(dice, 1, 40),
            ClientTimeout = Span(dice, 400, 2500),
            Drop = Swarm(dice, 0.03, 0.2),
            Duplicate = Swarm(dice, 0.02, 0.15),
            DelayMin = TimeSpan.FromMicroseconds(dice.Next(20, 400)),
            DelayMax = slowNetwork ? Span(dice, 10, 60) : Span(dice, 1, 6),
            Straggle = Swarm(dice, 0.01, 0.08),
            BetweenPartitions = Mean(dice, 1500, 8000),
            BetweenKills = Mean(dice, 1000, 6000),
            BetweenPowerLosses = Mean(dice, 1500, 8000),
            BetweenBlackouts = blackouts,
            BetweenPauses = Mean(dice, 1500, 8000),
            BetweenWipes = Mean(dice, 4000, 12000),
            BetweenRot = Mean(dice, 2500, 10000),
            BetweenMembershipChanges = dice.Chance(0.2) ? TimeSpan.Zero : Span(dice, 100, 1500),
            BetweenTransfers = Mean(dice, 800, 6000),
            BetweenLinkResets = Mean(dice, 500, 5000),
            CrashAtEffect = Swarm(dice, 0.0002, 0.002),
            SyncFails = Swarm(dice, 0.0005, 0.004),
            SyncMin = TimeSpan.FromMicroseconds(dice.Next(50, 1000)),
            SyncMax = dice.Chance(0.3) ? Span(dice, 10, 80) : Span(dice, 2, 8),
            SyncStall = dice.Chance(0.3) ? Span(dice, 200, 900) : TimeSpan.Zero,
            ClockDriftMax = dice.Chance(0.3) ? 0 : 0.0045 * dice.NextDouble(),
            SnapshotEvery = dice.Next(10) switch { < 1 => 0, < 5 => dice.Next(3, 15), _ => dice.Next(15, 100) },
            SnapshotTrail = dice.Chance(0.5) ? 0 : dice.Next(1, 60),
            BetweenBursts = dice.Chance(0.2) ? TimeSpan.Zero : Span(dice, 20, 400),
            LeaseReads = dice.Chance(0.75),
            AppendBytesMax = dice.Chance(0.3) ? dice.Next(64, 1024) : 64 * 1024,
            GatherTurns = dice.Chance(0.5) ? 0 : dice.NextDouble(),
        });
    }

    /// <summary>The same run over connections. A pressure that takes, delays or repeats single packets has no place there.</summary>
    public SimOptions OverConnections() => this with
    {
        KeepsOrder = true,
        CatchUp = TimeSpan.Zero,
        Drop = 0,
        Duplicate = 0,
        Straggle = 0,
        Pressure = Pressure is Pressure.LeadersDieYoung or Pressure.RestartWithinLease or Pressure.LateWord or Pressure.SplitVotes or Pressure.EchoedReads or Pressure.RottenFollower ? Pressure.None : Pressure,
    };

    private static TimeSpan Span(SeededRandom dice, int lowMs, int highMs) => TimeSpan.FromMicroseconds(dice.Next(lowMs * 1000, highMs * 1000));

    /// <summary>Absent in 4 of 10 runs, else up to the rare or the frequent rate.</summary>
    private static double Swarm(SeededRandom dice, double rare, double frequent) => dice.Next(10) switch
    {
        < 4 => 0,
        < 8 => rare * dice.NextDouble(),
        _ => frequent * dice.NextDouble(),
    };

    private static TimeSpan Mean(SeededRandom dice, int lowMs, int highMs) => dice.Chance(0.4) ? TimeSpan.Zero : Span(dice, lowMs, highMs);
}
