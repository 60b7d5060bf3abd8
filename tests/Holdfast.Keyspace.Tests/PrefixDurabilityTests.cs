namespace Holdfast.Keyspace.Tests;

/// <summary>When a write is answered may be said by prefixes of keys: the longest counts, the strictest of a command's keys, and what the connection has said itself.</summary>
public sealed class PrefixDurabilityTests
{
    private readonly LocalShards shards = new();

    private LocalClient Connect()
    {
        var client = shards.Connect();
        Assert.Equal("+OK", client.Ask("HOLDFAST.PREFIX", "cache:", "async"));
        Assert.Equal("+OK", client.Ask("HOLDFAST.PREFIX", "cache:money:", "quorum"));
        shards.CommitsAtOnce = false;
        return client;
    }

    private void Waits(LocalClient client, params string[] words)
    {
        client.Send(words);
        Assert.Equal("(nothing)", client.Take());
        shards.CommitAll();
        Assert.NotEqual("(nothing)", client.Take());
    }

    [Fact]
    public void Keys_of_a_prefix_are_answered_as_it_says()
    {
        var client = Connect();
        Assert.Equal("*4 $12 cache:money: $6 quorum $6 cache: $5 async", client.Ask("HOLDFAST.PREFIX"));
        Assert.Equal("+OK", client.Ask("SET", "cache:a", "1"));
        Waits(client, "SET", "other", "1");
        Waits(client, "SET", "cache:money:a", "1");
        Assert.Equal("+OK", client.Ask("HOLDFAST.PREFIX", "cache:", "default"));
        Waits(client, "SET", "cache:a", "1");
    }

    [Fact]
    public void The_strictest_of_a_commands_keys_counts_and_of_a_transactions()
    {
        var client = Connect();
        Assert.Equal("+OK", client.Ask("MSET", "cache:{x}a", "1", "cache:{x}b", "2"));
        Waits(client, "MSET", "cache:{x}a", "1", "{x}b", "2");
        client.Ask("MULTI");
        client.Ask("SET", "cache:{x}a", "1");
        Assert.Equal("*1 +OK", client.Ask("EXEC"));
        client.Ask("MULTI");
        client.Ask("SET", "cache:{x}a", "1");
        client.Ask("SET", "{x}b", "1");
        Waits(client, "EXEC");
    }

    [Fact]
    public void What_a_connection_says_itself_counts_more()
    {
        var client = Connect();
        client.Ask("HOLDFAST.DURABILITY", "quorum");
        Waits(client, "SET", "cache:a", "1");
        client.Ask("HOLDFAST.DURABILITY", "async");
        Assert.Equal("+OK", client.Ask("SET", "cache:money:a", "1"));
        client.Ask("RESET");
        Assert.Equal("+OK", client.Ask("SET", "cache:a", "1"));
        Waits(client, "SET", "cache:money:a", "1");
    }

    [Fact]
    public void Bad_words_are_refused()
    {
        var client = shards.Connect();
        Assert.Equal("-ERR syntax error", client.Ask("HOLDFAST.PREFIX", "a", "sometimes"));
        Assert.Equal("-ERR syntax error", client.Ask("HOLDFAST.PREFIX", "a"));
        Assert.StartsWith("-ERR a prefix has", client.Ask("HOLDFAST.PREFIX", "", "async"), StringComparison.Ordinal);
        for (var i = 0; i < PrefixDurability.PrefixesMax; i++) Assert.Equal("+OK", client.Ask("HOLDFAST.PREFIX", $"p{i}:", "async"));
        Assert.StartsWith("-ERR no more than", client.Ask("HOLDFAST.PREFIX", "one more", "async"), StringComparison.Ordinal);
        Assert.Equal("+OK", client.Ask("HOLDFAST.PREFIX", "p7:", "quorum"));
    }
}
