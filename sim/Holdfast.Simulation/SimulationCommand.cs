using System.Globalization;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation;

/// <summary>The simulator's command line: <c>sim --seed N [--trace]</c>, <c>--seeds N --minutes M</c>, <c>--mutations</c>, <c>--mutate NAME</c>, <c>--table</c>, <c>--volume</c>.</summary>
public static class SimulationCommand
{
    /// <summary>Runs what the arguments ask for and returns the exit code: 0 when all is well, 1 when a run failed, 2 when the arguments make no sense.</summary>
    public static int Run(IReadOnlyList<string> arguments, TextWriter output)
    {
        try
        {
            if (Has(arguments, "--mutations")) return ListMutations(output);
            if (ValueOf(arguments, "--mutate") is { } name) return Mutate(name, output);
            var world = ValueOf(arguments, "--world");
            var worlds = SimWorld.Named(world);
            if (Has(arguments, "--volume")) return new SeedSweep(output, worlds).RunVolume(TimeSpan.FromMinutes(double.Parse(ValueOf(arguments, "--minutes") ?? "10", CultureInfo.InvariantCulture)));
            if (Has(arguments, "--table")) return PrintTable(world, ValueOf(arguments, "--write"), output);
            if (ValueOf(arguments, "--seed") is { } seed) return RunOne(ulong.Parse(seed, CultureInfo.InvariantCulture), world is null ? SimWorld.Usual : worlds, Has(arguments, "--trace"), output);
            var seeds = int.Parse(ValueOf(arguments, "--seeds") ?? "100", CultureInfo.InvariantCulture);
            var minutes = double.Parse(ValueOf(arguments, "--minutes") ?? "5", CultureInfo.InvariantCulture);
            var from = ulong.Parse(ValueOf(arguments, "--from") ?? "1", CultureInfo.InvariantCulture);
            return new SeedSweep(output, worlds).Run(from, seeds, TimeSpan.FromMinutes(minutes));
        }
        catch (Exception unreadable) when (unreadable is FormatException or OverflowException)
        {
            output.WriteLine($"sim: {unreadable.Message}");
            var choice = $"[--world {SimWorld.Names}]";
            output.WriteLine($"usage: sim --seed N {choice} [--trace] | --seeds N [--minutes M] [--from N] {choice} | --mutations | --mutate NAME | --table {choice} [--write FILE] | --volume [--minutes M] {choice}");
            return 2;
        }
    }

    /// <summary>One seed, twice, in each of the worlds; the last line's hash is that of all of them.</summary>
    private static int RunOne(ulong seed, SimWorld[] worlds, bool isTraced, TextWriter output)
    {
        var (hash, hasFailed) = (0UL, false);
        foreach (var world in worlds)
        {
            var result = world.Once(seed, isTraced ? output.WriteLine : null);
            var again = world.Once(seed);
            var failure = result.Failure ?? (again.Hash == result.Hash ? null : "not deterministic: the second run hashed differently");
            if (worlds.Length > 1) output.WriteLine($"world {world.Name}");
            SeedSweep.PrintCounts(result.Counts, output);
            if (failure is not null) output.WriteLine($"seed {seed} --world {world.Name} FAILED: {failure}");
            hash = hash * 31 + result.Hash;
            hasFailed |= failure is not null;
        }

        output.WriteLine($"seed {seed} hash {hash:x16}");
        return hasFailed ? 1 : 0;
    }

    private static int ListMutations(TextWriter output)
    {
        foreach (var name in HuntedBug.All().Select(static bug => bug.Name).Distinct()) output.WriteLine(name);
        return 0;
    }

    private static int Mutate(string name, TextWriter output)
    {
        var bugs = HuntedBug.All().FindAll(candidate => candidate.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (bugs.Count == 0)
        {
            output.WriteLine($"sim: there is no mutation '{name}'; --mutations lists them");
            return 2;
        }

        foreach (var bug in bugs)
        {
            if (bug.Hunt() is not { } found) continue;
            output.WriteLine($"{bug.Name} caught at seed {found.Seeds} of {(found.IsOfScenario ? "its scenario in " : "")}the {bug.World} world: {found.Finding}");
            return 0;
        }

        output.WriteLine($"{bugs[0].Name} NOT caught within its budget of seeds");
        return 1;
    }

    private static int PrintTable(string? world, string? page, TextWriter output)
    {
        var bugs = HuntedBug.All();
        if (world is not null) bugs.RemoveAll(candidate => candidate.World != world);
        var kills = new Kill?[bugs.Count];
        Parallel.For(0, kills.Length, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, at =>
        {
            kills[at] = bugs[at].Hunt();
            lock (bugs) output.WriteLine($"{bugs[at].Name}: {(kills[at] is { } kill ? $"caught at seed {kill.Place}: {kill.Finding}" : "not found")}");
        });
        foreach (var each in bugs.Select(static bug => bug.World).Distinct())
        {
            var table = KillTable.Of(bugs.Zip(kills).Where(pair => pair.First.World == each).Select(static pair => (pair.First.Name, pair.Second)));
            output.WriteLine(table);
            if (page is not null) KillTable.Write(page, each, table);
        }

        return kills.All(static kill => kill is not null) ? 0 : 1;
    }

    private static bool Has(IReadOnlyList<string> arguments, string flag) => arguments.Contains(flag, StringComparer.Ordinal);

    private static string? ValueOf(IReadOnlyList<string> arguments, string option)
    {
        for (var i = 0; i + 1 < arguments.Count; i++)
            if (arguments[i] == option) return arguments[i + 1];
        return null;
    }
}
