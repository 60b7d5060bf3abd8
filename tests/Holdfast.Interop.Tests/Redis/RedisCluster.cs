using System.Diagnostics;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Three processes that serve Redis clients, and what redis-cli says about them.</summary>
internal sealed class RedisCluster : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private RedisCluster(ProcessCluster nodes, int[] ports) => (Nodes, Ports) = (nodes, ports);

    public ProcessCluster Nodes { get; }

    /// <summary>Where each node serves Redis clients.</summary>
    public int[] Ports { get; }

    /// <summary>Starts a fresh cluster and waits until every slot is served, by as many masters as there are nodes.</summary>
    public static async Task<RedisCluster> StartAsync(int nodes = 3)
    {
        var ports = Interop.Tests.Ports.Free(nodes);
        var cluster = new RedisCluster(await ProcessCluster.StartAsync(nodes, flagsOf: node => ["--redis", $"127.0.0.1:{ports[node]}"]), ports);
        await cluster.UntilServedAsync(nodes);
        return cluster;
    }

    /// <summary>Waits until every slot is served by that many masters, as every running node says.</summary>
    public async Task UntilServedAsync(int masters)
    {
        for (var node = 0; node < Ports.Length; node++)
        {
            if (!Nodes.IsRunning(node)) continue;
            for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
            {
                var says = await CliAsync(node, "cluster", "info");
                if (says.Contains("cluster_state:ok", StringComparison.Ordinal) && says.Contains($"cluster_size:{masters}\r", StringComparison.Ordinal)) break;
                Assert.True(begun.Elapsed < Patience, $"node {node} says after {Patience.TotalSeconds} s:\n{says}\n{Nodes.LastWords()}");
            }
        }
    }

    /// <summary>What redis-cli prints.</summary>
    public async Task<string> CliAsync(int node, params string[] words)
    {
        var start = new ProcessStartInfo("redis-cli") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])(words[0] == "--cluster" ? [] : ["-p", $"{Ports[node]}"])) start.ArgumentList.Add(word);
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said + await fault;
    }

    public ValueTask DisposeAsync() => Nodes.DisposeAsync();
}
