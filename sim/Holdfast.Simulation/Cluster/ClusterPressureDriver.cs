using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Checks;

namespace Holdfast.Simulation.Cluster;

/// <summary>Brings about the run's <see cref="ClusterPressure"/>, but for the dark rack, which is a <see cref="Misfortunes"/>' blackout with more.</summary>
internal sealed class ClusterPressureDriver(ClusterWorld world)
{
    private static readonly Mark TruncationRotted = new("sim pressure: the record of a truncation rotted");
    private static readonly Mark FileRotted = new("sim pressure: a file that a snapshot names rotted");
    private static readonly Mark JudgeCutOff = new("sim pressure: the judge of leases was cut off for a moment");

    // Of dice of its own, so that a run without a pressure draws what it drew before there were any.
    private readonly SeededRandom dice = new(world.Options.Seed ^ 0xD21E_C105);

    public void Begin()
    {
        world.Trace($"pressure {world.Options.Pressure}");
        switch (world.Options.Pressure)
        {
            case ClusterPressure.ExiledTail:
                Repeat(1800, 2800, Exile);
                break;
            case ClusterPressure.RottenFiles:
                Repeat(900, 1800, RotFiles);
                break;
            case ClusterPressure.DeposedJudge:
                Repeat(1300, 2200, CutOffJudge);
                break;
            case ClusterPressure.RebuiltMeanwhile:
                Repeat(100, 300, TakeSnapshot);
                break;
            default:
                break; // None, and the dark rack.
        }
    }

    /// <summary>
    /// What the exiled leader of the keyspace is given meanwhile nobody waits for. The leader that executes at append is cut off while a command in many chunks is on its way: some of them arrive.
    /// </summary>
    private void Exile()
    {
        var group = dice.Chance(0.5) ? ClusterWorld.Keyspace : ClusterWorld.Executor;
        if (world.LeaderOf(group) is not { IsPaused: false } leader) return;
        var (machine, span) = (leader.Machine, Ms(600, 1100));
        if (group == ClusterWorld.Keyspace)
        {
            Isolate(machine, span);
            for (var left = dice.Next(15, 60); left > 0; left--) Propose(leader, group, [0xFF]);
        }
        else
        {
            Propose(leader, group, LongWish());
            world.Clock.After(dice.NextSpan(world.Options.DelayMin, world.Options.DelayMax + TimeSpan.FromMicroseconds(500)), () => Isolate(machine, span));
        }

        RotTruncation(machine, machine.Log.LastTruncation, world.Clock.Now + Ms(2000, 2500).Ticks);
    }

    private static void Propose(ClusterProcess process, GroupId group, byte[] command) => process.WhenAwake(() => _ = process.GroupOf(group).ProposeAsync(command));

    /// <summary>A wish that nobody waits for: whether it comes true is never learnt.</summary>
    private byte[] LongWish()
    {
        var history = world.ExecutorCheck.History;
        var wish = history.Call(0, OperationKind.Put, (ulong)history.Operations.Count + 1, 0, world.Clock.Now);
        return new LedgerCommand(wish.Kind, 0, IsSlow: false, wish.Value, wish.Expected, wish.Value).Encode(world.Options.ChunkBytes * dice.Next(4, 20));
    }

    /// <summary>Waits until the machine has recorded a truncation, and a little longer, so that what took the tail's place follows it.</summary>
    private void RotTruncation(ClusterMachine machine, (string Path, int Sector)? before, long latest) => world.Clock.After(TimeSpan.FromMilliseconds(2), () =>
    {
        if (world.IsHealed || world.Clock.Now > latest) return;
        if (machine.Log.LastTruncation is not { } record || record == before)
        {
            RotTruncation(machine, before, latest);
            return;
        }

        world.Clock.After(Ms(20, 400), () =>
        {
            if (world.IsHealed || !Rots(machine, [record])) return;
            TruncationRotted.Hit();
            machine.Crash(losesPower: false);
        });
    });

    /// <summary>A machine whose files rot is restarted, and finds them so; or it is left behind until it must fetch a snapshot that shares them.</summary>
    private void RotFiles()
    {
        var machine = Victim();
        var places = new List<(string Path, int Sector)>();
        foreach (var (path, file) in machine.Disk.Files)
            if (path.Contains("/files/", StringComparison.Ordinal) && file.SectorCount > 0 && file.HoldsSomething(0)) places.Add((path, 0));
        if (places.Count == 0) return;
        var chosen = new List<(string Path, int Sector)>();
        for (var count = dice.Next(1, 4); count > 0; count--) chosen.Add(places[dice.Next(places.Count)]);
        if (!Rots(machine, chosen)) return;
        FileRotted.Hit();
        if (dice.Chance(0.5)) machine.Crash(losesPower: dice.Chance(0.5));
        else Isolate(machine, Ms(200, 700));
    }

    /// <summary>
    /// It goes on thinking that it leads for as long as its quorum's silence may last, and the others have a leader before. It is cut off when the time of some lease is nearly up: it judges it in its last moments,
    /// while the holder turns to the others.
    /// </summary>
    private void CutOffJudge() => CutOffJudge(world.Clock.Now + TimeSpan.FromSeconds(1).Ticks);

    private void CutOffJudge(long latest)
    {
        if (world.IsHealed || world.Clock.Now > latest) return;
        var isNearlyUp = world.LeaseCheck.IsAnyOverBetween(world.Clock.Now + TimeSpan.FromMilliseconds(60).Ticks, world.Clock.Now + TimeSpan.FromMilliseconds(180).Ticks);
        if (!isNearlyUp || world.LeaderOf(ClusterWorld.Keyspace) is not { IsPaused: false } leader)
        {
            world.Clock.After(TimeSpan.FromMilliseconds(10), () => CutOffJudge(latest));
            return;
        }

        JudgeCutOff.Hit();
        Isolate(leader.Machine, Ms(500, 1000));
    }

    /// <summary>Whoever executes at append takes a snapshot, as if the write-ahead log were held back by its group.</summary>
    private void TakeSnapshot()
    {
        if (world.LeaderOf(ClusterWorld.Executor) is not { } leader) return;
        var replica = leader.GroupOf(ClusterWorld.Executor);
        leader.SeatOf(ClusterWorld.Executor).Loop.Post(new OnLoop(_ => replica.TakeSnapshot()));
    }

    /// <summary>One that has lost something already, or any that may.</summary>
    private ClusterMachine Victim()
    {
        foreach (var machine in world.Machines)
            if (machine.IsRotten && world.Atlas.IsDamaged(machine.Node)) return machine;
        return world.Machines[dice.Next(world.Machines.Count)];
    }

    /// <summary>Sectors rot, if the group can bear it; false when none did.</summary>
    private bool Rots(ClusterMachine machine, List<(string Path, int Sector)> places)
    {
        if (world.Atlas.IsDamaged(machine.Node) ? !machine.IsRotten : !world.Atlas.Permits(machine.Node, world.InForce())) return false;
        var rotten = false;
        foreach (var (path, sector) in places)
        {
            foreach (var (name, file) in machine.Disk.Files)
            {
                if (name != path || sector >= file.SectorCount || !machine.Rots(path, file, sector, dice)) continue;
                if (world.IsTracing) world.Trace($"pressure: {machine.Node} has a bad sector {sector} in {path}");
                rotten = true;
            }
        }

        if (rotten) machine.OnRotten();
        return rotten;
    }

    private void Isolate(ClusterMachine machine, TimeSpan span)
    {
        if (world.IsHealed) return;
        var inside = new bool[world.Machines.Count];
        inside[machine.Slot] = true;
        if (world.IsTracing) world.Trace($"pressure: {machine.Node} is cut off for {span.TotalMilliseconds:F0} ms");
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(span, world.Mesh.RestoreAll);
    }

    private TimeSpan Ms(int low, int high) => TimeSpan.FromMicroseconds(dice.Next(low * 1000, high * 1000 + 1));

    private void Repeat(int lowMs, int highMs, Action strike) => world.Clock.After(Ms(lowMs, highMs), () =>
    {
        if (world.IsHealed) return;
        strike();
        Repeat(lowMs, highMs, strike);
    });
}
