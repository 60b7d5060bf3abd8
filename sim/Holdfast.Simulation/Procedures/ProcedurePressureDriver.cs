using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>Brings about the run's <see cref="ProcedurePressure"/> while a procedure is under way, or a group is not yet where it should be.</summary>
internal sealed class ProcedurePressureDriver(ClusterWorld world)
{
    private static readonly Mark Struck = new("sim pressure: a procedure was disturbed between its steps");
    private static readonly Mark CutOffAlone = new("sim pressure: a leader was cut off from its group's new members as it let go of the old ones");
    private static readonly Mark Unheard = new("sim pressure: learners were not heard of while a voter left");

    private readonly SeededRandom dice = new(world.Options.Seed ^ 0x940C_9E55);
    private readonly Dictionary<GroupId, Configuration> struck = [];

    private ProcedurePressure Pressure => world.Options.Procedures;

    public void Begin()
    {
        if (Pressure is not (ProcedurePressure.None or ProcedurePressure.LeaderAlone or ProcedurePressure.Restless)) Later();
    }

    /// <summary>
    /// A replica has had a turn. One of the pressures waits for a leader that has written down that only the new members count, and that nobody else has heard it of: those it is cut off from, and from nobody else, so that whoever
    /// drives the procedures, where he is none of them, can still ask it.
    /// </summary>
    public void AfterTurn(ClusterProcess process, ReplicatedGroup group)
    {
        if (Pressure != ProcedurePressure.LeaderAlone || world.IsHealed || group.Id.Value <= GroupId.Coordination.Value) return;
        var core = group.Replica.Node;
        var members = core.Configuration;
        if (core.Role != RaftRole.Leader || members.IsJoint || !core.ConfigurationAt(core.Commit).IsJoint || ReferenceEquals(struck.GetValueOrDefault(group.Id), members)) return;
        struck[group.Id] = members;
        if (world.LeaderOf(GroupId.Directory) is not { } driver || (driver != process && members.Contains(driver.Node)) || !dice.Chance(0.8)) return;
        CutOffAlone.Hit();
        if (world.IsTracing) world.Trace($"pressure: {process.Node} is cut off from the members of group {group.Id}, {members}");
        foreach (var member in members.Members)
            if (world.MachineOf(member.Node) is { } machine && machine != process.Machine) world.Mesh.Separate(process.Machine, machine);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(1500)), world.Mesh.RestoreAll);
    }

    private void Later() => world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(150), TimeSpan.FromMilliseconds(900)), () =>
    {
        if (world.IsHealed) return;
        Later();
        var running = world.ProcedureCheck.Truth.Procedures.Values.Where(procedure => procedure.State == ProcedureState.Running).ToArray();
        if (running.Length == 0 && dice.Chance(0.7)) return;
        Struck.Hit();
        Strike(running);
    });

    private void Strike(ProcedureRecord[] running)
    {
        switch (Pressure)
        {
            case ProcedurePressure.DriverDies:
                world.LeaderOf(GroupId.Directory)?.Machine.Crash(losesPower: dice.Chance(0.3));
                break;
            case ProcedurePressure.TwoDrivers:
                if (world.LeaderOf(GroupId.Directory) is { } driver) Outlive(driver);
                break;
            case ProcedurePressure.SubjectFails:
                if (running.Length > 0 && world.MachineOf(running[dice.Next(running.Length)].Subject) is { IsUp: true } subject) Fail(subject);
                break;
            case ProcedurePressure.LearnersAway:
                if (running.Any(static procedure => procedure.Kind == ProcedureKind.RemoveNode) || world.Operators.SendVoterAway()) IsolateLearners();
                break;
            case ProcedurePressure.Shorthanded:
                LoseOne();
                break;
            default:
                if (dice.Chance(0.3) && world.LeaderOf(world.Groups[dice.Next(world.Groups.Length)]) is { } leader) Pause(leader, 100, 900);
                break;
        }
    }

    /// <summary>The driver does not hear that it was deposed: it is on another side of a split, it does not run, or the thread that would hear of it does not.</summary>
    private void Outlive(ClusterProcess driver)
    {
        switch (dice.Next(3))
        {
            case 0:
                SplitOff(driver);
                break;
            case 1:
                Pause(driver, 800, 2500);
                break;
            default:
                if (world.IsTracing) world.Trace($"pressure: the directory's loop on {driver.Node} is stuck");
                driver.SeatOf(GroupId.Directory).Stick(dice.NextSpan(TimeSpan.FromMilliseconds(800), TimeSpan.FromMilliseconds(3000)));
                break;
        }
    }

    /// <summary>The driver keeps one or two others on its side, too few to go on leading for long.</summary>
    private void SplitOff(ClusterProcess driver)
    {
        var inside = new bool[world.Machines.Count];
        inside[driver.Machine.Slot] = true;
        for (var left = dice.Next(1, 3); left > 0; left--) inside[dice.Next(inside.Length)] = true;
        if (world.IsTracing) world.Trace($"pressure: {driver.Node} is split off with {string.Join(",", inside)}");
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(2500)), world.Mesh.RestoreAll);
    }

    private void IsolateLearners()
    {
        var inside = new bool[world.Machines.Count];
        foreach (var member in world.ProcedureCheck.MembersOf(GroupId.Directory).Members)
            if (member.Role == MemberRole.Learner && world.MachineOf(member.Node) is { } machine) inside[machine.Slot] = true;
        if (!inside.Contains(true)) return;
        Unheard.Hit();
        if (world.IsTracing) world.Trace($"pressure: learners are split off: {string.Join(",", inside)}");
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(1000), TimeSpan.FromMilliseconds(3000)), world.Mesh.RestoreAll);
    }

    /// <summary>A member's disk is lost, and somebody sends another member away before it has come back.</summary>
    private void LoseOne()
    {
        var machine = world.Machines[dice.Next(world.Machines.Count)];
        if (!world.Operators.MayWipe(machine) || world.Atlas.IsDamaged(machine.Node) || !world.Atlas.Permits(machine.Node, world.InForce())) return;
        machine.Wipe();
        world.Clock.After(dice.NextSpan(TimeSpan.Zero, TimeSpan.FromMilliseconds(400)), () => world.Operators.SendAwayBeside(machine));
    }

    private void Fail(ClusterMachine machine)
    {
        if (dice.Chance(0.5)) machine.Crash(losesPower: dice.Chance(0.3));
        else if (machine.Process is { } process) Pause(process, 100, 2500);
    }

    private void Pause(ClusterProcess process, int lowMs, int highMs)
    {
        if (process.IsPaused) return;
        if (world.IsTracing) world.Trace($"pressure: {process.Node} is paused");
        process.Pause();
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(lowMs), TimeSpan.FromMilliseconds(highMs)), process.Resume);
    }
}
