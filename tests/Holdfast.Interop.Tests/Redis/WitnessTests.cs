namespace Holdfast.Interop.Tests.Redis;

/// <summary>Two nodes with the keys and one that only votes: three places for a majority, two copies of the data.</summary>
public sealed class WitnessTests
{
    [Fact]
    public async Task Two_nodes_with_data_and_a_witness_outlive_kill_9_of_either_and_the_witness_leads_and_answers_nothing()
    {
        await using var cluster = await RedisCluster.StartAsync(nodes: 2, witnesses: 1);
        await cluster.Nodes.UntilSaidAsync("group 2 (keyspace): a replica begins here, as a witness");
        await cluster.Nodes.UntilSaidAsync("group 3 (keyspace): a replica begins here, as a witness");
        Assert.Equal(2, (await cluster.NodesAsync()).Count(node => cluster.Ports.Contains(node.Port))); // No client is sent to anybody else.

        foreach (var victim in (int[])[0, 1])
        {
            var before = new Writers(cluster.Ports);
            await before.UntilAsync(300);
            await before.StopAsync();
            cluster.Nodes.Kill(victim);
            await cluster.UntilServedAsync(1); // The other one leads both shards, with the witness's votes.
            var during = new Writers(cluster.Ports);
            await during.UntilAsync(300, everyWriter: true);
            await during.StopAsync();
            await during.CheckAsync();
            cluster.Nodes.Start(victim);
            await cluster.UntilServedAsync(2); // Caught up, and leads a shard again.
            await during.CheckAsync();
        }

        Assert.DoesNotMatch("\"node\":\"n3\",\"group\":[23],.*(candidate|leader) in term", cluster.Nodes.LastWords("role_changed"));
    }
}
