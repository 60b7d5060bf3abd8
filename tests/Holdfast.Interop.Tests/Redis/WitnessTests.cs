using System.Diagnostics;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Two nodes with the keys and one that only votes: three places for a majority, two copies of the data.</summary>
public sealed class WitnessTests
{
    private const int Witness = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Two_nodes_with_data_and_a_witness_outlive_kill_9_of_either_and_the_witness_leads_and_answers_nothing()
    {
        await using var cluster = await RedisCluster.StartAsync(nodes: 2, witnesses: 1);
        await UntilShardsAsync(cluster, Witness, "witness");
        Assert.Equal([3, 3], (await ShardsAsync(cluster, Witness)).Select(shard => shard.GetProperty("voters").GetArrayLength()));
        Assert.DoesNotContain(await cluster.NodesAsync(), node => !cluster.Ports.Contains(node.Port)); // No client is sent to it.

        foreach (var victim in (int[])[0, 1])
        {
            var before = new Writers(cluster.Ports);
            await before.UntilAsync(300);
            await before.StopAsync();
            cluster.Nodes.Kill(victim);
            var during = new Writers(cluster.Ports);
            await during.UntilAsync(300, everyWriter: true); // In all slots, with one of two copies gone.
            await UntilShardsAsync(cluster, 1 - victim, "leader");
            await UntilShardsAsync(cluster, Witness, "witness");
            await during.StopAsync();
            await during.CheckAsync();
            cluster.Nodes.Start(victim);
            await cluster.UntilServedAsync(2); // Caught up, and leads a shard again.
            await during.CheckAsync();
        }
    }

    [Fact]
    public async Task A_witness_that_is_left_alone_leads_nothing_and_the_keys_come_back_with_their_nodes()
    {
        await using var cluster = await RedisCluster.StartAsync(nodes: 2, witnesses: 1);
        Assert.Contains("OK", await cluster.CliAsync(0, "-c", "set", "kept", "yes"), StringComparison.Ordinal);
        cluster.Nodes.Kill(0);
        cluster.Nodes.Kill(1);
        await UntilShardsAsync(cluster, Witness, "witness");
        cluster.Nodes.Start(0);
        cluster.Nodes.Start(1);
        await cluster.UntilServedAsync(2);
        Assert.Contains("yes", await cluster.CliAsync(1, "-c", "get", "kept"), StringComparison.Ordinal);
    }

    /// <summary>Waits until the node says that it is this in both shards.</summary>
    private static async Task UntilShardsAsync(RedisCluster cluster, int node, string role)
    {
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            var roles = (await ShardsAsync(cluster, node)).Select(shard => shard.GetProperty("role").GetString()).ToArray();
            if (roles.Length == 2 && roles.All(each => each == role)) return;
            Assert.True(begun.Elapsed < Patience, $"node {node} is {string.Join(", ", roles)} in the shards\n{cluster.Nodes.LastWords()}");
        }
    }

    /// <summary>The node's own word on its replicas of shards.</summary>
    private static async Task<List<JsonElement>> ShardsAsync(RedisCluster cluster, int node)
    {
        using var http = new HttpClient();
        var status = JsonDocument.Parse(await http.GetStringAsync($"http://{cluster.Nodes.Endpoint(node)}/holdfast/v1/status")).RootElement;
        return [.. status.GetProperty("groups").EnumerateArray().Where(group => group.GetProperty("group").GetUInt64() > 1)];
    }
}
