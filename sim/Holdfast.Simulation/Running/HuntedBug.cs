using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Raft;

namespace Holdfast.Simulation.Running;

/// <summary>A bug as it is planted and hunted in one world: by the world's own seeds first, then, where one is kept for it, by its scenario. Some of the core's are hunted in both worlds.</summary>
internal sealed record HuntedBug(string Name, string World, Func<Kill?> Hunt)
{
    /// <summary>Seeds that a planted bug may survive before the simulator has failed to find it.</summary>
    private const int SeedBudget = 400;

    /// <summary>The same for whole nodes, whose seeds do more and take longer.</summary>
    private const int ClusterSeedBudget = 100;

    /// <summary>Every bug that can be planted.</summary>
    public static List<HuntedBug> All()
    {
        var all = new List<HuntedBug>();
        foreach (var mutation in Enum.GetValues<Mutation>())
            if (mutation != Mutation.None) all.Add(new HuntedBug(mutation.ToString(), "raft", () => SimulationRun.SeedsToKill(mutation, SeedBudget) ?? RaftScenario.Kill(mutation)));
        foreach (var mutation in Enum.GetValues<ClusterMutation>())
            if (mutation != ClusterMutation.None) all.Add(new HuntedBug(mutation.ToString(), WorldOf(mutation), () => ClusterRun.SeedsToKill(mutation, ClusterSeedBudget) ?? NodeScenario.Kill(mutation)));
        return all;
    }

    /// <summary>The kind of run in which a bug of whole nodes is hunted.</summary>
    public static string WorldOf(ClusterMutation mutation) => mutation switch
    {
        >= ClusterMutation.ProcedureNotResumed => "procedures",
        >= ClusterMutation.VectorAcknowledgedEarly => "vectors",
        >= ClusterMutation.ReplyBeforeCommit => "shards",
        >= ClusterMutation.SessionKeyGivenDuringDelay => "sessions",
        _ => "cluster",
    };
}
