namespace Holdfast.Keyspace.Tests;

/// <summary>Who does not read what it is sent is cut off, by its class (client-output-buffer-limit); nobody else notices.</summary>
public sealed class OutputLimitTests
{
    private readonly LocalShards shards = new();

    [Fact]
    public void A_client_is_cut_off_beyond_the_hard_limit_of_its_class()
    {
        var (slow, other) = (shards.Connect(), shards.Connect());
        Assert.Equal("+OK", other.Ask("CONFIG", "SET", "client-output-buffer-limit", "normal 20000 0 0"));
        Assert.Equal("*2 $26 client-output-buffer-limit $71 normal 20000 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", other.Ask("CONFIG", "GET", "client-output-buffer-limit"));
        other.Ask("SET", "big", new string('x', 15_000));
        slow.IsDeaf = true;
        slow.Send("GET", "big");
        Assert.False(slow.IsClosed);
        Assert.Contains("obl=15010 oll=0 omem=0", other.Ask("CLIENT", "LIST"), StringComparison.Ordinal);
        slow.Send("GET", "big");
        Assert.True(slow.IsClosed);
        Assert.Equal("+PONG", other.Ask("PING"));
        Assert.Contains("client_output_buffer_limit_disconnections:1", other.Ask("INFO", "stats"), StringComparison.Ordinal);
    }

    [Fact]
    public void Subscribers_have_limits_of_their_own()
    {
        var (slow, other) = (shards.Connect(), shards.Connect());
        other.Ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1000 0 0");
        slow.Ask("SUBSCRIBE", "news");
        slow.IsDeaf = true;
        Assert.Equal(":1", other.Ask("PUBLISH", "news", new string('x', 900)));
        Assert.False(slow.IsClosed);
        Assert.Equal(":1", other.Ask("PUBLISH", "news", new string('x', 900)));
        Assert.True(slow.IsClosed);
        Assert.Equal(":0", other.Ask("PUBLISH", "news", "x"));
    }

    [Fact]
    public void The_soft_limit_gives_time()
    {
        var (slow, other) = (shards.Connect(), shards.Connect());
        other.Ask("CONFIG", "SET", "client-output-buffer-limit", "normal 0 1kb 10");
        other.Ask("SET", "big", new string('x', 2000));
        slow.IsDeaf = true;
        slow.Send("GET", "big");
        shards.Pass(TimeSpan.FromSeconds(9));
        slow.Send("PING");
        Assert.False(slow.IsClosed);
        shards.Pass(TimeSpan.FromSeconds(2));
        slow.Send("PING");
        Assert.True(slow.IsClosed);
    }

    [Theory]
    [InlineData("normal 1 1")]
    [InlineData("nobody 1 1 1")]
    [InlineData("normal x 1 1")]
    [InlineData("")]
    public void What_is_no_limit_is_refused(string said) =>
        Assert.StartsWith("-ERR CONFIG SET failed", shards.Connect().Ask("CONFIG", "SET", "client-output-buffer-limit", said), StringComparison.Ordinal);
}
