using System.Diagnostics;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation;

/// <summary>The simulator's command line: <c>sim --seed N [--trace]</c>, <c>--seeds N --minutes M</c>, <c>--mutations</c>, <c>--mutate NAME</c>, <c>--table</c>, <c>--volume</c>.</summary>
public static class SimulationCommand
{
    /// <summary>Seeds that a planted bug may survive before the simulator has failed to find it.</summary>
    private const int MutationSeedBudget = 400;

    /// <summary>The same for whole nodes, whose seeds do more and take longer.</summary>
    private const int ClusterMutationSeedBudget = 100;

    /// <summary>Runs what the arguments ask for and returns the exit code: 0 when all is well, 1 when a run failed, 2 when the arguments make no sense.</summary>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output)
    {
        try
        {
            if (Has(arguments, "--mutations")) return ListMutations(output);
            if (Has(arguments, "--volume")) return new SeedSweep(output).RunVolume(TimeSpan.FromMinutes(double.Parse(ValueOf(arguments, "--minutes") ?? "10", CultureInfo.InvariantCulture)), ValueOf(arguments, "--world"));
            if (Has(arguments, "--table")) return PrintTable(ValueOf(arguments, "--world"), ValueOf(arguments, "--write"), output);
            if (ValueOf(arguments, "--mutate") is { } name) return Mutate(name, output);
            var world = ValueOf(arguments, "--world");
            if (world is not (null or "raft" or "cluster" or "sessions" or "shards" or "vectors" or "procedures")) throw new FormatException($"there is no world '{world}'; there are raft, cluster, sessions, shards, vectors and procedures");
            if (ValueOf(arguments, "--seed") is { } seed) return RunOne(ulong.Parse(seed, CultureInfo.InvariantCulture), world, Has(arguments, "--trace"), output);
            var seeds = int.Parse(ValueOf(arguments, "--seeds") ?? "100", CultureInfo.InvariantCulture);
            var minutes = double.Parse(ValueOf(arguments, "--minutes") ?? "5", CultureInfo.InvariantCulture);
            var from = ulong.Parse(ValueOf(arguments, "--from") ?? "1", CultureInfo.InvariantCulture);
            return new SeedSweep(output).Run(from, seeds, TimeSpan.FromMinutes(minutes), world);
        }
        catch (Exception unreadable) when (unreadable is FormatException or OverflowException)
        {
            output.WriteLine($"sim: {unreadable.Message}");
            output.WriteLine("usage: sim --seed N [--world raft|cluster|sessions|shards|vectors|procedures] [--trace] | --seeds N [--minutes M] [--from N] [--world raft|cluster|sessions|shards|vectors|procedures] | --mutations | --mutate NAME | --table [--world raft|cluster|sessions|shards|vectors|procedures] [--write FILE] | --volume [--minutes M] [--world raft|cluster|sessions|shards|vectors|procedures]");
            return 2;
        }
    }

    private static int RunOne(ulong seed, string? world, bool isTraced, TextWriter output)
    {
        RunResult Run(Action<string>? trace) => world switch
        {
            "cluster" => ClusterRun.Once(seed, ClusterMutation.None, trace),
            "sessions" => ClusterRun.OnceWithSessions(seed, trace),
            "shards" => ClusterRun.OnceWithShards(seed, trace),
            "vectors" => ClusterRun.OnceWithVectors(seed, trace),
            "procedures" => ClusterRun.OnceWithProcedures(seed, trace),
            _ => SimulationRun.Once(seed, Mutation.None, trace),
        };
        var result = Run(isTraced ? output.WriteLine : null);
        var again = Run(null);
        var failure = result.Failure ?? (again.Hash == result.Hash ? null : "not deterministic: the second run hashed differently");
        SeedSweep.PrintCounts(result.Counts, output);
        if (failure is not null) output.WriteLine($"seed {seed} FAILED: {failure}");
        output.WriteLine($"seed {seed} hash {result.Hash:x16}");
        return failure is null ? 0 : 1;
    }

    private static int ListMutations(TextWriter output)
    {
        foreach (var name in PlantedBugs().Select(planted => planted.Name).Distinct()) output.WriteLine(name);
        return 0;
    }

    /// <summary>Every bug that can be planted, in either world, and how it is hunted.</summary>
    private static List<Planted> PlantedBugs()
    {
        var planted = new List<Planted>();
        foreach (var mutation in Enum.GetValues<Mutation>())
            if (mutation != Mutation.None) planted.Add(new Planted(mutation.ToString(), "raft", () => SimulationRun.SeedsToKill(mutation, MutationSeedBudget)));
        foreach (var mutation in Enum.GetValues<ClusterMutation>())
            if (mutation != ClusterMutation.None) planted.Add(new Planted(mutation.ToString(), mutation switch { >= ClusterMutation.ProcedureNotResumed => "procedures", >= ClusterMutation.VectorAcknowledgedEarly => "vectors", >= ClusterMutation.ReplyBeforeCommit => "shards", >= ClusterMutation.SessionKeyGivenDuringDelay => "sessions", _ => "cluster" }, () => ClusterRun.SeedsToKill(mutation, ClusterMutationSeedBudget)));
        return planted;
    }

    /// <summary>A bug as it is planted in one world. Some of the core's are hunted in both.</summary>
    private sealed record Planted(string Name, string World, Func<(int Seeds, string Finding)?> Hunt);

    private static int Mutate(string name, TextWriter output)
    {
        var hunts = PlantedBugs().FindAll(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (hunts.Count == 0)
        {
            output.WriteLine($"sim: there is no mutation '{name}'; --mutations lists them");
            return 2;
        }

        foreach (var planted in hunts)
        {
            if (planted.Hunt() is not { } found) continue;
            output.WriteLine($"{planted.Name} caught at seed {found.Seeds} of the {planted.World} world: {found.Finding}");
            return 0;
        }

        output.WriteLine($"{hunts[0].Name} NOT caught within its budget of seeds");
        return 1;
    }

    private static int PrintTable(string? world, string? page, TextWriter output)
    {
        var planted = PlantedBugs();
        if (world is not null) planted.RemoveAll(candidate => candidate.World != world);
        var kills = new (int Seeds, string Finding)?[planted.Count];
        Parallel.For(0, kills.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, at =>
        {
            kills[at] = planted[at].Hunt();
            lock (planted) output.WriteLine($"{planted[at].Name}: {(kills[at] is { } kill ? $"caught at seed {kill.Seeds}: {kill.Finding}" : "not found")}");
        });
        foreach (var each in planted.Select(candidate => candidate.World).Distinct())
        {
            var table = KillTable.Of(planted.Zip(kills).Where(pair => pair.First.World == each).Select(pair => (pair.First.Name, pair.Second)));
            output.WriteLine(table);
            if (page is not null) KillTable.Write(page, each, table);
        }

        return kills.All(kill => kill is not null) ? 0 : 1;
    }

    private static bool Has(IReadOnlyList<string> arguments, string flag) => arguments.Contains(flag, StringComparer.Ordinal);

    private static string? ValueOf(IReadOnlyList<string> arguments, string option)
    {
        for (var i = 0; i + 1 < arguments.Count; i++)
            if (arguments[i] == option) return arguments[i + 1];
        return null;
    }
}
