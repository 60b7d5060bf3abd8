using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Raft;

namespace Holdfast.Simulation.Running;

/// <summary>One seed: drawn, run, and run again.</summary>
internal static class SimulationRun
{
    public static RunResult Once(ulong seed, Mutation mutation, Action<string>? trace = null) =>
        new RaftWorld(SimOptions.Draw(seed, mutation), trace).Run();

    /// <summary>Runs the seed twice; a run that depends on anything but its seed is a failure of its own.</summary>
    public static RunResult Twice(ulong seed, Mutation mutation)
    {
        var first = Once(seed, mutation);
        var second = Once(seed, mutation);
        if (first.Failure is null && first.Hash != second.Hash)
            return first with { Failure = $"not deterministic: hash {first.Hash:x16}, then {second.Hash:x16}" };
        return first;
    }

    /// <summary>
    /// Whether the planted bug is found within the budget. The seed that found it last time is tried first: what it proves then is the same, in one run; a change of the code may have moved it, and
    /// then the seeds are run from 1 on.
    /// </summary>
    public static bool IsFound(Mutation mutation, int likely, int budget) => Once((ulong)likely, mutation).Failure is not null || SeedsToKill(mutation, budget) is not null;

    /// <summary>How many seeds it takes until the planted bug is found, or null when the budget does not find it.</summary>
    public static (int Seeds, string Finding)? SeedsToKill(Mutation mutation, int budget)
    {
        for (var seed = 1; seed <= budget; seed++)
            if (Once((ulong)seed, mutation) is { Failure: { } finding }) return (seed, finding);
        return null;
    }
}
