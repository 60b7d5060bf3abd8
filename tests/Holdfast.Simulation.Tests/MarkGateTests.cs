using System.Text.RegularExpressions;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>A rare branch that no run walked is seen, also where no run ever touched its type.</summary>
public sealed partial class MarkGateTests
{
    private static readonly MarkGate Gate = new(SimWorld.All.SelectMany(static world => world.Rooms));

    [Fact]
    public void A_mark_of_a_type_that_nobody_touches_is_asked_for()
    {
        var gate = new MarkGate([new SimRoom(typeof(MarkGateTests).Assembly, "Holdfast.Simulation.Tests.Untouched")]);
        Assert.Equal("test: walked by nobody", Assert.Single(gate.Asked).Name);
        Assert.Equal("test: walked by a test", Assert.Single(gate.Elsewhere).Name);
        Assert.False(gate.AreReached);
    }

    [Fact]
    public void Every_mark_in_the_source_of_a_simulated_room_is_in_the_gate()
    {
        var asked = Gate.Asked.Concat(Gate.Elsewhere).Select(static mark => mark.Name).ToHashSet(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var folder in (string[])["src/Kernel/Holdfast.Consensus", "src/Engine/Holdfast.Replication", "src/Engine/Holdfast.Storage", "src/Engine/Holdfast.Cluster", "src/Services/Holdfast.Coordination", "src/Services/Holdfast.Keyspace", "src/Services/Holdfast.Vectors", "sim/Holdfast.Simulation"])
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
                foreach (Match declared in Declaration().Matches(File.ReadAllText(file)))
                    if (!asked.Contains(declared.Groups[1].Value)) missing.Add(declared.Groups[1].Value);
        Assert.Empty(missing);
        Assert.InRange(asked.Count, 150, int.MaxValue);
    }

    [Fact]
    public void A_mark_that_no_world_reaches_names_a_class_of_tests_that_exists()
    {
        var tests = Directory.EnumerateFiles(Path.Combine(Root, "tests"), "*Tests.cs", SearchOption.AllDirectories).Select(static file => Path.GetFileNameWithoutExtension(file)).ToHashSet(StringComparer.Ordinal);
        Assert.All(Gate.Elsewhere, mark => Assert.Contains(mark.Elsewhere!.Split(": ")[0], tests));
    }

    [Fact]
    public void Names_of_marks_are_unique() => Assert.Equal(Gate.Asked.Count, Gate.Asked.Select(static mark => mark.Name).Distinct().Count());

    [GeneratedRegex("""static readonly Mark \w+ = new\("([^"]+)"[,)]""")]
    private static partial Regex Declaration();

    private static string Root { get; } = FindRoot(AppContext.BaseDirectory);

    private static string FindRoot(string folder) => File.Exists(Path.Combine(folder, "Holdfast.slnx")) ? folder : FindRoot(Path.GetDirectoryName(folder)!);
}
