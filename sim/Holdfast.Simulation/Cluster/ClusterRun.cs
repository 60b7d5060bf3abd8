using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>One seed of whole nodes: drawn, run, and run again.</summary>
internal static class ClusterRun
{
    public static RunResult Once(ulong seed, ClusterMutation mutation, Action<string>? trace = null) =>
        new ClusterWorld(mutation switch { >= ClusterMutation.ProcedureNotResumed => ClusterOptions.DrawProcedures(seed, mutation), >= ClusterMutation.VectorAcknowledgedEarly => ClusterOptions.DrawVectors(seed, mutation), >= ClusterMutation.ReplyBeforeCommit => ClusterOptions.DrawShards(seed, mutation), >= ClusterMutation.SessionKeyGivenDuringDelay => ClusterOptions.DrawSessions(seed, mutation), _ => ClusterOptions.Draw(seed, mutation) }, trace).Run();

    /// <summary>A seed with sessions.</summary>
    public static RunResult OnceWithSessions(ulong seed, Action<string>? trace = null) => new ClusterWorld(ClusterOptions.DrawSessions(seed, ClusterMutation.None), trace).Run() with { World = "sessions" };

    /// <summary>The same, twice.</summary>
    public static RunResult TwiceWithSessions(ulong seed) => Same(OnceWithSessions(seed), OnceWithSessions(seed));

    /// <summary>A seed of the Redis face.</summary>
    public static RunResult OnceWithShards(ulong seed, Action<string>? trace = null) => new ClusterWorld(ClusterOptions.DrawShards(seed, ClusterMutation.None), trace).Run() with { World = "shards" };

    /// <summary>A seed whose members the directory decides.</summary>
    public static RunResult OnceWithProcedures(ulong seed, Action<string>? trace = null) => new ClusterWorld(ClusterOptions.DrawProcedures(seed, ClusterMutation.None), trace).Run() with { World = "procedures" };

    /// <summary>The same, twice.</summary>
    public static RunResult TwiceWithProcedures(ulong seed) => Same(OnceWithProcedures(seed), OnceWithProcedures(seed));

    /// <summary>A seed of shards of vectors.</summary>
    public static RunResult OnceWithVectors(ulong seed, Action<string>? trace = null) => new ClusterWorld(ClusterOptions.DrawVectors(seed, ClusterMutation.None), trace).Run() with { World = "vectors" };

    /// <summary>The same, twice.</summary>
    public static RunResult TwiceWithVectors(ulong seed) => Same(OnceWithVectors(seed), OnceWithVectors(seed));

    /// <summary>A seed of the Redis face, twice.</summary>
    public static RunResult TwiceWithShards(ulong seed) => Same(OnceWithShards(seed), OnceWithShards(seed));

    /// <summary>Runs the seed twice; a run that depends on anything but its seed is a failure of its own.</summary>
    public static RunResult Twice(ulong seed, ClusterMutation mutation) => Same(Once(seed, mutation), Once(seed, mutation));

    private static RunResult Same(RunResult first, RunResult second) =>
        first.Failure is null && first.Hash != second.Hash ? first with { Failure = $"not deterministic: hash {first.Hash:x16}, then {second.Hash:x16}" } : first;

    /// <summary>
    /// Whether the planted bug is found within the budget. The seed that found it last time is tried first: what it proves then is the same, in one run; a change of the code may have moved it, and
    /// then the seeds are run from 1 on.
    /// </summary>
    public static bool IsFound(ClusterMutation mutation, int likely, int budget) => Once((ulong)likely, mutation).Failure is not null || SeedsToKill(mutation, budget) is not null;

    /// <summary>How many seeds it takes until the planted bug is found, or null when the budget does not find it.</summary>
    public static (int Seeds, string Finding)? SeedsToKill(ClusterMutation mutation, int budget)
    {
        for (var seed = 1; seed <= budget; seed++)
            if (Once((ulong)seed, mutation) is { Failure: { } finding }) return (seed, finding);
        return null;
    }
}
