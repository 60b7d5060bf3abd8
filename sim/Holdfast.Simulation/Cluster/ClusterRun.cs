using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>One seed of whole nodes, drawn and run.</summary>
internal static class ClusterRun
{
    public static RunResult Once(ulong seed, ClusterMutation mutation, Action<string>? trace = null) =>
        new ClusterWorld(OptionsOf(seed, mutation), trace).Run();


    /// <summary>A seed with sessions.</summary>
    public static RunResult OnceWithSessions(ulong seed, Action<string>? trace) => new ClusterWorld(ClusterOptions.DrawSessions(seed, ClusterMutation.None), trace).Run();

    /// <summary>A seed of the Redis face.</summary>
    public static RunResult OnceWithShards(ulong seed, Action<string>? trace) => new ClusterWorld(ClusterOptions.DrawShards(seed, ClusterMutation.None), trace).Run();

    /// <summary>A seed whose members the directory decides.</summary>
    public static RunResult OnceWithProcedures(ulong seed, Action<string>? trace) => new ClusterWorld(ClusterOptions.DrawProcedures(seed, ClusterMutation.None), trace).Run();

    /// <summary>A seed of shards of vectors.</summary>
    public static RunResult OnceWithVectors(ulong seed, Action<string>? trace) => new ClusterWorld(ClusterOptions.DrawVectors(seed, ClusterMutation.None), trace).Run();

    /// <summary>
    /// Whether the planted bug is found within the budget. The seed that found it last time is tried first: what it proves then is the same, in one run; a change of the code may have moved it, and
    /// then the seeds are run from 1 on.
    /// </summary>
    public static bool IsFound(ClusterMutation mutation, int likely, int budget) => Once((ulong)likely, mutation).Failure is not null || SeedsToKill(mutation, budget) is not null;

    /// <summary>How many seeds it takes until the planted bug is found, or null when the budget does not find it.</summary>
    public static Kill? SeedsToKill(ClusterMutation mutation, int budget)
    {
        for (var seed = 1; seed <= budget; seed++)
            if (Once((ulong)seed, mutation) is { Failure: { } finding }) return new Kill(seed, finding);
        return null;
    }

    private static ClusterOptions OptionsOf(ulong seed, ClusterMutation mutation) => HuntedBug.WorldOf(mutation) switch
    {
        "procedures" => ClusterOptions.DrawProcedures(seed, mutation),
        "vectors" => ClusterOptions.DrawVectors(seed, mutation),
        "shards" => ClusterOptions.DrawShards(seed, mutation),
        "sessions" => ClusterOptions.DrawSessions(seed, mutation),
        _ => ClusterOptions.Draw(seed, mutation),
    };
}
