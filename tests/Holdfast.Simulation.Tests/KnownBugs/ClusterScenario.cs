using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests.KnownBugs;

/// <summary>Runs worlds of whole nodes in which nothing happens but what the scenario says.</summary>
internal static class ClusterScenario
{
    /// <summary>Runs the world, with what is planned for it beforehand, and every check of the simulator; how much it did.</summary>
    public static SimCounts Holds(ClusterOptions options, Action<ClusterWorld>? plan = null)
    {
        var result = Run(options, plan);
        Assert.True(result.Failure is null, $"seed {options.Seed}: {result.Failure}");
        Assert.True(result.Counts.Acknowledged > 500, $"seed {options.Seed}: only {result.Counts.Acknowledged} operations were answered");
        return result.Counts;
    }

    /// <summary>The same world finds the mistake when it is planted, within a few seeds.</summary>
    public static void Finds(ClusterMutation mutation, ClusterOptions options, Action<ClusterWorld>? plan = null)
    {
        for (var seed = options.Seed; seed < options.Seed + 10; seed++)
            if (Run(options with { Mutation = mutation, Seed = seed }, plan).Failure is not null) return;
        Assert.Fail($"{mutation} survived ten runs of this scenario");
    }

    /// <summary>Does something again and again until the world is healed.</summary>
    public static void Every(ClusterWorld world, TimeSpan span, Action act) => world.Clock.After(span, () =>
    {
        if (world.IsHealed) return;
        act();
        Every(world, span, act);
    });

    private static RunResult Run(ClusterOptions options, Action<ClusterWorld>? plan)
    {
        var world = new ClusterWorld(options, null);
        plan?.Invoke(world);
        return world.Run();
    }
}
