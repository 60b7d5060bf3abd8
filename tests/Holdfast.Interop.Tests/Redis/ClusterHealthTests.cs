using System.Globalization;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>What nodes say of each other and of the cluster when some are away: fail?, fail, cluster_state, CLUSTERDOWN.</summary>
public sealed class ClusterHealthTests
{
    [Fact]
    public async Task A_stopped_node_is_suspected_then_failed_and_well_again_when_it_goes_on()
    {
        await using var cluster = await RedisCluster.StartAsync();
        cluster.Nodes.Signal(2, "STOP");
        try
        {
            await UntilFlagsAsync(cluster, flags => flags.Contains("fail?"));
            await UntilFlagsAsync(cluster, flags => flags.Contains("fail"));
            Assert.Contains("disconnected", await cluster.CliAsync(0, "cluster", "nodes"), StringComparison.Ordinal);
        }
        finally
        {
            cluster.Nodes.Signal(2, "CONT");
        }

        await UntilFlagsAsync(cluster, flags => !flags.Contains("fail") && !flags.Contains("fail?"));
    }

    [Fact]
    public async Task Without_a_quorum_of_a_slot_the_cluster_is_down_and_serves_again_when_it_is_back()
    {
        await using var cluster = await RedisCluster.StartAsync();
        Assert.Contains("OK", await cluster.ServedAsync(0, "-c", "set", "kept", "yes"), StringComparison.Ordinal);
        cluster.Nodes.Kill(1);
        cluster.Nodes.Kill(2);
        await Patient.UntilAsync(async () => (await cluster.CliAsync(0, "cluster", "info")).Contains("cluster_state:fail", StringComparison.Ordinal), cluster.LastWordsOf("the cluster is not down"));

        // A write that was under way when leadership ended is cut off, for nobody knows what becomes of it (S19): it may be done later. Those after it are refused.
        await Patient.UntilAsync(async () => (await cluster.CliAsync(0, "set", "{kept}tried", "perhaps")).Contains("CLUSTERDOWN The cluster is down", StringComparison.Ordinal), cluster.LastWordsOf("it never says that the cluster is down"));
        Assert.DoesNotContain("cluster_slots_fail:0\r", await cluster.CliAsync(0, "cluster", "info"), StringComparison.Ordinal);
        Assert.Equal("OK\n", await cluster.CliAsync(0, "config", "set", "cluster-allow-reads-when-down", "yes"));
        Assert.Contains("CLUSTERDOWN The cluster is down and only accepts read commands", await cluster.CliAsync(0, "set", "kept", "no"), StringComparison.Ordinal);
        cluster.Nodes.Start(1);
        cluster.Nodes.Start(2);
        await cluster.UntilServedAsync(3);
        Assert.Contains("yes", await cluster.ServedAsync(1, "-c", "get", "kept"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slots_that_nobody_has_stop_the_others_unless_the_node_is_told_that_they_may_be_missing()
    {
        await using var nodes = await LoneNodes.StartAsync(1);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslotsrange", "0", "8000"));
        Assert.Contains("CLUSTERDOWN The cluster is down", await nodes.CliAsync(0, "set", "b", "x"), StringComparison.Ordinal); // Slot 3300.
        Assert.Contains("CLUSTERDOWN Hash slot not served", await nodes.CliAsync(0, "set", "a", "x"), StringComparison.Ordinal); // Slot 15495.
        Assert.Equal("OK\n", await nodes.CliAsync(0, "config", "set", "cluster-require-full-coverage", "no"));
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslots", "8001"));
        await nodes.UntilNodeServesAsync(0);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "set", "b", "x"));
        Assert.Contains("CLUSTERDOWN Hash slot not served", await nodes.CliAsync(0, "set", "a", "x"), StringComparison.Ordinal);

        // The rest is added in a cluster that has data, and claimed by a shard more; the last three as redis-cli mends it.
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslotsrange", "8002", "16380"));
        var fix = await RedisCluster.RunAsync("/bin/sh", "-c", $"echo yes | redis-cli --cluster fix {nodes.Address(0)}");
        await nodes.UntilAsync(async () => (await nodes.CliAsync(0, "--cluster", "check", nodes.Address(0))).Contains("[OK] All 16384 slots covered.", StringComparison.Ordinal), $"slots stay uncovered after: {fix}");
        await nodes.UntilAsync(async () => (await nodes.CliAsync(0, "set", "a", "x")).Contains("OK", StringComparison.Ordinal), "slots that were added later are not served");
        Assert.Equal("x\n", await nodes.CliAsync(0, "get", "b"));
        Assert.Contains("[OK] All 16384 slots covered.", await nodes.CliAsync(0, "--cluster", "check", nodes.Address(0)), StringComparison.Ordinal);
    }

    private static async Task UntilFlagsAsync(RedisCluster cluster, Func<string[], bool> areSo)
    {
        var flags = "";
        await Patient.UntilAsync(async () => areSo((flags = (await cluster.NodesAsync()).First(node => node.Port == cluster.Ports[2]).Flags).Split(',')), () => $"the node's flags are {flags}\n{cluster.Nodes.LastWords()}\n");
    }
}
