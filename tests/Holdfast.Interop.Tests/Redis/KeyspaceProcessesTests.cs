namespace Holdfast.Interop.Tests.Redis;

/// <summary>The Redis face as users meet it: processes, redis-cli, kill -9.</summary>
public sealed class KeyspaceProcessesTests
{
    [Fact]
    public async Task Three_nodes_are_three_masters_and_redis_cli_is_content_with_them()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var check = await cluster.CliAsync(0, "--cluster", "check", $"127.0.0.1:{cluster.Ports[0]}");
        Assert.Contains("[OK] All nodes agree about slots configuration.", check, StringComparison.Ordinal);
        Assert.Contains("[OK] All 16384 slots covered.", check, StringComparison.Ordinal);
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(await cluster.CliAsync(1, "cluster", "nodes"), "master .* connected \\d"));

        for (var i = 0; i < 20; i++) Assert.Contains("OK", await cluster.ServedAsync(i % 3, "-c", "set", $"key{i}", $"value{i}"), StringComparison.Ordinal);
        for (var i = 0; i < 20; i++) Assert.Contains($"value{i}", await cluster.ServedAsync((i + 1) % 3, "-c", "get", $"key{i}"), StringComparison.Ordinal);
        var replies = new List<string>();
        for (var node = 0; node < 3; node++) replies.Add(await cluster.CliAsync(node, "get", "key0"));
        Assert.Equal(2, replies.Count(reply => reply.StartsWith("MOVED ", StringComparison.Ordinal)));
        Assert.Contains("CROSSSLOT", await cluster.CliAsync(0, "mget", "key1", "key2"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_killed_leader_loses_no_acknowledged_write_and_its_slots_come_back()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        cluster.Nodes.Kill(0);
        await writers.UntilAsync(600, everyWriter: true);
        cluster.Nodes.Start(0);
        await cluster.UntilServedAsync(3);
        await writers.UntilAsync(900, everyWriter: true);
        await writers.StopAsync();
        await writers.CheckAsync();
    }

    [Fact]
    public async Task A_bench_loads_every_master_and_leaves_nothing_behind()
    {
        await using var cluster = await RedisCluster.StartAsync();
        Assert.Equal("OK\n", await cluster.CliAsync(0, "-c", "set", "mine", "kept"));
        var rows = (await cluster.VerbAsync("keyspace", "bench", "--test", "set,get,lpush", "--seconds", "1", "--clients", "6", "--pipeline", "4", "--keys", "2000", "--keep")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(["set", "get", "lpush"], rows.Select(row => row.Split('\t')[0]));
        Assert.All(rows, row => Assert.True(long.Parse(row.Split('\t')[1], System.Globalization.CultureInfo.InvariantCulture) > 0 && row.Split('\t')[6] == "0", row));
        for (var node = 0; node < 3; node++) Assert.InRange(int.Parse(await cluster.CliAsync(node, "dbsize"), System.Globalization.CultureInfo.InvariantCulture), 100, 4001);

        await cluster.VerbAsync("keyspace", "bench", "--test", "incr", "--seconds", "1", "--clients", "3", "--keys", "2000");
        var left = 0;
        for (var node = 0; node < 3; node++) left += int.Parse(await cluster.CliAsync(node, "dbsize"), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(1, left);
        Assert.Contains("--clients 0: it must be 1 to 1000", await cluster.VerbAsync("keyspace", "bench", "--clients", "0"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_all_nodes_are_killed_at_once_every_acknowledged_write_is_there_again()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        for (var node = 0; node < 3; node++) cluster.Nodes.Kill(node);
        await writers.StopAsync();
        for (var node = 0; node < 3; node++) cluster.Nodes.Start(node);
        await cluster.UntilServedAsync(3);
        await writers.CheckAsync();
    }

    [Fact]
    public async Task One_node_serves_every_slot_and_keeps_it_over_a_kill()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        Assert.Equal("OK\n", await cluster.CliAsync(0, "set", "kept", "yes", "ex", "1000"));
        cluster.Nodes.Kill(0);
        cluster.Nodes.Start(0);
        await cluster.UntilServedAsync(1);
        Assert.Equal("yes\n", await cluster.CliAsync(0, "get", "kept"));
        Assert.InRange(int.Parse(await cluster.CliAsync(0, "ttl", "kept"), System.Globalization.CultureInfo.InvariantCulture), 1, 1000);
    }
}
