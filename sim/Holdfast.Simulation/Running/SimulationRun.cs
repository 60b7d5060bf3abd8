using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Raft;

namespace Holdfast.Simulation.Running;

/// <summary>One seed of the core alone, drawn and run.</summary>
internal static class SimulationRun
{
    public static RunResult Once(ulong seed, Mutation mutation, Action<string>? trace = null) =>
        new RaftWorld(SimOptions.Draw(seed, mutation), trace).Run();

    /// <summary>The same seed where wires keep what a transport promises.</summary>
    public static RunResult OverConnections(ulong seed, Action<string>? trace) => new RaftWorld(SimOptions.Draw(seed, Mutation.None).OverConnections(), trace).Run();

    /// <summary>
    /// Whether the planted bug is found within the budget. The seed that found it last time is tried first: what it proves then is the same, in one run; a change of the code may have moved it, and
    /// then the seeds are run from 1 on.
    /// </summary>
    public static bool IsFound(Mutation mutation, int likely, int budget) => Once((ulong)likely, mutation).Failure is not null || SeedsToKill(mutation, budget) is not null;

    /// <summary>How many seeds it takes until the planted bug is found, or null when the budget does not find it.</summary>
    public static Kill? SeedsToKill(Mutation mutation, int budget)
    {
        for (var seed = 1; seed <= budget; seed++)
            if (Once((ulong)seed, mutation) is { Failure: { } finding }) return new Kill(seed, finding);
        return null;
    }
}
