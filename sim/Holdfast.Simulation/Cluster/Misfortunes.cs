using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Simulation.Cluster;

/// <summary>Brings about what the swarm drew: each kind of misfortune, and of ordinary work for operators, at its own random times.</summary>
internal sealed class Misfortunes(ClusterWorld world)
{
    private static readonly Mark AllDark = new("sim: all machines lost power at once");
    private static readonly Mark AllInDoubt = new("sim: all machines lost power at once, with last commits in doubt");
    private static readonly Mark LevelRaised = new("sim: a group's feature level was raised while it was used");
    private static readonly Mark RotInSnapshot = new("sim: a snapshot rotted");

    private readonly SeededRandom dice = world.Dice.Fork();

    // What was added later draws from dice of its own.
    private readonly SeededRandom newer = new(world.Options.Seed ^ 0x0DD_5EC7);
    private bool isOver;

    public void Begin()
    {
        var options = world.Options;
        Repeat(options.BetweenPartitions, Partition);
        Repeat(options.BetweenKills, () => Any().Crash(losesPower: false));
        Repeat(options.BetweenPowerLosses, () => Any().Crash(losesPower: true));
        Repeat(options.BetweenBlackouts, Blackout);
        Repeat(options.BetweenPauses, Pause);
        Repeat(options.BetweenStuckLoops, StickLoop);
        Repeat(options.BetweenResets, Reset);
        Repeat(options.BetweenFullBuffers, FillBuffer);
        Repeat(options.BetweenWipes, Wipe);
        Repeat(options.BetweenRot, Rot);
        Repeat(options.BetweenFullDisks, FillDisk);
        Repeat(options.BetweenTransfers, Transfer);
        Repeat(options.BetweenForcedSnapshots, ForceSnapshot);
        if (options.SnapshotWorkMax > TimeSpan.FromMilliseconds(20)) Repeat(TimeSpan.FromSeconds(2), CutOffMidSnapshot);
        if (!options.HasProcedures) Repeat(TimeSpan.FromSeconds(4), ProposeNonsense);
        if (options.BeginsOld && !options.HasProcedures) Repeat(TimeSpan.FromSeconds(1), RaiseLevel);
    }

    public void End() => isOver = true;

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

    private GroupId AnyGroup() => world.Groups[dice.Next(world.Groups.Length)];

    private ClusterMachine Any() => dice.Chance(0.4) && world.LeaderOf(AnyGroup()) is { } leader ? leader.Machine : world.Machines[dice.Next(world.Machines.Count)];

    /// <summary>
    /// The rack loses power, and any sectors of any disk's last commit may have stayed: then a group must ask all its members, and can, unless one was wiped (S8).
    /// </summary>
    private void Blackout()
    {
        AllDark.Hit();
        var mayAllDoubt = world.InForce().All(configuration => AreThere(configuration.Members) && AreThere(configuration.Outgoing));
        if (mayAllDoubt) AllInDoubt.Hit();
        var late = world.Options.Pressure == ClusterPressure.RackGoesDark ? RotBeforeDark() : null;
        foreach (var machine in world.Machines) machine.Crash(losesPower: true, mayAllDoubt);
        if (late is null) return;
        var inside = new bool[world.Machines.Count];
        inside[late.Slot] = true;
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(2200), TimeSpan.FromMilliseconds(3500)), world.Mesh.RestoreAll);
    }

    /// <summary>One disk's end may rot while the power goes; another machine will be late, and it is returned: it may be the only one whose log is whole.</summary>
    private ClusterMachine RotBeforeDark()
    {
        var late = world.Machines[dice.Next(world.Machines.Count)];
        var rotten = world.Machines[dice.Next(world.Machines.Count)];
        if (rotten == late || world.Atlas.IsDamaged(rotten.Node) || !world.Atlas.Permits(rotten.Node, world.InForce())) return late;
        var places = PlacesOn(rotten, "wal/0");
        if (places.Count == 0) return late;
        var isBad = false;
        for (var count = dice.Next(1, 4); count > 0; count--)
        {
            var (path, file, sector) = places[Math.Max(0, places.Count - 1 - dice.Next(12))];
            isBad |= rotten.Rots(path, file, sector, dice);
        }

        if (isBad) rotten.OnRotten();
        return late;
    }

    private bool AreThere(ReadOnlySpan<Member> members)
    {
        foreach (var member in members)
            if (world.MachineOf(member.Node) is null) return false;
        return true;
    }

    private void Pause()
    {
        if (Any().Process is not { IsPaused: false } process) return;
        if (world.IsTracing) world.Trace($"{process.Node} is paused");
        process.Pause();
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(2500)), process.Resume);
    }

    private void StickLoop()
    {
        if (Any().Process is not { Seats.Count: > 0 } process) return;
        process.Seats[dice.Next(process.Seats.Count)].Stick(dice.NextSpan(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(3)));
    }

    private void Partition()
    {
        var inside = new bool[world.Machines.Count];
        if (dice.Chance(0.5)) inside[Any().Slot] = true;
        else
            for (var i = 0; i < inside.Length; i++) inside[i] = dice.Chance(0.5);
        var outbound = dice.Chance(0.75);
        var inbound = !outbound || dice.Chance(0.6);
        world.Mesh.Isolate(inside, outbound, inbound);
        if (world.IsTracing) world.Trace($"partition {string.Join(",", inside)} out {outbound} in {inbound}");
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(3)), world.Mesh.RestoreAll);
    }

    private void Reset()
    {
        var (one, other) = (world.Machines[dice.Next(world.Machines.Count)], world.Machines[dice.Next(world.Machines.Count)]);
        if (one != other) world.Mesh.Reset(one, other, dice.Next(world.Options.LoopsPerNode));
    }

    /// <summary>The leader that executes at append is cut off while it takes a snapshot, and goes on executing what it will have to take back (S20).</summary>
    private void CutOffMidSnapshot()
    {
        if (world.LeaderOf(world.AtAppend) is not { } leader) return;
        leader.SeatOf(world.AtAppend).Loop.Post(new OnLoop(_ => leader.GroupOf(world.AtAppend)?.TakeSnapshot()));
        var inside = new bool[world.Machines.Count];
        inside[leader.Machine.Slot] = true;
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(50)), () => { if (!isOver) world.Mesh.Isolate(inside, outbound: true, inbound: true); });
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(600), TimeSpan.FromMilliseconds(1500)), world.Mesh.RestoreAll);
    }

    private void FillBuffer()
    {
        var (one, other) = (world.Machines[dice.Next(world.Machines.Count)], world.Machines[dice.Next(world.Machines.Count)]);
        if (one != other) world.Mesh.Fill(one, other, dice.Next(world.Options.LoopsPerNode), dice.NextSpan(TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(400)));
    }

    private void Wipe()
    {
        var machine = world.Machines[dice.Next(world.Machines.Count)];
        if (world.Options.HasProcedures && !world.Operators.MayWipe(machine)) return;
        if (world.Atlas.IsDamaged(machine.Node) ? machine.IsRotten : world.Atlas.Permits(machine.Node, world.InForce())) machine.Wipe();
    }

    /// <summary>Some sectors of the log or of a snapshot rot. Only recovery reads, so the process is made to recover, sooner or later.</summary>
    private void Rot()
    {
        var machine = world.Machines[dice.Next(world.Machines.Count)];
        if (world.Atlas.IsDamaged(machine.Node) || !world.Atlas.Permits(machine.Node, world.InForce())) return;
        if (dice.Chance(0.15))
        {
            LoseSegment(machine);
            return;
        }

        var prefix = dice.Chance(0.8) ? "wal/0" : "snapshots/";
        var places = PlacesOn(machine, prefix);
        if (places.Count == 0) return;
        if (prefix == "wal/0" && newer.Chance(0.12)) places = places.FindAll(static place => place.Sector == 0); // Where each segment says what it is.
        var rotten = 0;
        var isLastTruncation = dice.Chance(0.25);
        for (var count = dice.Next(1, 4); count > 0; count--)
        {
            // Often the log's very end, where recovery must not take rot for a torn write.
            var (path, file, sector) = places[dice.Next(4) switch { 0 => dice.Next(places.Count), 1 => Math.Max(0, places.Count - 1 - dice.Next(20)), _ => Math.Max(0, places.Count - 1 - dice.Next(3)) }];
            if (isLastTruncation && machine.Log.LastTruncation is { } record && places.Find(place => place.Path == record.Path && place.Sector == record.Sector) is { File: not null } place) (path, file, sector) = place;
            if (!machine.Rots(path, file, sector, dice)) continue;
            rotten++;
            if (world.IsTracing) world.Trace($"{machine.Node} has a bad sector {sector} in {path}");
        }

        if (rotten == 0) return;
        machine.OnRotten();
        if (prefix != "wal/0") RotInSnapshot.Hit();
        if (dice.Chance(0.7)) machine.Crash(losesPower: dice.Chance(0.5));
    }

    private static List<(string Path, SimFile File, int Sector)> PlacesOn(ClusterMachine machine, string prefix)
    {
        var places = new List<(string Path, SimFile File, int Sector)>();
        foreach (var (path, file) in machine.Disk.Files)
        {
            // Files by hash have a pressure of their own.
            if (!path.StartsWith(prefix, StringComparison.Ordinal) || path.Contains("/files/", StringComparison.Ordinal)) continue;
            for (var sector = 0; sector < file.SectorCount; sector++)
                if (file.HoldsSomething(sector)) places.Add((path, file, sector));
        }

        return places;
    }

    /// <summary>One of the log's older files is gone, as after a repair of the file system.</summary>
    private void LoseSegment(ClusterMachine machine)
    {
        var segments = machine.Disk.Files.Select(file => file.Path).Where(path => path.StartsWith("wal/0", StringComparison.Ordinal)).ToList();
        if (segments.Count < 3) return;
        machine.Crash(losesPower: false);
        var lost = segments[dice.Next(segments.Count - 2)];
        machine.Disk.Lose(lost);
        machine.Log.OnLost(lost);
        machine.OnRotten();
    }

    /// <summary>A command that no program of ours would write: it is answered, alike everywhere, and changes nothing.</summary>
    private void ProposeNonsense()
    {
        if (world.LeaderOf(ClusterWorld.Keyspace) is { } leader) _ = leader.GroupOf(ClusterWorld.Keyspace).ProposeAsync(new byte[] { 0xFF });
    }

    /// <summary>Once every machine has the new program the groups' level goes up, as an operator or the directory would have it (S5).</summary>
    private void RaiseLevel()
    {
        if (world.Machines.Any(machine => machine.Version < ClusterWorld.NewestVersion)) return;
        LevelRaised.Hit();
        foreach (var group in world.Groups)
            if (world.LeaderOf(group) is { } leader) _ = leader.GroupOf(group).RaiseFeatureLevelAsync(ClusterWorld.NewestVersion);
    }

    private void FillDisk()
    {
        var machine = Any();
        machine.Disk.BytesMax = machine.Disk.BytesUsed + dice.Next(0, 64 * 1024);
        var disk = machine.Disk;
        if (world.IsTracing) world.Trace($"{machine.Node}'s disk is nearly full");
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(300), TimeSpan.FromSeconds(3)), () => disk.BytesMax = long.MaxValue);
    }

    private void Transfer()
    {
        var group = AnyGroup();
        if (world.LeaderOf(group) is not { } leader) return;
        var target = dice.Chance(0.5) ? NodeId.None : world.Machines[dice.Next(world.Machines.Count)].Node;
        leader.SeatOf(group).Loop.Post(new OnLoop(now =>
        {
            if (leader.GroupOf(group)?.TransferLeadership(now, target) == ChangeVerdict.Begun) world.Counts.Transfers++;
        }));
    }

    private void ForceSnapshot()
    {
        var group = AnyGroup();
        if (Any().Process is { IsAlive: true } process && process.GroupOf(group) is { } replica) process.SeatOf(group).Loop.Post(new OnLoop(_ => replica.TakeSnapshot()));
    }
}

/// <summary>Something small that an operator has done on a loop.</summary>
internal sealed class OnLoop(Action<Instant> action) : LoopCall
{
    public override void Run(Instant now) => action(now);

    public override void Refuse()
    {
        // The loop has ended; whoever asked does not wait.
    }
}
