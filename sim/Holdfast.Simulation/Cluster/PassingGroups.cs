using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;

namespace Holdfast.Simulation.Cluster;

/// <summary>
/// Groups that are created beside the others while the cluster runs, elect a leader, and are deleted for good, on each member at its own time. A group whose
/// tombstone is on a disk never comes back there (S6).
/// </summary>
internal sealed class PassingGroups(ClusterWorld world)
{
    private const ulong FirstId = 100;

    private static readonly Mark Buried = new("sim: a group that was deleted was remembered as such after a restart");

    private readonly SeededRandom dice = world.Dice.Fork();
    private readonly List<Life> lives = [];

    private sealed class Life(GroupId id, Configuration founders)
    {
        public GroupId Id { get; } = id;

        public Configuration Founders { get; } = founders;

        public LedgerCheck Check { get; } = new($"passing group {id}");

        public bool IsOver { get; set; }
    }

    public void Begin()
    {
        if (world.Options.BetweenPassingGroups == TimeSpan.Zero) return;
        world.Clock.After(world.Options.BetweenPassingGroups * (0.5 + dice.NextDouble()), () =>
        {
            if (world.IsHealed) return;
            Found();
            Begin();
        });
    }

    /// <summary>A process has begun: it goes on with what it knew, and is told of what it missed.</summary>
    public void OnBooted(ClusterProcess process)
    {
        foreach (var life in lives) Settle(process, life);
    }

    public void OnRecovered(ClusterProcess process, WalRecovery recovery)
    {
        if (recovery.GroupsLost > 0 || process.Machine.IsRotten) return;
        foreach (var life in lives)
        {
            if (!process.Machine.Log.Of(life.Id).IsBuried) continue;
            Buried.Hit();
            ClusterCheck.Require(recovery.Find(life.Id) is { IsTombstoned: true }, $"{process.Node} has forgotten that group {life.Id} was deleted");
        }
    }

    private void Found()
    {
        var members = world.Machines.Where(machine => machine.IsUp).Select(machine => machine.Node).Take(3).ToArray();
        if (members.Length < 3) return;
        var life = new Life(new GroupId(FirstId + (ulong)lives.Count), Configuration.OfVoters(members));
        lives.Add(life);
        SettleEverywhere(life);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(4)), () =>
        {
            life.IsOver = true;
            SettleEverywhere(life);
        });
    }

    private void SettleEverywhere(Life life)
    {
        foreach (var member in life.Founders.Members)
            world.Clock.After(dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(400)), () =>
            {
                if (world.MachineOf(member.Node)?.Process is { IsAlive: true } process) process.WhenAwake(() => Settle(process, life));
            });
    }

    private void Settle(ClusterProcess process, Life life)
    {
        if (!life.Founders.Contains(process.Node)) return;
        var found = process.Recovery.Find(life.Id);
        if (found is { IsTombstoned: true } || (found is null && process.Recovery.GroupsLost > 0)) return;
        process.SeatOf(life.Id).Loop.Post(new OnLoop(_ =>
        {
            if (process.Passing.Add(life.Id) && (found is not null || !life.IsOver)) Join(process, life, found);
            if (life.IsOver) process.SeatOf(life.Id).Loop.Delete(life.Id);
        }));
    }

    private void Join(ClusterProcess process, Life life, RecoveredGroup? found)
    {
        var start = found?.HandOver(process.Node) ?? new RaftStart { Self = process.Node, Group = life.Id, Configuration = life.Founders };
        var options = world.GroupOptionsOf(life.Id) with { FeatureLevelKnown = process.Machine.Version };
        process.SeatOf(life.Id).Loop.Add(new LedgerMachine(process, life.Id, life.Check), start, found is null, found?.FeatureLevel ?? 1, options);
    }
}
