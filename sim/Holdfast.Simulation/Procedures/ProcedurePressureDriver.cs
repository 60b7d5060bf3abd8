using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;

namespace Holdfast.Simulation.Procedures;

/// <summary>Brings about the run's <see cref="ProcedurePressure"/> while a procedure is under way, or a group is not yet where it should be.</summary>
internal sealed class ProcedurePressureDriver(ClusterWorld world)
{
    private static readonly Mark Struck = new("sim pressure: a procedure was disturbed between its steps");

    private readonly SeededRandom dice = new(world.Options.Seed ^ 0x940C_9E55);

    public void Begin()
    {
        if (world.Options.Procedures != ProcedurePressure.None) Later();
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
        switch (world.Options.Procedures)
        {
            case ProcedurePressure.DriverDies:
                world.LeaderOf(GroupId.Directory)?.Machine.Crash(losesPower: dice.Chance(0.3));
                break;
            case ProcedurePressure.TwoDrivers:
                SplitDriver();
                break;
            case ProcedurePressure.SubjectFails:
                if (running.Length > 0 && world.MachineOf(running[dice.Next(running.Length)].Subject) is { IsUp: true } subject) Fail(subject);
                break;
            default:
                if (world.LeaderOf(world.Groups[dice.Next(world.Groups.Length)]) is { } leader) Pause(leader, 100, 900);
                break;
        }
    }

    /// <summary>The driver keeps one or two others on its side, too few to go on leading for long.</summary>
    private void SplitDriver()
    {
        if (world.LeaderOf(GroupId.Directory) is not { } driver) return;
        var inside = new bool[world.Machines.Count];
        inside[driver.Machine.Slot] = true;
        for (var left = dice.Next(1, 3); left > 0; left--) inside[dice.Next(inside.Length)] = true;
        if (world.IsTracing) world.Trace($"pressure: {driver.Node} is split off with {string.Join(",", inside)}");
        world.Mesh.Isolate(inside, outbound: true, inbound: true);
        world.Clock.After(dice.NextSpan(TimeSpan.FromMilliseconds(400), TimeSpan.FromMilliseconds(2500)), world.Mesh.RestoreAll);
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
