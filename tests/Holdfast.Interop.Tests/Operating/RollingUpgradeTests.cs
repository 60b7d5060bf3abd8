using System.Collections.Concurrent;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>From one build to the next while clients write: three processes, one by one (S5, DESIGN section 4).</summary>
[Collection(Alone.Name)]
public sealed class RollingUpgradeTests
{
    /// <summary>The build of the next feature level, which lies beside the tests' own output.</summary>
    private static string NextProgram => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Holdfast.Server.Next", new DirectoryInfo(AppContext.BaseDirectory).Name, "holdfast-next"));

    [Fact]
    public async Task S5_nodes_are_upgraded_one_by_one_under_load_the_level_rises_when_all_know_it_and_older_programs_are_refused_only_then()
    {
        Assert.True(File.Exists(NextProgram), $"{NextProgram} is not built");
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        // Founded at level 1, as every group is; the founders' own program raises it to its own.
        foreach (var node in nodes) await node.UntilAsync(async () => await LevelsAsync(node) is [2, 2], "is not raised to its own program's level");
        ConcurrentDictionary<string, string> acknowledged = new();
        using var stop = new CancellationTokenSource();
        var writers = Task.WhenAll(nodes.Select((node, i) => WriteAsync(node, i, acknowledged, stop.Token)));

        await ReplaceAsync(nodes[0], NextProgram, acknowledged);
        await ReplaceAsync(nodes[1], NextProgram, acknowledged);
        await nodes[1].UntilAsync(async () => await KnownAsync(nodes[0]) == 3 && await KnownAsync(nodes[1]) == 3, "does not run the next program");
        Assert.True(await LevelsAsync(nodes[2]) is [2, 2], "the level rose although a program that does not know it runs");

        // Back again: as long as one old program belongs to the cluster, every old one can be started.
        await ReplaceAsync(nodes[0], ServerBench.Program, acknowledged);
        Assert.Equal(2u, await KnownAsync(nodes[0]));
        await ReplaceAsync(nodes[2], NextProgram, acknowledged);
        Assert.True(await LevelsAsync(nodes[1]) is [2, 2], "the level rose although a program that does not know it runs");
        await ReplaceAsync(nodes[0], NextProgram, acknowledged);
        foreach (var node in nodes) await node.UntilAsync(async () => await LevelsAsync(node) is [3, 3], "is not raised to level 3");

        // From here on there is no way back, and the old program says so before it touches anything.
        nodes[2].Terminate();
        Assert.Equal(0, await nodes[2].UntilEndedAsync());
        nodes[2].Program = ServerBench.Program;
        nodes[2].Start();
        Assert.Equal(1, await nodes[2].UntilEndedAsync());
        Assert.Contains("the data is of a newer program", nodes[2].Said, StringComparison.Ordinal);
        nodes[2].Program = NextProgram;
        nodes[2].Start();
        await nodes[2].UntilServesAsync();

        // Nor is a new node with the old program let in.
        var token = await ServerBench.TokenAsync(nodes[0]);
        var old = bench.Add("n4");
        old.Start("--join", nodes[0].Peer, "--token", token);
        Assert.Equal(1, await old.UntilEndedAsync());
        Assert.Contains("knows feature levels 1 to 2, the cluster is at 3", old.Said, StringComparison.Ordinal);

        await stop.CancelAsync();
        await writers;
        Assert.True(acknowledged.Count > 200, $"{acknowledged.Count} writes are too few to prove anything");
        foreach (var (key, value) in acknowledged) Assert.Equal(value, await nodes[1].GetAsync(key));
    }

    private static async Task ReplaceAsync(ServerProcess node, string program, ConcurrentDictionary<string, string> acknowledged)
    {
        node.Terminate();
        Assert.Equal(0, await node.UntilEndedAsync());
        var before = acknowledged.Count;
        node.Program = program;
        node.Start();
        await node.UntilServesAsync();
        await node.UntilAsync(() => Task.FromResult(acknowledged.Count >= before + 20), "does not let the load go on");
    }

    private static async Task WriteAsync(ServerProcess node, int writer, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        for (var i = 1; !stop.IsCancellationRequested && await pause.WaitForNextTickAsync(CancellationToken.None); i++)
            if (await node.TryPutAsync($"u{writer}-{i}", $"{i}")) acknowledged[$"u{writer}-{i}"] = $"{i}";
    }

    private static async Task<uint[]> LevelsAsync(ServerProcess node) => [.. (await StatusAsync(node)).GetProperty("groups").EnumerateArray().Select(group => group.GetProperty("feature_level").GetUInt32())];

    private static async Task<uint> KnownAsync(ServerProcess node) => (await StatusAsync(node)).GetProperty("feature_level_known").GetUInt32();

    private static async Task<JsonElement> StatusAsync(ServerProcess node)
    {
        using var http = new HttpClient();
        return JsonDocument.Parse(await http.GetStringAsync($"http://{node.Endpoint}/holdfast/v1/status")).RootElement.Clone();
    }
}
