using System.Xml.Linq;

namespace Holdfast.Architecture.Tests;

/// <summary>Arrows point down, and purity is switched on where the plan says so (DESIGN section 1).</summary>
public sealed class LayeringTests
{
    private static readonly string[] Floors = ["src/Kernel", "src/Client", "src/Engine", "src/Services", "src/Programs"];

    /// <summary>The order inside a floor. Services never see each other, except that all may see Coordination; programs neither.</summary>
    private static readonly string[] Rooms =
    [
        "Holdfast.Primitives", "Holdfast.Wire", "Holdfast.Consensus", "Holdfast.Gossip",
        "Holdfast.Coordination.Protocol", "Holdfast.Client", "Holdfast.Client.Extensions", "Holdfast.Client.FeatureManagement", "Holdfast.VectorData", "Holdfast.Rag", "Holdfast.Rag.Onnx",
        "Holdfast.Storage", "Holdfast.Transport", "Holdfast.Replication", "Holdfast.Cluster", "Holdfast.Http",
        "Holdfast.Coordination",
    ];

    private static IEnumerable<string> Projects => Repository.Files.Where(f => f.EndsWith(".csproj", StringComparison.Ordinal));

    [Fact]
    public void Arrows_point_down()
    {
        Repository.NoComplaints(
            from project in Projects
            where Repository.IsUnder(project, "src")
            from reference in References(project)
            // The program carries the simulator's verb; nothing else in src/ may see it.
            where !(Repository.IsUnder(reference, "sim") && Repository.IsUnder(project, "src/Programs"))
            where Height(reference) >= Height(project)
            select $"{project} may not depend on {reference}: arrows point down (docs/ARCHITECTURE.md). Move what both need to a lower room, or let the upper room implement an interface of the lower.");
    }

    /// <summary>Whoever takes the client library takes the protocol's messages with it and nothing of the server; the server's rooms take the messages and do not call themselves.</summary>
    [Fact]
    public void The_client_floor_is_the_protocol_and_what_speaks_it()
        => Repository.NoComplaints(
            from project in Projects
            where Repository.IsUnder(project, "src")
            from reference in References(project)
            let isInside = Repository.IsUnder(project, "src/Client")
            where isInside ? !Repository.IsUnder(reference, "src/Client")
                : Repository.IsUnder(reference, "src/Client") && !Repository.IsUnder(project, "src/Programs") && !reference.EndsWith("/Holdfast.Coordination.Protocol.csproj", StringComparison.Ordinal)
            select $"{project} may not depend on {reference}: a client knows the protocol and nothing of the server, and only programs and clients call the library.");

    [Fact]
    public void Every_project_stands_on_a_floor()
        => Repository.NoComplaints(Projects.Where(p => Height(p) < 0 && !p.StartsWith("tests/", StringComparison.Ordinal) && !p.StartsWith("sim/", StringComparison.Ordinal)
                && !p.StartsWith("bench/", StringComparison.Ordinal) && !p.StartsWith("samples/", StringComparison.Ordinal))
            .Select(p => $"{p} stands on no floor: put it under one of {string.Join(", ", Floors)}, and a new room into LayeringTests.Rooms."));

    [Fact]
    public void Pure_rooms_are_marked()
        => Repository.NoComplaints(
            from project in Projects
            where Repository.IsUnder(project, "src/Kernel") || Repository.IsUnder(project, "src/Services")
            where (string?)XDocument.Parse(Repository.Read(project)).Descendants("PureRoom").SingleOrDefault() != "true"
            select $"{project} needs <PureRoom>true</PureRoom>: its decisions must run in the simulator. What touches the world goes into Endpoints/ or Machine/.");

    [Fact]
    public void Every_room_has_a_readme()
        => Repository.NoComplaints(
            from project in Projects
            where Repository.IsUnder(project, "src") || Repository.IsUnder(project, "sim")
            let readme = Path.GetDirectoryName(project) + "/README.md"
            where !Repository.Exists(readme)
            select $"{readme} is missing: at most a page with purpose, picture, invariants, and what the room refuses to do.");

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = Repository.Read("Holdfast.slnx");
        Repository.NoComplaints(Projects.Where(p => !solution.Contains($"\"{p}\"", StringComparison.Ordinal)).Select(p => $"{p} is not in Holdfast.slnx, so ./test would not build it."));
    }

    /// <summary>It is built from the server's sources, so it needs all that the server needs.</summary>
    [Fact]
    public void The_server_of_the_next_level_refers_to_what_the_server_refers_to()
        => Assert.Equal(References("src/Programs/Holdfast.Server/Holdfast.Server.csproj").Order(StringComparer.Ordinal), References("tests/Holdfast.Server.Next/Holdfast.Server.Next.csproj").Order(StringComparer.Ordinal));

    [Fact]
    public void Every_room_has_tests()
    {
        var tests = Projects.Where(p => Repository.IsUnder(p, "tests")).Select(p => Path.GetFileNameWithoutExtension(p)).ToHashSet(StringComparer.Ordinal);
        Repository.NoComplaints(
            from project in Projects
            where Repository.IsUnder(project, "src") && !Repository.IsUnder(project, "src/Programs")
            let name = Path.GetFileNameWithoutExtension(project) + ".Tests"
            where !tests.Contains(name) || !Repository.Sources.Any(s => Repository.IsUnder(s.Path, "tests/" + name))
            select $"tests/{name} is missing or empty: one test project per room.");
    }

    private static IEnumerable<string> References(string project)
        => XDocument.Parse(Repository.Read(project)).Descendants("ProjectReference")
            .Select(r => Path.GetFullPath(Path.Combine(Repository.Root, Path.GetDirectoryName(project)!, (string)r.Attribute("Include")!)))
            .Select(p => Path.GetRelativePath(Repository.Root, p).Replace('\\', '/'));

    /// <summary>Floor first, room second; rooms of one floor that are not ordered stand level, and level is not below.</summary>
    private static int Height(string project)
    {
        var floor = Array.FindIndex(Floors, f => Repository.IsUnder(project, f));
        return floor < 0 ? (Repository.IsUnder(project, "sim") ? int.MaxValue : -1) : floor * 100 + Math.Max(0, Array.IndexOf(Rooms, Path.GetFileNameWithoutExtension(project)) + 1);
    }
}
