namespace Holdfast.Interop.Tests.Redis;

/// <summary>CLUSTER MEET, ADDSLOTS and their like, by hand (S23).</summary>
public sealed class MeetTests
{
    [Fact]
    public async Task A_node_that_has_all_slots_serves_alone_and_an_empty_one_joins_it_whoever_is_told()
    {
        await using var nodes = await LoneNodes.StartAsync(3);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslotsrange", "0", "9999"));
        Assert.Contains("CLUSTERDOWN The cluster is down", await nodes.CliAsync(0, "set", "b", "x"), StringComparison.Ordinal);
        Assert.Contains("ERR Slot 5 is already busy", await nodes.CliAsync(0, "cluster", "addslots", "5"), StringComparison.Ordinal);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslotsrange", "10000", "16383"));
        await nodes.UntilNodeServesAsync(0);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "set", "kept", "yes"));

        // The one with data is told of an empty one, and an empty one of the one with data: in both cases the empty one comes.
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "meet", "127.0.0.1", $"{nodes.Port(1)}"));
        Assert.Equal("OK\n", await nodes.CliAsync(2, "cluster", "meet", "127.0.0.1", $"{nodes.Port(0)}", $"{nodes.PeerPort(0)}"));
        for (var node = 0; node < 3; node++)
        {
            var asked = node;
            await nodes.UntilAsync(async () => (await nodes.NodesAsync(asked)).Count == 3, $"node {node} does not know three");
        }

        Assert.Contains("yes", await nodes.ServedAsync(2, "-c", "get", "kept"), StringComparison.Ordinal);
        await nodes.UntilAsync(async () => await nodes.CliAsync(0, "wait", "0", "0") == "1\n", "the shard does not grow to three replicas");
        Assert.Equal("1\n", await nodes.CliAsync(0, "wait", "1", "1000"));
        nodes.Kill(0);
        await nodes.UntilAsync(async () => (await nodes.ServedAsync(2, "-c", "get", "kept")).Contains("yes", StringComparison.Ordinal), "the key died with the node that had it first");
    }

    [Fact]
    public async Task Two_nodes_with_clusters_of_their_own_stay_apart_and_keep_their_data()
    {
        await using var nodes = await LoneNodes.StartAsync(2);
        for (var node = 0; node < 2; node++) Assert.Equal("OK\n", await nodes.CliAsync(node, "cluster", "addslotsrange", "0", "16383"));
        await nodes.UntilServedAsync();
        for (var node = 0; node < 2; node++) Assert.Equal("OK\n", await nodes.CliAsync(node, "set", "of", $"{node}"));
        Assert.Contains("does not drop it (S23)", await nodes.CliAsync(0, "cluster", "meet", "127.0.0.1", $"{nodes.Port(1)}"), StringComparison.Ordinal);
        for (var node = 0; node < 2; node++)
        {
            Assert.Equal($"{node}\n", await nodes.CliAsync(node, "get", "of"));
            Assert.Single(await nodes.NodesAsync(node));
        }
    }

    /// <summary>The way that decision 0049 names in the place of a merge, from two founded clusters to one of both machines that has both their keys.</summary>
    [Fact]
    public async Task Two_founded_clusters_become_one_by_export_import_and_an_empty_node_that_joins()
    {
        await using var nodes = await LoneNodes.StartAsync(2);
        for (var node = 0; node < 2; node++) Assert.Equal("OK\n", await nodes.CliAsync(node, "cluster", "addslotsrange", "0", "16383"));
        await nodes.UntilServedAsync();
        for (var node = 0; node < 2; node++)
        {
            Assert.Equal("OK\n", await nodes.CliAsync(node, "set", $"of {node}", $"{node}"));
            Assert.Equal("3\n", await nodes.CliAsync(node, "rpush", $"list of {node}", "a", "b", $"{node}"));
        }

        Assert.Equal("OK\n", await nodes.CliAsync(1, "set", "soon", "gone", "px", "100000000"));
        Assert.Contains("does not drop it (S23)", await nodes.CliAsync(1, "cluster", "meet", "127.0.0.1", $"{nodes.Port(0)}"), StringComparison.Ordinal);
        Assert.StartsWith("exported 3 keys", await nodes.VerbAsync(1, "keyspace", "export", nodes.FileAt("one.rdb")), StringComparison.Ordinal);
        Assert.StartsWith("imported 3 keys", await nodes.VerbAsync(0, "keyspace", "import", nodes.FileAt("one.rdb")), StringComparison.Ordinal);
        nodes.Kill(1);
        nodes.Wipe(1);
        await nodes.RestartAsync(1);
        Assert.Equal("OK\n", await nodes.CliAsync(1, "cluster", "meet", "127.0.0.1", $"{nodes.Port(0)}"));
        for (var node = 0; node < 2; node++)
        {
            var asked = node;
            await nodes.UntilAsync(async () => (await nodes.NodesAsync(asked)).Count == 2, $"node {node} does not know two");
            for (var of = 0; of < 2; of++)
            {
                Assert.Equal($"{of}\n", await nodes.ServedAsync(node, "-c", "get", $"of {of}"));
                Assert.Equal($"a\nb\n{of}\n", await nodes.ServedAsync(node, "-c", "lrange", $"list of {of}", "0", "-1"));
            }

            Assert.Equal("gone\n", await nodes.ServedAsync(node, "-c", "get", "soon"));
        }
    }

    [Fact]
    public async Task Nodes_that_are_killed_while_they_join_come_to_the_same_cluster()
    {
        await using var nodes = await LoneNodes.StartAsync(4);
        Assert.Equal("OK\n", await nodes.CliAsync(0, "cluster", "addslotsrange", "0", "16383"));
        await nodes.UntilNodeServesAsync(0);
        for (var node = 1; node < 4; node++)
        {
            Assert.Equal("OK\n", await nodes.CliAsync(node, "cluster", "meet", "127.0.0.1", $"{nodes.Port(0)}"));
            await Task.Delay(40 * (node - 1)); // Another moment of joining each time.
            nodes.Kill(node);
            await nodes.RestartAsync(node);
            if ((await nodes.NodesAsync(node)).Count == 1) await nodes.CliAsync(node, "cluster", "meet", "127.0.0.1", $"{nodes.Port(0)}"); // Nothing was promised yet.
        }

        for (var node = 0; node < 4; node++)
        {
            var asked = node;
            await nodes.UntilAsync(async () => (await nodes.NodesAsync(asked)).Count == 4, $"node {node} does not know four");
        }
    }

    [Fact]
    public async Task What_is_wrong_is_said_as_redis_says_it()
    {
        await using var nodes = await LoneNodes.StartAsync(1);
        var port = Ports.Free(1)[0];
        var folder = Directory.CreateTempSubdirectory("redis-oracle-").FullName;
        using var oracle = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("redis-server")
        {
            ArgumentList = { "--port", $"{port}", "--cluster-port", $"{Ports.Free(1)[0]}", "--save", "", "--bind", "127.0.0.1", "--cluster-enabled", "yes", "--dir", folder }, RedirectStandardOutput = true,
        })!;
        try
        {
            await nodes.UntilAsync(async () => (await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "ping")).Contains("PONG", StringComparison.Ordinal), "redis-server does not answer");
            var (ours, theirs) = ((await nodes.IdAsync(0)), (await RedisCluster.RunAsync("redis-cli", "-p", $"{port}", "cluster", "myid")).Trim());
            var differences = new List<string>();
            foreach (var line in Commands.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                var mine = (await nodes.CliAsync(0, Words(line, ours))).Replace(ours, "MYID", StringComparison.Ordinal);
                var its = (await RedisCluster.RunAsync("redis-cli", ["-p", $"{port}", .. Words(line, theirs)])).Replace(theirs, "MYID", StringComparison.Ordinal);
                if (mine != its) differences.Add($"{line}\n  redis: {its.Trim()}\n  here:  {mine.Trim()}");
            }

            Assert.True(differences.Count == 0, string.Join('\n', differences));
        }
        finally
        {
            oracle.Kill();
            await oracle.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string[] Words(string line, string self) => [.. line.Split(' ').Select(word => word == "MYID" ? self : word == "\"\"" ? "" : word)];

    /// <summary>What a node without a cluster is asked, in order: each changes both nodes alike.</summary>
    private const string Commands = """
        cluster
        cluster help x
        cluster nosuch
        cluster meet
        cluster meet a
        cluster meet 127.0.0.1 notaport
        cluster meet 127.0.0.1 7000 x
        cluster meet nohost 7000
        cluster meet 127.0.0.1 0
        cluster meet 127.0.0.1 70000
        cluster addslots
        cluster addslots x
        cluster addslots -1
        cluster addslots 16384
        cluster addslots 1 1
        cluster addslotsrange
        cluster addslotsrange 1
        cluster addslotsrange 1 2 3
        cluster addslotsrange 5 3
        cluster addslotsrange 1 3 2 4
        cluster addslots 5
        cluster addslots 5
        cluster addslotsrange 4 6
        cluster delslots
        cluster delslots 9
        cluster delslots 5 5
        cluster delslotsrange 5
        cluster delslotsrange 4 6
        cluster delslots 5
        cluster setslot
        cluster setslot 1
        cluster setslot x stable
        cluster setslot 1 foo
        cluster setslot 1 node
        cluster setslot 1 node abc
        cluster setslot 1 migrating abc
        cluster setslot 1 importing abc
        cluster setslot 1 stable
        cluster setslot 1 stable x
        cluster set-config-epoch x
        cluster set-config-epoch -1
        cluster bumpepoch
        cluster bumpepoch x
        cluster set-config-epoch 5
        cluster replicate
        cluster replicate abc
        cluster replicate MYID
        cluster failover
        cluster failover force
        cluster failover xx
        cluster failover force x
        cluster forget
        cluster forget abc
        cluster forget MYID
        cluster reset xx
        cluster reset soft x
        cluster saveconfig
        cluster saveconfig x
        cluster count-failure-reports
        cluster count-failure-reports abc
        cluster count-failure-reports MYID
        cluster replicas
        cluster replicas abc
        cluster replicas MYID
        cluster slaves MYID
        cluster keyslot
        cluster keyslot a
        cluster countkeysinslot x
        cluster countkeysinslot -1
        cluster countkeysinslot 16384
        cluster countkeysinslot 1
        cluster getkeysinslot 1
        cluster getkeysinslot 1 x
        cluster getkeysinslot 1 -1
        cluster getkeysinslot 99999 1
        cluster getkeysinslot x 1
        cluster getkeysinslot 1 1
        cluster flushslots
        cluster flushslots x
        cluster myid x
        cluster nodes x
        cluster slots
        cluster slots x
        cluster shards x
        cluster info x
        cluster links
        cluster links x
        set a b
        get a
        asking
        asking x
        readonly x
        readwrite x
        migrate
        migrate 127.0.0.1 6379
        migrate 127.0.0.1 6379 a 0 100
        migrate 127.0.0.1 6379 a 0 100 keys b
        cluster addslotsrange 0 100
        cluster countkeysinslot 5
        cluster setslot 5 node MYID
        cluster setslot 5 importing MYID
        set a b
        set c d
        cluster flushslots
        cluster addslotsrange 5 9
        cluster reset
        cluster addslots 5
        """;
}
