using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Simulation.Faults;

namespace Holdfast.Simulation.Raft;

/// <summary>What becomes of a packet besides what the wires do to it.</summary>
internal readonly record struct PacketFate(bool IsLost, TimeSpan Extra, TimeSpan EchoAfter);

/// <summary>Brings about the run's <see cref="Pressure"/>: who is cut off, which words are late, who dies after what.</summary>
internal sealed class PressureDriver(RaftWorld world)
{
    private static readonly Mark DiedYoung = new("sim pressure: a leader died young");
    private static readonly Mark DiedAfterInstall = new("sim pressure: died after installing a snapshot");
    private static readonly Mark RestartedWithinLease = new("sim pressure: followers restarted within the lease");
    private static readonly Mark RackWentDark = new("sim pressure: the rack lost power, and one machine was late");
    private static readonly Mark FollowerRotted = new("sim pressure: a follower's newest entries rotted");

    private readonly SeededRandom dice = world.Dice.Fork();
    private readonly Pressure pressure = world.Options.Pressure;
    private readonly bool[] isHeard = new bool[world.Options.Sites];
    private readonly bool[] isLaggard = new bool[world.Options.Sites];
    private int mutedAppends = -1;
    private int lateTo = -1;
    private Term youngTerm;
    private long cutOffUntil;

    public void Begin()
    {
        world.Trace($"pressure {pressure}");
        for (var slot = 0; slot < isLaggard.Length; slot++) isLaggard[slot] = dice.Chance(0.4);
        switch (pressure)
        {
            case Pressure.ExiledTail:
                Repeat(1200, 3000, Exile);
                break;
            case Pressure.RestartWithinLease:
                Repeat(1500, 3500, RestartFollowers);
                break;
            case Pressure.LateWord:
                Repeat(1500, 3000, CutOffWithLateWords);
                break;
            case Pressure.SplitVotes:
                Repeat(500, 1200, () => IsolateLeader(companions: 0, Ms(300, 500)));
                break;
            case Pressure.LeaderInMinority:
                Repeat(1200, 3000, () => IsolateLeader(companions: dice.Next(1, 3), Ms(500, 1500)));
                break;
            case Pressure.RackGoesDark:
                Repeat(3800, 5000, GoDark);
                break;
            case Pressure.RottenFollower:
                Repeat(2800, 4000, RotFollower);
                break;
            case Pressure.SlowestLeads:
                Repeat(200, 400, CutOffSlowest);
                break;
            case Pressure.Laggards:
                Repeat(150, 500, LeaveOneBehind);
                break;
            default:
                break; // None, and those that only react.
        }
    }

    /// <summary>Somebody has begun to lead.</summary>
    public void OnLeader(RaftSite site, Term term)
    {
        if (pressure != Pressure.LeadersDieYoung || world.IsHealed || term == youngTerm) return;
        youngTerm = term;
        mutedAppends = site.Slot;
        Array.Clear(isHeard);
        // Nobody, one or two: too few to commit an entry that is new to all of them, enough for one that some already have.
        for (var i = dice.Next(3); i > 0; i--) isHeard[dice.Next(isHeard.Length)] = true;
        var process = site.Process;
        if (dice.Chance(0.3)) world.Clock.After(TimeSpan.FromMicroseconds(dice.Next(1, 2000)), () => process?.Burst(1));
        world.Clock.After(Ms(1, 40), () => DieYoung(site, process));
    }

    /// <summary>A replica has learnt of a commit: a young leader often dies of it before it has told anybody.</summary>
    public bool DiesAtCommit(RaftSite site) =>
        pressure == Pressure.LeadersDieYoung && !world.IsHealed && mutedAppends == site.Slot && site.Process is { Core.Role: RaftRole.Leader } && dice.Chance(0.9);

    public void OnInstalled(RaftSite site)
    {
        if (pressure != Pressure.ExiledTail || world.IsHealed || !dice.Chance(0.7)) return;
        var process = site.Process;
        world.Clock.After(TimeSpan.FromMicroseconds(dice.Next(100, 30_000)), () =>
        {
            if (site.Process != process || !site.IsUp || world.IsHealed) return;
            DiedAfterInstall.Hit();
            Restart(site);
        });
    }

    public PacketFate FateOf(int from, int to, object message)
    {
        if (pressure == Pressure.None || world.IsHealed) return default;
        var isBeat = message is SupportBeat or SupportReply;
        return pressure switch
        {
            Pressure.LeadersDieYoung when from == mutedAppends && message is AppendPacket && !isHeard[to] => new(true, default, default),
            Pressure.RestartWithinLease when from == mutedAppends && !isBeat => new(true, default, default),
            Pressure.RottenFollower when from == mutedAppends && message is AppendPacket && !isHeard[to] => new(true, default, default),
            Pressure.LateWord when to == lateTo => new(false, Ms(100, 500), default),
            Pressure.SplitVotes when message is RequestVote { IsPreVote: false } => new(false, Ms(0, 60), default),
            Pressure.SplitVotes when message is VoteReply => new(false, Ms(0, 30), Ms(0, 30)),
            Pressure.EchoedReads when message is ReadIndexReply => new(false, default, Ms(1, 120)),
            Pressure.EchoedReads when message is AppendPacket && isLaggard[to] => new(false, Ms(0, 120), default),
            _ => default,
        };
    }

    private void DieYoung(RaftSite site, RaftProcess? process)
    {
        if (site.Process != process || !site.IsUp || world.IsHealed) return;
        DiedYoung.Hit();
        Restart(site);
    }

    private void Exile()
    {
        if (world.Leader() is not { } leader) return;
        IsolateLeader(companions: 0, Ms(500, 1500));
        leader.Process!.Burst(dice.Next(200, 900));
    }

    private void LeaveOneBehind()
    {
        var site = world.Sites[dice.Next(world.Sites.Count)];
        if (site != world.Leader()) Isolate(site, companions: 0, inbound: true, Ms(100, 350));
    }

    /// <summary>Something is being written everywhere when the power goes. Whoever is late may be the only one whose log is whole.</summary>
    private void GoDark()
    {
        if (world.Leader() is not { } leader) return;
        RackWentDark.Hit();
        leader.Process!.Burst(dice.Next(5, 30));
        if (world.Sites.Count > world.Options.Voters) world.ChangeMembers();
        world.Clock.After(Ms(1, 40), () =>
        {
            if (world.IsHealed) return;
            var late = world.Sites[dice.Next(world.Sites.Count)];
            var rotten = world.Sites[dice.Next(world.Sites.Count)];
            if (rotten != late && dice.Chance(0.8)) world.Faults.RotTail(rotten, 12, out _);
            world.Faults.Blackout();
            Isolate(late, companions: 0, inbound: true, Ms(2200, 3200));
        });
    }

    /// <summary>What is committed now only the leader and one follower have; then that follower has lost it, and the leader is cut off while it gives it again.</summary>
    private void RotFollower()
    {
        if (world.Leader() is not { } leader || leader.Process!.IsPaused) return;
        var victim = world.Sites[(leader.Slot + dice.Next(1, world.Sites.Count)) % world.Sites.Count];
        if (!victim.IsUp) return;
        Array.Clear(isHeard);
        isHeard[victim.Slot] = true;
        Mute(leader.Slot, Ms(700, 900));
        leader.Process.Burst(dice.Next(4, 16));
        world.Clock.After(Ms(20, 80), () =>
        {
            if (world.IsHealed || !victim.IsUp || !world.Faults.RotTail(victim, 10, out var rotten)) return;
            FollowerRotted.Hit();
            Restart(victim);
            CutOffDuringRepair(leader, victim, rotten + (ulong)dice.Next(0, 3), world.Clock.Now + Ms(200, 400).Ticks);
        });
    }

    private void CutOffDuringRepair(RaftSite leader, RaftSite victim, LogIndex at, long latest) => world.Clock.After(TimeSpan.FromMicroseconds(500), () =>
    {
        if (world.IsHealed) return;
        if (world.Clock.Now >= latest || victim.Process is { IsAlive: true } process && process.Core.Durable >= at) Isolate(leader, companions: 0, inbound: true, Ms(1700, 2400));
        else CutOffDuringRepair(leader, victim, at, latest);
    });

    /// <summary>Often they have restarted a moment before, as processes do that end again and again: what a follower promised then is as young as what it promises now.</summary>
    private void RestartFollowers()
    {
        if (world.Leader() is not { } leader || leader.Process!.IsPaused) return;
        if (dice.Chance(0.6))
        {
            RestartAllBut(leader);
            world.Clock.After(Ms(150, 280), RestartFollowersWithinLease);
        }
        else
        {
            RestartFollowersWithinLease();
        }
    }

    private void RestartFollowersWithinLease()
    {
        if (world.IsHealed || world.Leader() is not { } leader || leader.Process!.IsPaused) return;
        RestartedWithinLease.Hit();
        if (dice.Chance(0.5)) IsolateLeader(companions: 0, Ms(200, 1500));
        else Mute(leader.Slot, Ms(1500, 2500)); // Longer than a restarted voter is silent, and the election after it.
        RestartAllBut(leader);
    }

    private void RestartAllBut(RaftSite leader)
    {
        foreach (var site in world.Sites)
            if (site != leader && site.IsUp && dice.Chance(0.9)) Restart(site);
    }

    private void Mute(int slot, TimeSpan span)
    {
        mutedAppends = slot;
        world.Clock.After(span, () => mutedAppends = -1);
    }

    private void CutOffWithLateWords()
    {
        if (world.Leader() is not { } leader) return;
        lateTo = leader.Slot;
        world.Clock.After(Ms(100, 400), () => Isolate(leader, companions: 0, inbound: false, Ms(700, 1000)));
        world.Clock.After(Ms(1000, 1400), () => lateTo = -1);
    }

    /// <summary>Until the others are free to elect, and have.</summary>
    private void CutOffSlowest()
    {
        if (world.Clock.Now < cutOffUntil || world.Leader() is not { } leader) return;
        if (leader.Slot != 0)
        {
            leader.Process!.Transfer(world.Sites[0].Node);
            return;
        }

        var span = world.Options.Lease + Ms(100, 300);
        cutOffUntil = world.Clock.Now + span.Ticks;
        Isolate(leader, companions: 0, inbound: true, span);
    }

    private void IsolateLeader(int companions, TimeSpan span)
    {
        if (world.Leader() is { } leader) Isolate(leader, companions, inbound: true, span);
    }

    private void Isolate(RaftSite site, int companions, bool inbound, TimeSpan span)
    {
        if (world.IsHealed) return;
        var inside = new bool[world.Sites.Count];
        inside[site.Slot] = true;
        for (; companions > 0; companions--) inside[Companion(site)] = true;
        world.Network.Isolate(inside, outbound: true, inbound);
        if (world.IsTracing) world.Trace($"pressure: {site.Node} is cut off, companions {string.Join(",", inside)} inbound {inbound} for {span}");
        world.Clock.After(span, world.Network.RestoreAll);
    }

    /// <summary>Learners first: they are no part of a majority, and must not be taken for one.</summary>
    private int Companion(RaftSite leader)
    {
        var any = dice.Next(world.Sites.Count);
        if (leader.Process is not { } process) return any;
        for (var i = 0; i < world.Sites.Count; i++)
        {
            var site = world.Sites[(any + i) % world.Sites.Count];
            if (process.Core.Configuration.Contains(site.Node) && !process.Core.Configuration.CountsForQuorum(site.Node)) return site.Slot;
        }

        return any;
    }

    private void Restart(RaftSite site)
    {
        if (world.IsTracing) world.Trace($"pressure: {site.Node} restarts at once");
        site.Kill();
        site.Start(Ms(1, 30));
    }

    private TimeSpan Ms(int low, int high) => TimeSpan.FromMicroseconds(dice.Next(low * 1000, high * 1000 + 1));

    private void Repeat(int lowMs, int highMs, Action strike) => world.Clock.After(Ms(lowMs, highMs), () =>
    {
        if (world.IsHealed) return;
        strike();
        Repeat(lowMs, highMs, strike);
    });
}
