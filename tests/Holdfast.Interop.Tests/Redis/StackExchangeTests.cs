using System.Collections.Concurrent;
using System.Net;
using Medallion.Threading.Redis;
using StackExchange.Redis;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>StackExchange.Redis, unchanged, over three processes, and the locks that are built on it.</summary>
public sealed class StackExchangeTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    [Fact]
    public async Task The_cluster_is_found_and_every_kind_of_command_is_answered()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var client = await ConnectAsync(cluster, only: 0);
        await RedisServer.UntilAsync(() => Task.FromResult(client.GetEndPoints().Length == 3 && client.GetServers().All(server => server.IsConnected)), "the other nodes are not found");
        Assert.All(client.GetServers(), server => Assert.Equal((ServerType.Cluster, RedisProtocol.Resp3), (server.ServerType, server.Protocol)));
        var configuration = (await client.GetServers()[0].ClusterNodesAsync())!;
        Assert.Equal(16384, configuration.Nodes.Sum(node => node.Slots.Sum(range => range.To - range.From + 1)));

        await StringsAndCollectionsAsync(client.GetDatabase());
        await TransactionsAsync(client.GetDatabase());
        await BatchAsync(client.GetDatabase());
        await ScriptsAsync(client);
        await StreamsAsync(client.GetDatabase());
        await ServersAsync(client);
    }

    [Fact]
    public async Task Messages_reach_subscribers_of_channels_patterns_and_shards()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var client = await ConnectAsync(cluster);
        await using var other = await ConnectAsync(cluster);
        var heard = new ConcurrentQueue<string>();
        var subscriber = client.GetSubscriber();
        foreach (var channel in (RedisChannel[])[RedisChannel.Literal("news"), RedisChannel.Pattern("weather.*"), RedisChannel.Sharded("shard")])
            await subscriber.SubscribeAsync(channel, (from, message) => heard.Enqueue($"{from} {message}"));
        await RedisServer.UntilAsync(async () => await other.GetDatabase().PublishAsync(RedisChannel.Sharded("shard"), "first") == 1, "nobody listens to the shard channel");
        await other.GetDatabase().PublishAsync(RedisChannel.Literal("news"), "today");
        await other.GetDatabase().PublishAsync(RedisChannel.Literal("weather.sea"), "calm");
        string[] expected = ["news today", "shard first", "weather.sea calm"];
        await RedisServer.UntilAsync(() => Task.FromResult(expected.All(heard.Contains)), $"heard: {string.Join(", ", heard)}");
        Assert.Equal(expected, heard.Order(StringComparer.Ordinal));
        await subscriber.UnsubscribeAllAsync();
    }

    [Fact]
    public async Task Locks_are_held_by_one_at_a_time()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var client = await ConnectAsync(cluster);
        var database = client.GetDatabase();
        Assert.True(await database.LockTakeAsync("lock", "ann", TimeSpan.FromMinutes(5)));
        Assert.False(await database.LockTakeAsync("lock", "bob", TimeSpan.FromMinutes(5)));
        Assert.False(await database.LockReleaseAsync("lock", "bob"));
        Assert.True(await database.LockExtendAsync("lock", "ann", TimeSpan.FromMinutes(10)));
        Assert.Equal("ann", await database.LockQueryAsync("lock"));
        Assert.True(await database.LockReleaseAsync("lock", "ann"));

        var mutex = new RedisDistributedLock("mutex", database);
        await using (await mutex.AcquireAsync(Patience))
            Assert.Null(await new RedisDistributedLock("mutex", database).TryAcquireAsync());
        await using (var again = await mutex.TryAcquireAsync(Patience))
            Assert.NotNull(again);
        var semaphore = new RedisDistributedSemaphore("semaphore", 2, database);
        await using (await semaphore.AcquireAsync(Patience))
        await using (await semaphore.AcquireAsync(Patience))
            Assert.Null(await semaphore.TryAcquireAsync());
        var shared = new RedisDistributedReaderWriterLock("{shared}", database);
        await using (await shared.AcquireReadLockAsync(Patience))
        await using (await shared.AcquireReadLockAsync(Patience))
            Assert.Null(await shared.TryAcquireWriteLockAsync());
        await using (await shared.AcquireWriteLockAsync(Patience))
            Assert.Null(await shared.TryAcquireReadLockAsync());

        var (inside, counter) = (0, 0);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            for (var i = 0; i < 10; i++)
            {
                await using var held = await new RedisDistributedLock("counted", database).AcquireAsync(Patience);
                Assert.Equal(1, Interlocked.Increment(ref inside));
                counter++;
                Interlocked.Decrement(ref inside);
            }
        }));
        Assert.Equal(60, counter);
    }

    [Fact]
    public async Task A_killed_leader_costs_no_acknowledged_write_and_no_lock()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await using var client = await ConnectAsync(cluster);
        var database = client.GetDatabase();
        var held = Enumerable.Range(0, 20).Select(number => (RedisKey)$"held:{number}").ToArray();
        foreach (var key in held) Assert.True(await database.LockTakeAsync(key, "ann", TimeSpan.FromMinutes(30)));
        var (acknowledged, tried, count) = (new int[40], new int[40], 0);
        using var stopping = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (var number = 1; !stopping.IsCancellationRequested; number++)
            {
                tried[number % 40] = number;
                try
                {
                    await database.StringSetAsync($"w:{number % 40}", number);
                    acknowledged[number % 40] = number;
                    Interlocked.Increment(ref count);
                }
                catch (Exception unknown) when (unknown is RedisException or TimeoutException)
                {
                    // Nobody knows what became of it.
                    await Task.Delay(20);
                }
            }
        });
        await RedisServer.UntilAsync(() => Task.FromResult(Volatile.Read(ref count) > 100), "nothing is written");
        cluster.Nodes.Kill(0);
        var before = Volatile.Read(ref count);
        await RedisServer.UntilAsync(() => Task.FromResult(Volatile.Read(ref count) > before + 500), "nothing is written after the kill");
        await stopping.CancelAsync();
        await writing;
        await cluster.UntilServedAsync(-1);
        for (var i = 0; i < 40; i++) Assert.InRange((int)await AskAsync(() => database.StringGetAsync($"w:{i}")), acknowledged[i], tried[i]);
        foreach (var key in held) Assert.False(await AskAsync(() => database.LockTakeAsync(key, "bob", TimeSpan.FromMinutes(5))), $"{key} was given to another");
    }

    private static Task<ConnectionMultiplexer> ConnectAsync(RedisCluster cluster, int only = -1)
    {
        var options = new ConfigurationOptions { AbortOnConnectFail = false, AllowAdmin = true, AsyncTimeout = 10_000 };
        for (var node = 0; node < cluster.Ports.Length; node++)
            if (only < 0 || node == only) options.EndPoints.Add(IPAddress.Loopback, cluster.Ports[node]);
        return ConnectionMultiplexer.ConnectAsync(options);
    }

    /// <summary>Reads, and asks again as long as a connection to a node that is gone is in the way.</summary>
    private static async Task<TReply> AskAsync<TReply>(Func<Task<TReply>> ask)
    {
        for (var begun = System.Diagnostics.Stopwatch.StartNew(); ; await Task.Delay(20))
        {
            try
            {
                return await ask();
            }
            catch (Exception broken) when (broken is RedisException or TimeoutException && begun.Elapsed < Patience)
            {
                // Once more.
            }
        }
    }

    private static async Task StringsAndCollectionsAsync(IDatabase database)
    {
        for (var i = 0; i < 60; i++) Assert.True(await database.StringSetAsync($"key{i}", $"value{i}", TimeSpan.FromMinutes(10)));
        for (var i = 0; i < 60; i++) Assert.Equal($"value{i}", await database.StringGetAsync($"key{i}"));
        Assert.Equal(5, await database.StringIncrementAsync("number", 5));
        Assert.Equal(5.5, await database.StringIncrementAsync("number", 0.5));
        Assert.InRange((await database.KeyTimeToLiveAsync("key1"))!.Value.TotalSeconds, 1, 600);
        await database.HashSetAsync("hash", [new HashEntry("name", "Ann"), new HashEntry("age", 42)]);
        Assert.Equal(42, (int)await database.HashGetAsync("hash", "age"));
        Assert.Equal(2, (await database.HashGetAllAsync("hash")).Length);
        await database.SortedSetAddAsync("scores", [new SortedSetEntry("a", 1.5), new SortedSetEntry("b", double.PositiveInfinity)]);
        Assert.Equal([1.5, double.PositiveInfinity], (await database.SortedSetRangeByRankWithScoresAsync("scores")).Select(entry => entry.Score));
        Assert.Equal(3, await database.SetAddAsync("set", ["x", "y", "z"]));
        Assert.Equal(["x", "y", "z"], (await database.SetMembersAsync("set")).Select(member => (string)member!).Order(StringComparer.Ordinal));
        Assert.Equal(3, await database.ListRightPushAsync("list", ["1", "2", "3"]));
        Assert.Equal(["1", "2", "3"], (await database.ListRangeAsync("list")).Select(item => (string)item!));
        await database.GeoAddAsync("geo", 13.361389, 38.115556, "Palermo");
        Assert.Equal(38.115556, (await database.GeoPositionAsync("geo", "Palermo"))!.Value.Latitude, 4);
        Assert.True(await database.HyperLogLogAddAsync("hll", ["a", "b"]));
        Assert.Equal(2, await database.HyperLogLogLengthAsync("hll"));
        var dump = (await database.KeyDumpAsync("hash"))!;
        await database.KeyRestoreAsync("copy", dump);
        Assert.Equal("Ann", await database.HashGetAsync("copy", "name"));
        Assert.Equal("listpack", await database.KeyEncodingAsync("hash"));
        Assert.Equal(RedisType.SortedSet, await database.KeyTypeAsync("scores"));
        var wrong = await Assert.ThrowsAsync<RedisServerException>(() => database.ListLengthAsync("hash"));
        Assert.StartsWith("WRONGTYPE", wrong.Message, StringComparison.Ordinal);
        var scanned = 0;
        await foreach (var _ in database.HashScanAsync("hash")) scanned++;
        Assert.Equal(2, scanned);
    }

    private static async Task TransactionsAsync(IDatabase database)
    {
        var first = database.CreateTransaction();
        first.AddCondition(Condition.KeyNotExists("{t}a"));
        var set = first.StringSetAsync("{t}a", "1");
        var raised = first.StringIncrementAsync("{t}a", 41);
        Assert.True(await first.ExecuteAsync());
        Assert.True(await set);
        Assert.Equal(42, await raised);
        var second = database.CreateTransaction();
        second.AddCondition(Condition.KeyNotExists("{t}a"));
        _ = second.StringIncrementAsync("{t}a", 1000);
        Assert.False(await second.ExecuteAsync());
        Assert.Equal(42, await database.StringGetAsync("{t}a"));
    }

    private static async Task BatchAsync(IDatabase database)
    {
        var batch = database.CreateBatch();
        var replies = Enumerable.Range(0, 100).Select(number => batch.StringSetAsync($"batch{number}", number)).ToArray();
        batch.Execute();
        Assert.All(await Task.WhenAll(replies), Assert.True);
    }

    private static async Task ScriptsAsync(ConnectionMultiplexer client)
    {
        var database = client.GetDatabase();
        var reply = await database.ScriptEvaluateAsync("redis.call('set', KEYS[1], ARGV[1]) return {redis.call('get', KEYS[1]), 7}", ["{s}a"], ["x"]);
        Assert.Equal(["x", "7"], ((RedisResult[])reply!).Select(part => (string)part!));
        var prepared = LuaScript.Prepare("return redis.call('incrby', @key, @value)");
        Assert.Equal(3, (int)await database.ScriptEvaluateAsync(prepared, new { key = (RedisKey)"{s}n", value = 3 }));
        foreach (var server in client.GetServers()) await server.ScriptFlushAsync();
        Assert.Equal(6, (int)await database.ScriptEvaluateAsync(prepared, new { key = (RedisKey)"{s}n", value = 3 }));
        var failed = await Assert.ThrowsAsync<RedisServerException>(() => database.ScriptEvaluateAsync("return redis.call('incr', KEYS[1])", ["{s}a"]));
        Assert.Contains("not an integer", failed.Message, StringComparison.Ordinal);
    }

    private static async Task StreamsAsync(IDatabase database)
    {
        Assert.True(await database.StreamCreateConsumerGroupAsync("stream", "group", "0-0"));
        var id = await database.StreamAddAsync("stream", "job", "1");
        var read = await database.StreamReadGroupAsync("stream", "group", "ann", ">");
        Assert.Equal(id, Assert.Single(read).Id);
        Assert.Equal(1, (await database.StreamPendingAsync("stream", "group")).PendingMessageCount);
        Assert.Equal(id, Assert.Single(await database.StreamClaimAsync("stream", "group", "bob", 0, [id])).Id);
        Assert.Equal(1, await database.StreamAcknowledgeAsync("stream", "group", id));
        Assert.Equal(1, (await database.StreamInfoAsync("stream")).Length);
        Assert.Equal("group", Assert.Single(await database.StreamGroupInfoAsync("stream")).Name);
        Assert.Equal(["ann", "bob"], (await database.StreamConsumerInfoAsync("stream", "group")).Select(consumer => consumer.Name));
    }

    private static async Task ServersAsync(ConnectionMultiplexer client)
    {
        var found = 0;
        foreach (var server in client.GetServers())
        {
            await foreach (var _ in server.KeysAsync(pattern: "batch*", pageSize: 10)) found++;
            Assert.Contains((await server.InfoAsync("server"))[0], field => field is { Key: "redis_mode", Value: "cluster" });
            Assert.NotEmpty(await server.ClientListAsync());
            Assert.Equal("noeviction", Assert.Single(await server.ConfigGetAsync("maxmemory-policy")).Value);
            Assert.True((await server.TimeAsync()).Year >= 2025);
            Assert.True(await server.DatabaseSizeAsync() > 0);
            Assert.NotNull(await server.SlowlogGetAsync());
            Assert.Equal("master", (await server.RoleAsync()).Value);
            Assert.True((await server.PingAsync()) >= TimeSpan.Zero);
            Assert.Empty(await server.LatencyLatestAsync());
        }

        Assert.Equal(100, found);
    }
}
