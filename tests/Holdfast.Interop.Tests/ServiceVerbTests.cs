using System.Diagnostics;
using System.Globalization;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast service</c> as processes over a cluster of processes (R1.4).</summary>
public sealed class ServiceVerbTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    /// <summary>Two instances; one node is killed; one agent is killed with -9 and its instance goes with its lease, the other is told to end and its instance goes at once.</summary>
    [Fact]
    public async Task Instances_come_and_go_with_their_agents()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        using var first = Start(cluster, "service", "register", "web", "--port", "8001", "--id", "a", "--zone", "north", "--tag", "v2", "--ttl", "2s", "--", "sleep", "600");
        using var second = Start(cluster, "service", "register", "web", "--port", "8002", "--id", "b", "--check", $"grpc://{cluster.Endpoint(1)}", "--interval", "200ms");
        await UntilResolvedAsync(cluster, "127.0.0.1:8001\ta\tnorth\tv2\tpassing\n127.0.0.1:8002\tb\t\t\tpassing\n");
        Assert.Equal("web\t2\t2\n", (await RunAsync(cluster, "service", "ls")).Said);

        // b's check asks node 1.
        cluster.Kill(1);
        await UntilResolvedAsync(cluster, "127.0.0.1:8001\ta\tnorth\tv2\tpassing\n");
        first.Kill(entireProcessTree: true);
        await UntilResolvedAsync(cluster, "");
        Assert.Equal("127.0.0.1:8002\tb\t\t\tfailing\n", (await RunAsync(cluster, "service", "resolve", "web", "--all")).Said);
        Assert.Equal(4, (await RunAsync(cluster, "service", "resolve", "web")).Code);
        await EndAsync(second);
        Assert.Equal("", (await RunAsync(cluster, "service", "resolve", "web", "--all")).Said);
    }

    [Fact]
    public async Task The_watch_prints_every_change_and_the_leader_is_named_while_there_is_one()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        using var watch = Start(cluster, "service", "watch", "web");
        Assert.Equal("", await LineAsync(watch));
        using var first = Start(cluster, "service", "register", "web", "--port", "8001", "--id", "a");
        Assert.Equal("127.0.0.1:8001", await LineAsync(watch));
        using var second = Start(cluster, "service", "register", "web", "--port", "8002", "--id", "b");
        Assert.Equal("127.0.0.1:8001 127.0.0.1:8002", await LineAsync(watch));
        await EndAsync(first);
        Assert.Equal("127.0.0.1:8002", await LineAsync(watch));

        Assert.Equal((4, ""), await RunAsync(cluster, "service", "leader", "web"));
        using var client = new Holdfast.Client.HoldfastClient(cluster.Endpoint(0));
        await using (var lead = await client.Services.LeadAsync("web", "b")) Assert.Equal((0, "b\n"), await RunAsync(cluster, "service", "leader", "web"));
        Assert.Equal((4, ""), await RunAsync(cluster, "service", "leader", "web"));
        await EndAsync(second);
        Assert.Equal("", await LineAsync(watch));
        await EndAsync(watch);
        Assert.Equal(0, watch.ExitCode);
    }

    /// <summary>Tells it to end, and waits until it has.</summary>
    private static async Task EndAsync(Process process)
    {
        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)])) await kill.WaitForExitAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
    }

    private static async Task<string?> LineAsync(Process process) => await process.StandardOutput.ReadLineAsync().WaitAsync(Patience);

    private static async Task UntilResolvedAsync(ProcessCluster cluster, string wanted)
    {
        var said = "";
        for (var begun = Stopwatch.StartNew(); (said = (await RunAsync(cluster, "service", "resolve", "web")).Said) != wanted;)
            Assert.True(begun.Elapsed < Patience, $"resolved to {said}, not to {wanted}");
    }

    private static async Task<(int Code, string Said)> RunAsync(ProcessCluster cluster, params string[] words)
    {
        using var process = Start(cluster, words);
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Patience);
        return (process.ExitCode, said);
    }

    private static Process Start(ProcessCluster cluster, params string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program, words) { RedirectStandardOutput = true };
        start.Environment["HOLDFAST_ENDPOINTS"] = string.Join(',', Enumerable.Range(0, cluster.Nodes).Select(cluster.Endpoint));
        return Process.Start(start)!;
    }
}
