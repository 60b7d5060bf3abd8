using Holdfast.Primitives;

namespace Holdfast.Simulation.Faults;

/// <summary>
/// A kind of trouble that a run keeps coming back to, on top of what the swarm drew. Independent misfortunes seldom meet in the order that an old
/// counter-example needs; a pressure makes that order common and knows nothing of the mistake it may bring to light.
/// </summary>
internal enum Pressure : byte
{
    /// <summary>Only the swarm's independent misfortunes.</summary>
    None = 0,

    /// <summary>A new leader reaches one or two followers and dies soon after, often at its first commit; it comes back, and so do the others (Raft paper, figure 8).</summary>
    LeadersDieYoung,

    /// <summary>A leader is exiled with a long tail of its own; the others compact; it comes home, installs a snapshot and dies.</summary>
    ExiledTail,

    /// <summary>The followers restart at once while their leader cannot reach them: whole, or by appends only, beats having a connection of their own (S2, S3).</summary>
    RestartWithinLease,

    /// <summary>Answers to the leader are on their way for long, and its own words reach nobody any more (S3).</summary>
    LateWord,

    /// <summary>Votes travel slowly and arrive twice, and leaders go: two candidates in one term are common (Raft paper 5.2).</summary>
    SplitVotes,

    /// <summary>Read answers are echoed late, and some followers lag (Raft thesis 6.4).</summary>
    EchoedReads,

    /// <summary>A leader is cut off together with one or two others, and its clients go on asking (Raft thesis 6.2, 6.4).</summary>
    LeaderInMinority,

    /// <summary>Followers fall behind what the others have compacted, one after another, again and again: snapshots are fetched all the time (Raft paper 7).</summary>
    Laggards,

    /// <summary>Members come, are promoted and go several times a second, whatever else happens (Raft thesis 4).</summary>
    Turnover,

    /// <summary>The rack loses power in the middle of many writes, a disk rots meanwhile, and one machine is not heard of for seconds: all must be asked, and one is late (S8).</summary>
    RackGoesDark,

    /// <summary>A follower restarts with its newest entries rotten, is repaired entry by entry, and its leader is cut off before that is done (S8, decision 0015).</summary>
    RottenFollower,

    /// <summary>
    /// The slowest clock leads, and is cut off until its promises have lapsed: what they are worth by its clock and by the others' differs by the drift bound, and that is a few milliseconds (S3). No run draws it: it wants
    /// nothing else to happen, and clocks at the bound.
    /// </summary>
    SlowestLeads,
}

/// <summary>Draws the pressure of a run, and takes away the misfortunes that would only hide it.</summary>
internal static class PressureDraw
{
    public static SimOptions Apply(SimOptions drawn)
    {
        var dice = new SeededRandom(drawn.Seed ^ 0x9E55_0E5E);
        // Some runs stay as the swarm drew them.
        var pressure = dice.Chance(0.15) ? Pressure.None : (Pressure)dice.Next(1, (int)Pressure.RottenFollower + 1);
        var calmer = drawn with { Pressure = pressure };
        if (pressure == Pressure.None) return calmer;
        if (dice.Chance(0.7)) calmer = calmer with { BetweenPartitions = default, BetweenPauses = default, BetweenPowerLosses = default, BetweenBlackouts = default, BetweenKills = default, SyncFails = 0, CrashAtEffect = 0 };
        return pressure switch
        {
            Pressure.LeadersDieYoung => calmer with
            {
                Voters = 5, Sites = 5, SnapshotEvery = 0, AppendBytesMax = 1, BetweenWipes = default, BetweenRot = default, BetweenBursts = default, BetweenTransfers = default,
                SyncMax = TimeSpan.FromMilliseconds(3), SyncMin = TimeSpan.FromMicroseconds(100), SyncStall = default, GatherTurns = 0,
            },
            Pressure.ExiledTail => calmer with { SnapshotEvery = dice.Next(3, 40), SnapshotTrail = 0, BetweenBursts = default },
            // Of three, so that a majority is two: the leader and one follower that it takes for bound, or the two that are not.
            Pressure.RestartWithinLease when new SeededRandom(drawn.Seed ^ 0x3_0F_3).Chance(0.6) => OfPromises(calmer) with { Voters = 3, Sites = 3 },
            Pressure.RestartWithinLease or Pressure.LateWord => OfPromises(calmer),
            Pressure.SplitVotes => calmer with { Voters = 5, Sites = 5, BetweenWipes = default, BetweenRot = default },
            // Whom the leader takes along are learners, where there are some.
            Pressure.LeaderInMinority => calmer with { LeaseReads = dice.Chance(0.2), ClientsRoam = true, Sites = drawn.Voters + 2, PromoteChance = 0.1, ReadShare = 0.6, Keys = 2, BetweenWipes = default },
            Pressure.EchoedReads => calmer with { ReadShare = 0.6, ClientsRoam = true, Keys = 2, ThinkTime = TimeSpan.FromMilliseconds(3) },
            Pressure.Laggards => calmer with { SnapshotEvery = dice.Next(3, 12), SnapshotTrail = 0 },
            Pressure.Turnover => calmer with { Sites = drawn.Voters + 2, BetweenMembershipChanges = TimeSpan.FromMilliseconds(dice.Next(40, 150)) },
            Pressure.RackGoesDark => calmer with
            {
                // With spare machines members change just when the power goes: then both halves of a joint configuration must be asked.
                Voters = 3, Sites = new SeededRandom(drawn.Seed ^ 0x10_17E5).Chance(0.4) ? 5 : 3, BetweenWipes = default, BetweenBlackouts = default, BetweenTransfers = default,
                SyncMin = TimeSpan.FromMilliseconds(2), SyncMax = TimeSpan.FromMilliseconds(dice.Next(20, 70)), SyncStall = default, SnapshotEvery = dice.Chance(0.5) ? 0 : drawn.SnapshotEvery,
            },
            Pressure.RottenFollower => calmer with
            {
                Voters = 3, Sites = 3, AppendBytesMax = 1, BetweenWipes = default, BetweenRot = default, BetweenBlackouts = default, BetweenTransfers = default,
                SyncMin = TimeSpan.FromMicroseconds(100), SyncMax = TimeSpan.FromMilliseconds(4), SyncStall = default, SnapshotEvery = 0,
            },
            _ => calmer,
        };
    }

    /// <summary>What is promised is kept or broken within milliseconds, and nobody is away for another reason.</summary>
    private static SimOptions OfPromises(SimOptions calmer) => calmer with
    {
        SyncMax = TimeSpan.FromMilliseconds(3), SyncMin = TimeSpan.FromMicroseconds(100), SyncStall = default, LeaseReads = true, BetweenWipes = default, BetweenRot = default,
    };
}
