using Holdfast.Primitives;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Raft;

/// <summary>Brings about what the swarm drew: each kind of misfortune at its own random times.</summary>
internal sealed class FaultDriver(RaftWorld world)
{
    private static readonly Mark RackInDoubt = new("sim: all machines lost power, with last commits in doubt");

    private readonly SeededRandom dice = world.Dice.Fork();
    private bool isOver;

    public void Begin()
    {
        var options = world.Options;
        Repeat(options.BetweenPartitions, Partition);
        Repeat(options.BetweenKills, () => Crash(Any(), losesPower: false));
        Repeat(options.BetweenPowerLosses, LosePower);
        Repeat(options.BetweenBlackouts, Blackout);
        Repeat(options.BetweenPauses, Pause);
        Repeat(options.BetweenWipes, Wipe);
        Repeat(options.BetweenRot, Rot);
        Repeat(options.BetweenLinkResets, ResetLink);
        Repeat(options.BetweenTransfers, Transfer);
        Repeat(options.BetweenBursts, Burst);
    }

    public void End() => isOver = true;

    /// <summary>Drawn at each effect's boundary: whether the process dies here.</summary>
    public static bool DiesHere(RaftWorld world, SeededRandom dice) =>
        !world.IsHealed && world.Options.CrashAtEffect > 0 && dice.Chance(world.Options.CrashAtEffect);

    /// <summary>Drawn at each recovery: whether the power fails once more before it is done (S7).</summary>
    public static bool LosesPowerInRecovery(RaftWorld world, SeededRandom dice) =>
        !world.IsHealed && world.Options.BetweenPowerLosses > TimeSpan.Zero && dice.Chance(0.05);

    /// <summary>A crash of one machine, and its return a while later.</summary>
    public static void Crash(RaftWorld world, RaftSite site, SeededRandom dice, bool losesPower, bool mayDoubt = false)
    {
        if (!site.IsUp) return;
        if (world.IsTracing) world.Trace($"{site.Node} {(losesPower ? "loses power" : "is killed")}");
        if (losesPower)
        {
            world.Counts.PowerLosses++;
            site.LosePower(mayDoubt);
        }
        else
        {
            site.Kill();
        }

        site.Start(dice.Chance(0.6) ? dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(300)) : dice.NextSpan(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(3)));
    }

    private void Repeat(TimeSpan mean, Action strike)
    {
        if (mean == TimeSpan.Zero) return;
        world.Clock.After(mean * (0.2 + 1.6 * dice.NextDouble()), () =>
        {
            if (isOver) return;
            strike();
            Repeat(mean, strike);
        });
    }

    private RaftSite Any() => dice.Chance(0.35) && world.Leader() is { } leader ? leader : world.Sites[dice.Next(world.Sites.Count)];

    private void Crash(RaftSite site, bool losesPower) => Crash(world, site, dice, losesPower);

    private void LosePower()
    {
        if (dice.Chance(0.15))
        {
            Blackout();
            return;
        }

        var victim = Any();
        if (victim.IsUp)
        {
            Crash(victim, losesPower: true);
            return;
        }

        // It is down, or just recovering: what recovery has read may be gone when it comes again (S7).
        victim.LosePower();
        victim.Start(dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(300)));
    }

    /// <summary>
    /// The rack loses power. Each disk's last commit may be left in doubt, on a majority and on all, beside rot on some: the group must come back by itself and with
    /// everything that was acknowledged, for each member is asked (S8). Who was wiped cannot be asked.
    /// </summary>
    public void Blackout()
    {
        var mayDoubt = InForce().All(configuration => AreThere(configuration.Members) && AreThere(configuration.Outgoing));
        if (mayDoubt) RackInDoubt.Hit();
        foreach (var site in world.Sites) Crash(world, site, dice, losesPower: true, mayDoubt);
    }

    private bool AreThere(ReadOnlySpan<Consensus.Member> members)
    {
        foreach (var member in members)
            if (world.SiteOf(member.Node) is null) return false;
        return true;
    }

    private void Pause()
    {
        var site = Any();
        if (!site.IsUp) return;
        if (world.IsTracing) world.Trace($"{site.Node} is paused");
        var process = site.Process!;
        process.Pause();
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(2500)), process.Resume);
    }

    private void Partition()
    {
        var inside = new bool[world.Sites.Count];
        if (dice.Chance(0.5)) inside[Any().Slot] = true;
        else
            for (var i = 0; i < inside.Length; i++) inside[i] = dice.Chance(0.5);
        var outbound = dice.Chance(0.75);
        var inbound = !outbound || dice.Chance(0.6);
        world.Network.Isolate(inside, outbound, inbound);
        if (world.IsTracing) world.Trace($"partition {string.Join(",", inside)} out {outbound} in {inbound}");
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3)), world.Network.RestoreAll);
    }

    private void Wipe()
    {
        var site = world.Sites[dice.Next(world.Sites.Count)];
        if (world.Atlas.IsDamaged(site.Node) || !world.Atlas.Permits(site.Node, InForce())) return;
        if (world.IsTracing) world.Trace($"{site.Node} is wiped");
        world.Counts.Wipes++;
        world.Atlas.Damage(site.Node);
        site.Wipe();
        site.Start(dice.NextSpan(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1)));
    }

    private void Rot()
    {
        var site = world.Sites[dice.Next(world.Sites.Count)];
        // Rot is found by whoever reads, and only recovery reads.
        if (RotTail(site, 30, out _)) Crash(site, losesPower: dice.Chance(0.5));
    }

    /// <summary>A sector under one of the newest entries rots; false when there is none, or it would be more damage than the group must bear.</summary>
    public bool RotTail(RaftSite site, int depthMax, out LogIndex index)
    {
        index = LogIndex.Zero;
        var log = site.Device.Durable;
        if (log.Last <= log.Base.Index || world.Atlas.IsDamaged(site.Node) || !world.Atlas.Permits(site.Node, InForce())) return false;
        var depth = Math.Min((int)(log.Last - log.Base.Index), depthMax);
        index = new LogIndex(log.Last.Value - (ulong)dice.Next(depth));
        if (world.IsTracing) world.Trace($"{site.Node} has a bad sector under {index}");
        world.Counts.Rots++;
        world.Atlas.Damage(site.Node);
        log.Rot(index);
        return true;
    }

    private IEnumerable<Consensus.Configuration> InForce()
    {
        foreach (var site in world.Sites) yield return site.LastConfiguration;
        if (world.Check.CommittedConfiguration is { } committed) yield return committed;
    }

    /// <summary>Every replica that takes itself for the leader is given something to write, so that a deposed one has a tail to lose.</summary>
    private void Burst()
    {
        foreach (var site in world.Sites)
            if (site.IsUp) site.Process!.Burst(dice.Next(1, 24));
    }

    private void ResetLink()
    {
        var (one, other) = (world.Sites[dice.Next(world.Sites.Count)], world.Sites[dice.Next(world.Sites.Count)]);
        if (one == other) return;
        world.Network.Reset(one.Slot, other.Slot);
        one.Process?.OnPeerReset(other.Node);
        other.Process?.OnPeerReset(one.Node);
    }

    private void Transfer()
    {
        if (world.Leader() is not { } leader) return;
        var target = dice.Chance(0.5) ? NodeId.None : world.Sites[dice.Next(world.Sites.Count)].Node;
        leader.Process!.Transfer(target);
    }
}
