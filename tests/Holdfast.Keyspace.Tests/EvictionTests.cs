namespace Holdfast.Keyspace.Tests;

/// <summary>Memory that may be used is used, and no more: by each policy the right keys go, and replicas see only deletions.</summary>
public sealed class EvictionTests
{
    private readonly LocalShards shards = new();

    private static void Fill(LocalClient client, int from, int to, params string[] options)
    {
        for (var i = from; i < to; i++) client.Ask(["SET", $"key:{i}", new string('x', 200), .. options]);
    }

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("allkeys-lfu")]
    [InlineData("allkeys-random")]
    public void Memory_stays_within_its_bound_and_all_writes_are_taken(string policy)
    {
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "maxmemory", "500kb", "maxmemory-policy", policy);
        Fill(client, 0, 5000);
        Assert.InRange(shards.Node.MemoryUsed, 400 * 1024, 505 * 1024);
        Assert.InRange(shards.Node.Counters.EvictedKeys, 2000, 4999);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("allkeys-lfu")]
    public void Keys_that_are_used_stay(string policy) => Assert.InRange(KeptOfUsed(policy, PlantedShardBug.None), 190, 200);

    [Theory]
    [InlineData("allkeys-lru")]
    [InlineData("allkeys-lfu")]
    public void Samples_that_never_see_some_of_the_keys_are_found_out(string policy) => Assert.InRange(KeptOfUsed(policy, PlantedShardBug.UndenseSampling), 0, 150);

    /// <summary>How many of 200 keys that are used stay, of 2000, when half of all must go.</summary>
    private static int KeptOfUsed(string policy, PlantedShardBug bug)
    {
        var shards = new LocalShards(bug: bug);
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "maxmemory-policy", policy, "maxmemory-samples", "10");
        Fill(client, 0, 2000);
        for (var round = 0; round < 20; round++)
        {
            shards.Clock += 30_000_000;
            for (var i = 0; i < 200; i++) client.Ask("GET", $"key:{i}");
        }

        client.Ask("CONFIG", "SET", "maxmemory", $"{shards.Node.MemoryUsed / 2}");
        Fill(client, 2000, 2100);
        return Enumerable.Range(0, 200).Count(i => client.Ask("EXISTS", $"key:{i}") == ":1");
    }

    [Theory]
    [InlineData("volatile-lru")]
    [InlineData("volatile-lfu")]
    [InlineData("volatile-random")]
    [InlineData("volatile-ttl")]
    public void Only_keys_that_would_expire_go_and_then_writes_are_refused(string policy)
    {
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "maxmemory-policy", policy);
        Fill(client, 0, 500);
        Fill(client, 500, 1000, "EX", "1000");
        client.Ask("CONFIG", "SET", "maxmemory", $"{shards.Node.MemoryUsed / 4}");
        for (var i = 0; i < 50; i++) client.Ask("SET", "more", "x");
        Assert.Equal("-OOM command not allowed when used memory > 'maxmemory'.", client.Ask("SET", "more", "x"));
        Assert.Equal("+OK", client.Ask("CONFIG", "SET", "maxmemory", "0"));
        Assert.All(Enumerable.Range(0, 500), i => Assert.Equal(":1", client.Ask("EXISTS", $"key:{i}")));
        Assert.All(Enumerable.Range(500, 500), i => Assert.Equal(":0", client.Ask("EXISTS", $"key:{i}")));
    }

    [Fact]
    public void The_nearest_to_expire_goes_first()
    {
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "maxmemory-policy", "volatile-ttl", "maxmemory-samples", "20");
        for (var i = 0; i < 1000; i++) client.Ask("SET", $"key:{i}", new string('x', 200), "EX", $"{1000 + i}");
        client.Ask("CONFIG", "SET", "maxmemory", $"{shards.Node.MemoryUsed / 2}");
        for (var i = 0; i < 20; i++) client.Ask("SET", "more", "x");
        var late = Enumerable.Range(800, 200).Count(i => client.Ask("EXISTS", $"key:{i}") == ":1");
        Assert.True(late >= 190, $"of the 200 that expire last {late} stayed");
    }

    [Fact]
    public void Without_a_policy_nothing_goes_and_what_frees_memory_is_allowed()
    {
        var client = shards.Connect();
        Fill(client, 0, 100);
        client.Ask("CONFIG", "SET", "maxmemory", "1");
        Assert.Equal("-OOM command not allowed when used memory > 'maxmemory'.", client.Ask("SET", "more", "x"));
        Assert.Equal(":1", client.Ask("DEL", "key:1"));
        Assert.Equal(":99", client.Ask("DBSIZE"));
    }

    [Fact]
    public void Evictions_are_taken_back_with_their_entry_S20()
    {
        var client = shards.Connect();
        client.Ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
        Fill(client, 0, 500);
        var content = LocalShards.ContentOf(shards.Leader);
        client.Ask("CONFIG", "SET", "maxmemory", $"{shards.Node.MemoryUsed / 2}");
        shards.CommitsAtOnce = false;
        client.Send("SET", "more", "x");
        Assert.NotEqual(content, LocalShards.ContentOf(shards.Leader));
        Assert.True(shards.Truncate(), "the tail could not be taken back");
        Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
    }

    [Fact]
    public void Slow_commands_are_written_down_and_those_who_watch_see_all()
    {
        var client = shards.Connect();
        var watcher = shards.Connect();
        Assert.Equal("+OK", watcher.Ask("MONITOR"));
        var now = shards.Node.Now;
        shards.Node.ReadClock = () => now += TimeSpan.FromMilliseconds(20);
        client.Ask("SET", "a", "b\"c");
        Assert.Contains("\"SET\" \"a\" \"b\\x5c\"c\"", watcher.Take().Replace("\\x5c\\x5c", "\\x5c", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("*3 $3 SET $1 a $3 b\"c", client.Ask("SLOWLOG", "GET", "1"), StringComparison.Ordinal);
        Assert.Contains("cmdstat_set:calls=1,usec=20000", client.Ask("INFO", "commandstats"), StringComparison.Ordinal);
    }

    [Fact]
    public void Replies_that_are_not_wanted_are_not_sent_and_pauses_hold_writes()
    {
        var client = shards.Connect();
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("SET", "a", "1");
        Assert.Equal("$1 1", client.Ask("GET", "a"));
        client.Send("CLIENT", "REPLY", "OFF");
        client.Send("SET", "a", "2");
        Assert.Equal("+OK", client.Ask("CLIENT", "REPLY", "ON"));
        client.Ask("CLIENT", "PAUSE", "1000", "WRITE");
        Assert.Equal("$1 2", client.Ask("GET", "a"));
        client.Send("SET", "a", "3");
        Assert.Equal("(nothing)", client.Take());
        Assert.Single(shards.Node.Waiting);
    }
}
