using System.Globalization;
using Holdfast.Interop.Tests.Operating;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>What npm has for Redis, unchanged, in cluster mode against three processes, of which one is killed while it is used. What is looked at stands in the scripts under Clients.</summary>
public sealed class NodeClientTests
{
    [Fact]
    public Task Ioredis_finds_a_cluster_and_loses_nothing_when_a_node_is_killed() => PassesAsync("npm_ioredis.js", "ioredis");

    [Fact]
    public Task Node_redis_finds_a_cluster_and_its_cache_forgets_what_others_change() => PassesAsync("npm_redis.js", "redis");

    [Fact]
    public Task Bullmq_does_every_job_at_least_once_over_a_kill() => PassesAsync("npm_bullmq.js", "bullmq");

    [Fact]
    public Task Programs_that_pipeline_watch_track_wait_and_walk_go_on_over_a_kill() => PassesAsync("npm_redis_habits.js", "ioredis");

    /// <summary>Debian's redis-server is asked the same through the same clients.</summary>
    [Fact]
    public async Task Every_family_of_commands_looks_through_a_client_as_it_does_at_Redis()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cluster = await RedisCluster.StartAsync(1);
        await RunAsync("npm_redis_families.js", "ioredis", $"{redis.Port},{cluster.Ports[0]}");
    }

    private static async Task PassesAsync(string script, string module)
    {
        await using var cluster = await RedisCluster.StartAsync();
        await RunAsync(script, module, string.Join(',', cluster.Ports), string.Join(',', Enumerable.Range(0, 3).Select(node => cluster.Nodes.Of(node).Id.ToString(CultureInfo.InvariantCulture))));
    }

    private static async Task RunAsync(string script, string module, params string[] words)
    {
        var modules = Checkout.PathOf("artifacts/npm/node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, module)), $"npm's {module} is missing: ./test says which version, and installs it");
        var said = await EtcdFlagCluster.RunAsync("node", new Dictionary<string, string> { ["NODE_PATH"] = modules }, [Checkout.PathOf($"tests/Holdfast.Interop.Tests/Clients/{script}"), .. words]);
        Assert.EndsWith("all passed\n", said, StringComparison.Ordinal);
    }
}
