namespace Holdfast.Interop.Tests.Redis;

/// <summary>Slots move between processes: by our own verb, by redis-cli's reshard, under writers, and while those who move them are killed.</summary>
public sealed class SlotMoveProcessesTests
{
    [Fact]
    public async Task Redis_cli_reshards_and_rebalances_and_every_key_is_where_it_says()
    {
        await using var cluster = await RedisCluster.StartAsync();
        for (var i = 0; i < 200; i++) Assert.Contains("OK", await cluster.ServedAsync(i % 3, "-c", "set", $"key{i}", $"value{i}"), StringComparison.Ordinal);
        var nodes = await cluster.NodesAsync();
        var reshard = await cluster.CliAsync(0, "--cluster", "reshard", $"127.0.0.1:{cluster.Ports[0]}", "--cluster-from", nodes[0].Id, "--cluster-to", nodes[1].Id, "--cluster-slots", "20", "--cluster-yes");
        Assert.DoesNotContain("[ERR]", reshard, StringComparison.Ordinal);
        await cluster.UntilAgreedAsync();
        var after = await cluster.NodesAsync();
        Assert.Equal(nodes.First(node => node.Id == nodes[1].Id).Slots + 20, after.First(node => node.Id == nodes[1].Id).Slots);

        var rebalance = await cluster.CliAsync(0, "--cluster", "rebalance", $"127.0.0.1:{cluster.Ports[0]}", "--cluster-threshold", "0.1");
        Assert.DoesNotContain("[ERR]", rebalance, StringComparison.Ordinal);
        await cluster.UntilAgreedAsync();
        var fix = await cluster.CliAsync(0, "--cluster", "fix", $"127.0.0.1:{cluster.Ports[1]}");
        Assert.Contains("[OK] All 16384 slots covered.", fix, StringComparison.Ordinal);
        for (var i = 0; i < 200; i++) Assert.Contains($"value{i}", await cluster.ServedAsync(i % 3, "-c", "get", $"key{i}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_third_of_the_slots_moves_under_writers_and_no_command_fails_but_by_redirects()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports, answersAlways: true);
        await writers.UntilAsync(300);
        var nodes = await cluster.NodesAsync();
        Assert.Contains("are led by", await cluster.VerbAsync("keyspace", "move", nodes[0].Ranges, "--to", nodes[1].Id), StringComparison.Ordinal);
        await writers.UntilAsync(600);
        Assert.Equal(0, (await cluster.NodesAsync()).First(node => node.Id == nodes[0].Id).Slots);
        Assert.Contains("done", await cluster.VerbAsync("keyspace", "rebalance"), StringComparison.Ordinal);
        await writers.UntilAsync(900);
        await writers.StopAsync();
        Assert.Equal(0, writers.Unknown);
        await writers.CheckAsync();
        Assert.All(await cluster.NodesAsync(), node => Assert.InRange(node.Slots, 5461, 5462));
    }

    [Fact]
    public async Task A_move_goes_on_when_leaders_of_source_and_target_are_killed()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        for (var round = 0; round < 3; round++)
        {
            var nodes = await cluster.NodesAsync();
            var (source, target) = (nodes.MaxBy(node => node.Slots)!, nodes.MinBy(node => node.Slots)!);
            if (source.Id == target.Id) target = nodes.First(node => node.Id != source.Id);
            var victim = Array.IndexOf(cluster.Ports, round % 2 == 0 ? source.Port : target.Port);
            var asked = Array.FindIndex(cluster.Ports, port => port != cluster.Ports[victim]);
            var moving = cluster.CliAsync(asked, "holdfast.move", source.Ranges, target.Id);
            await Task.Delay(10 * (round + 1)); // Another moment of the move in each round; whichever it is, nothing may be lost.
            cluster.Nodes.Kill(victim);
            await moving;
            await writers.UntilAsync((round + 2) * 300, everyWriter: true);
            cluster.Nodes.Start(victim);
            await cluster.UntilServedAsync(-1);
            await cluster.UntilMovesEndedAsync();
        }

        await writers.StopAsync();
        await writers.CheckAsync();
        Assert.Equal(16384, (await cluster.NodesAsync()).Sum(node => node.Slots));
    }
}
