namespace Holdfast.Interop.Tests.Redis;

/// <summary>Clusters made and changed by Debian's redis-cli, as its users do it with Redis's nodes.</summary>
public sealed class RedisCliCreateTests
{
    [Fact]
    public async Task Three_lone_nodes_become_a_cluster_by_create_and_stay_one_over_kills()
    {
        await using var nodes = await LoneNodes.StartAsync(3);
        Assert.Contains("CLUSTERDOWN Hash slot not served", await nodes.CliAsync(1, "set", "a", "b"), StringComparison.Ordinal);
        var alone = Assert.Single(await nodes.NodesAsync(1));
        Assert.Equal((nodes.Port(1), "myself,master", 0), (alone.Port, alone.Flags, alone.Slots));
        Assert.Contains("cluster_state:fail", await nodes.CliAsync(1, "cluster", "info"), StringComparison.Ordinal);

        await nodes.CreateAsync();
        Assert.Equal([(alone.Id, 5462)], (await nodes.NodesAsync()).Where(node => node.Port == nodes.Port(1)).Select(node => (node.Id, node.Slots)));
        Assert.Equal([5461, 5461, 5462], (await nodes.NodesAsync(2)).Select(node => node.Slots).Order());
        for (var i = 0; i < 30; i++) Assert.Contains("OK", await nodes.ServedAsync(i % 3, "-c", "set", $"key{i}", $"value{i}"), StringComparison.Ordinal);

        var info = await nodes.CliAsync(0, "--cluster", "info", nodes.Address(2));
        Assert.Contains("30 keys in 3 masters.", info, StringComparison.Ordinal);
        var call = await nodes.CliAsync(0, "--cluster", "call", nodes.Address(0), "ping");
        Assert.Equal(3, System.Text.RegularExpressions.Regex.Count(call, "127.0.0.1:[0-9]+: PONG"));
        var timeouts = await nodes.CliAsync(0, "--cluster", "set-timeout", nodes.Address(0), "3000");
        Assert.Contains("New node timeout set. 3 OK, 0 ERR.", timeouts, StringComparison.Ordinal);
        await nodes.CliAsync(0, "config", "set", "maxmemory-policy", "allkeys-lru");
        Assert.Contains("3000", await nodes.CliAsync(2, "config", "get", "cluster-node-timeout"), StringComparison.Ordinal);

        for (var node = 0; node < 3; node++) nodes.Kill(node);
        for (var node = 0; node < 3; node++) await nodes.RestartAsync(node);
        await nodes.UntilServedAsync();
        for (var node = 0; node < 3; node++) Assert.Contains("3000", await nodes.CliAsync(node, "config", "get", "cluster-node-timeout"), StringComparison.Ordinal);
        Assert.Contains("noeviction", await nodes.CliAsync(0, "config", "get", "maxmemory-policy"), StringComparison.Ordinal); // Nobody wrote that down.
        for (var i = 0; i < 30; i++) Assert.Contains($"value{i}", await nodes.ServedAsync(i % 3, "-c", "get", $"key{i}"), StringComparison.Ordinal);
        Assert.Contains("[OK] All 16384 slots covered.", await nodes.CliAsync(0, "--cluster", "check", nodes.Address(1)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Six_nodes_become_three_masters_with_a_replica_each_and_a_replica_takes_over_when_it_is_told()
    {
        await using var nodes = await LoneNodes.StartAsync(6);
        await nodes.CreateAsync("--cluster-replicas", "1");
        var listed = await nodes.NodesAsync();
        Assert.Equal(3, listed.Count(node => node.IsSlave));
        Assert.Equal(3, listed.Count(node => !node.IsSlave && node.Slots > 0));
        Assert.Equal(listed.Where(node => !node.IsSlave).Select(node => node.Id).Order(), listed.Where(node => node.IsSlave).Select(node => node.Master).Order());
        Assert.Equal(6, listed.Select(node => node.Epoch).Distinct().Count());

        Assert.Contains("OK", await nodes.ServedAsync(0, "-c", "set", "kept", "yes"), StringComparison.Ordinal);
        var owner = (await nodes.CliAsync(0, "cluster", "keyslot", "kept")).Trim();
        var slot = int.Parse(owner, System.Globalization.CultureInfo.InvariantCulture);
        var master = listed.First(node => node.Ranges.Split(',').Any(range => range.Split('-') is [var first, var last] && int.Parse(first, System.Globalization.CultureInfo.InvariantCulture) <= slot && slot <= int.Parse(last, System.Globalization.CultureInfo.InvariantCulture)));
        var slave = listed.First(node => node.Master == master.Id);
        var replica = Enumerable.Range(0, 6).First(node => nodes.Port(node) == slave.Port);

        // What it follows it can read, once its replica has caught up.
        await nodes.UntilAsync(async () => (await RedisCluster.RunAsync("/bin/sh", "-c", $"printf 'READONLY\\nGET kept\\n' | redis-cli -p {slave.Port}")).Contains("yes", StringComparison.Ordinal), "the replica does not read");
        Assert.Contains(slave.Id, await nodes.CliAsync(0, "cluster", "replicas", master.Id), StringComparison.Ordinal);
        Assert.Contains("MOVED", await nodes.CliAsync(replica, "set", "kept", "no"), StringComparison.Ordinal);

        Assert.Equal("OK\n", await nodes.CliAsync(replica, "cluster", "failover"));
        await nodes.UntilAsync(async () => (await nodes.ListedAsync(replica)) is { IsSlave: false } now && now.Ranges == master.Ranges, "the replica does not take over");
        Assert.Equal(slave.Id, (await nodes.NodesAsync()).First(node => node.Id == master.Id).Master);
        Assert.Equal("OK\n", await nodes.CliAsync(replica, "set", "kept", "by the new master"));
        Assert.Contains("ERR You should send CLUSTER FAILOVER to a replica", await nodes.CliAsync(replica, "cluster", "failover"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nodes_are_added_get_slots_and_are_deleted_again()
    {
        await using var nodes = await LoneNodes.StartAsync(3);
        await nodes.CreateAsync();
        for (var i = 0; i < 60; i++) Assert.Contains("OK", await nodes.ServedAsync(i % 3, "-c", "set", $"key{i}", $"value{i}"), StringComparison.Ordinal);

        var master = await nodes.AddAsync();
        Assert.Contains("[OK] New node added correctly.", await nodes.CliAsync(0, "--cluster", "add-node", nodes.Address(master), nodes.Address(0)), StringComparison.Ordinal);
        await nodes.UntilAsync(async () => await nodes.ListedAsync(master) is { IsSlave: false, Slots: 0 }, "the new node is not listed");
        await nodes.UntilAgreedAsync();
        var reshard = await nodes.CliAsync(0, "--cluster", "reshard", nodes.Address(0), "--cluster-from", "all", "--cluster-to", await nodes.IdAsync(master), "--cluster-slots", "60", "--cluster-yes");
        Assert.DoesNotContain("[ERR]", reshard, StringComparison.Ordinal);
        await nodes.UntilAsync(async () => await nodes.ListedAsync(master) is { Slots: >= 57 and <= 60 }, reshard); // redis-cli rounds down at each source but the first.
        Assert.Contains("is not empty! Reshard data away and try again.", await nodes.CliAsync(0, "--cluster", "del-node", nodes.Address(0), await nodes.IdAsync(master)), StringComparison.Ordinal);

        var slave = await nodes.AddAsync();
        var added = await nodes.CliAsync(0, "--cluster", "add-node", nodes.Address(slave), nodes.Address(0), "--cluster-slave", "--cluster-master-id", await nodes.IdAsync(0));
        Assert.Contains("[OK] New node added correctly.", added, StringComparison.Ordinal);
        var first = await nodes.IdAsync(0);
        await nodes.UntilAsync(async () => await nodes.ListedAsync(slave) is { IsSlave: true } listed && listed.Master == first, "the new node follows nobody");

        await nodes.UntilAgreedAsync();
        var back = await nodes.CliAsync(0, "--cluster", "reshard", nodes.Address(0), "--cluster-from", await nodes.IdAsync(master), "--cluster-to", first, "--cluster-slots", $"{(await nodes.ListedAsync(master))!.Slots}", "--cluster-yes");
        Assert.DoesNotContain("[ERR]", back, StringComparison.Ordinal);
        await nodes.UntilAsync(async () => await nodes.ListedAsync(master) is { Slots: 0 }, back);
        foreach (var gone in (int[])[master, slave])
        {
            var deleted = await nodes.CliAsync(0, "--cluster", "del-node", nodes.Address(0), await nodes.IdAsync(gone));
            Assert.DoesNotContain("ERR", deleted, StringComparison.Ordinal);
            await nodes.UntilAsync(async () => await nodes.ListedAsync(gone) is null, "the node is still listed: " + deleted);
        }

        // Deleted and reset, they are alone, empty, and other nodes than before: and can be added again.
        await nodes.UntilAsync(async () => (await nodes.NodesAsync(master)) is [{ Flags: "myself,master", Slots: 0 } alone] && alone.Id != first, "the deleted node is not alone");
        nodes.Kill(slave);
        Assert.Contains("[OK] New node added correctly.", await nodes.CliAsync(0, "--cluster", "add-node", nodes.Address(master), nodes.Address(0)), StringComparison.Ordinal);
        await nodes.UntilAsync(async () => await nodes.ListedAsync(master) is { IsSlave: false, Slots: 0 }, "the node that was reset is not listed");

        Assert.Contains("[OK] All 16384 slots covered.", await nodes.CliAsync(0, "--cluster", "check", nodes.Address(1)), StringComparison.Ordinal);
        for (var i = 0; i < 60; i++) Assert.Contains($"value{i}", await nodes.ServedAsync(i % 3, "-c", "get", $"key{i}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plain_redis_server_is_imported()
    {
        await using var nodes = await LoneNodes.StartAsync(3);
        await nodes.CreateAsync();
        var port = Ports.Free(1)[0];
        using var source = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("redis-server") { ArgumentList = { "--port", $"{port}", "--save", "", "--bind", "127.0.0.1" }, RedirectStandardOutput = true })!;
        try
        {
            await nodes.UntilAsync(async () => (await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "ping")).Contains("PONG", StringComparison.Ordinal), "redis-server does not answer");
            foreach (var command in (string[])["set text hello", "rpush list a b c", "hset hash f v g w", "zadd zset 1 a 2.5 b", "sadd set 1 2 3", "set dying soon ex 1000"])
                await RedisCluster.RunAsync("redis-cli", ["-p", $"{port}", .. command.Split(' ')]);
            for (var i = 0; i < 50; i++) await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "set", $"key{i}", $"value{i}");
            // redis-cli follows no MOVED here, so leaders must be where they stay: a shard's replicas are still being added after CREATE.
            for (var node = 0; node < 3; node++)
            {
                var asked = node;
                await nodes.UntilAsync(async () => await nodes.CliAsync(asked, "wait", "0", "0") == "1\n", $"node {asked} does not see three replicas of every shard");
            }

            var import = await nodes.CliAsync(0, "--cluster", "import", nodes.Address(0), "--cluster-from", $"127.0.0.1:{port}", "--cluster-copy", "--cluster-replace");
            Assert.True(!import.Contains("ERR", StringComparison.Ordinal), import);
            Assert.Contains("value7", await nodes.ServedAsync(0, "-c", "get", "key7"), StringComparison.Ordinal);
            Assert.Contains("hello", await nodes.ServedAsync(1, "-c", "get", "text"), StringComparison.Ordinal);
            Assert.Equal("a\nb\nc\n", await nodes.CliAsync(0, "-c", "lrange", "list", "0", "-1"));
            Assert.Equal("w\n", await nodes.CliAsync(0, "-c", "hget", "hash", "g"));
            Assert.Equal("2.5\n", await nodes.CliAsync(0, "-c", "zscore", "zset", "b"));
            Assert.Equal("3\n", await nodes.CliAsync(0, "-c", "scard", "set"));
            Assert.InRange(int.Parse(await nodes.CliAsync(0, "-c", "ttl", "dying"), System.Globalization.CultureInfo.InvariantCulture), 1, 1000);
        }
        finally
        {
            source.Kill();
            await source.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task A_backup_by_redis_cli_is_read_by_redis_server()
    {
        await using var nodes = await LoneNodes.StartAsync(3);
        await nodes.CreateAsync();
        for (var i = 0; i < 40; i++) await nodes.ServedAsync(i % 3, "-c", "set", $"key{i}", $"value{i}");
        foreach (var command in (string[])["rpush list a b c", "hset hash f v g w", "zadd zset 1 a 2.5 b", "sadd set 1 2 3", "set dying soon ex 1000", "xadd stream 1-1 f v"]) await nodes.CliAsync(0, ["-c", .. command.Split(' ')]);
        var folder = Directory.CreateTempSubdirectory("redis-backup-").FullName;
        try
        {
            var said = await nodes.CliAsync(0, "--cluster", "backup", nodes.Address(0), folder);
            Assert.Contains("[OK] Backup created into", said, StringComparison.Ordinal);
            var files = Directory.GetFiles(folder, "*.rdb");
            Assert.Equal(3, files.Length);
            Assert.Single(Directory.GetFiles(folder, "*.json"));
            var keys = 0;
            foreach (var file in files)
            {
                Assert.Contains("RDB looks OK", await RedisCluster.RunAsync("redis-check-rdb", file), StringComparison.Ordinal);
                keys += await KeysOfAsync(nodes, file);
            }

            Assert.Equal(46, keys);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>How many keys redis-server finds in a file.</summary>
    private static async Task<int> KeysOfAsync(LoneNodes nodes, string file)
    {
        var port = Ports.Free(1)[0];
        using var reader = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("redis-server")
        {
            ArgumentList = { "--port", $"{port}", "--save", "", "--bind", "127.0.0.1", "--dir", Path.GetDirectoryName(file)!, "--dbfilename", Path.GetFileName(file) }, RedirectStandardOutput = true,
        })!;
        try
        {
            await nodes.UntilAsync(async () => (await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "ping")).Contains("PONG", StringComparison.Ordinal), "redis-server does not answer");
            return int.Parse(await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "dbsize"), System.Globalization.CultureInfo.InvariantCulture);
        }
        finally
        {
            reader.Kill();
            await reader.WaitForExitAsync();
        }
    }
}
