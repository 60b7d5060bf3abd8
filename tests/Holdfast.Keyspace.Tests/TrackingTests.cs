namespace Holdfast.Keyspace.Tests;

/// <summary>Clients that cache hear of changes, and of nothing that could be lost (S18).</summary>
public sealed class TrackingTests
{
    private readonly LocalShards shards = new();

    private LocalClient Tracking(params string[] options)
    {
        var client = shards.Connect();
        client.Ask("HELLO", "3");
        Assert.Equal("+OK", client.Ask(["CLIENT", "TRACKING", "ON", .. options]));
        return client;
    }

    [Fact]
    public void A_key_that_was_read_is_told_once_and_read_again_it_is_told_again()
    {
        var reader = Tracking();
        var writer = shards.Connect();
        Assert.Equal("_", reader.Ask("GET", "a"));
        writer.Ask("SET", "a", "1");
        Assert.Equal(">2 $10 invalidate *1 $1 a", reader.Take());
        writer.Ask("SET", "a", "2");
        Assert.Equal("(nothing)", reader.Take());
        Assert.Equal("$1 2", reader.Ask("GET", "a"));
        writer.Ask("EVAL", "return redis.call('del',KEYS[1])", "1", "a");
        Assert.Equal(">2 $10 invalidate *1 $1 a", reader.Take());
    }

    [Fact]
    public void Nothing_is_told_before_the_entry_is_committed_S18()
    {
        var reader = Tracking();
        var writer = shards.Connect();
        reader.Ask("GET", "a");
        shards.CommitsAtOnce = false;
        writer.Send("SET", "a", "1");
        Assert.Equal("(nothing)", reader.Take());
        shards.CommitAll();
        Assert.Equal(">2 $10 invalidate *1 $1 a", reader.Take());
        Assert.Equal("+OK", writer.Take());
    }

    [Fact]
    public void Its_own_changes_come_behind_the_reply_or_not_at_all()
    {
        var loud = Tracking();
        loud.Ask("GET", "a");
        Assert.Equal("+OK", loud.Ask("SET", "a", "1"));
        Assert.Equal(">2 $10 invalidate *1 $1 a", loud.Take());
        var quiet = Tracking("NOLOOP");
        quiet.Ask("GET", "a");
        Assert.Equal("+OK", quiet.Ask("SET", "a", "1"));
        Assert.Equal("(nothing)", quiet.Take());
    }

    [Fact]
    public void Broadcast_tells_of_prefixes_whatever_was_read()
    {
        var listener = Tracking("BCAST", "PREFIX", "user:");
        var writer = shards.Connect();
        writer.Ask("SET", "user:1", "x");
        Assert.Equal(">2 $10 invalidate *1 $6 user:1", listener.Take());
        writer.Ask("SET", "user:1", "y");
        Assert.Equal(">2 $10 invalidate *1 $6 user:1", listener.Take());
        writer.Ask("SET", "other", "y");
        Assert.Equal("(nothing)", listener.Take());
    }

    [Fact]
    public void Opting_in_and_out_holds_for_one_command()
    {
        var chosen = Tracking("OPTIN");
        var writer = shards.Connect();
        chosen.Ask("GET", "a");
        chosen.Ask("CLIENT", "CACHING", "YES");
        chosen.Ask("GET", "b");
        chosen.Ask("GET", "c");
        writer.Ask("SET", "a", "1");
        writer.Ask("SET", "c", "1");
        Assert.Equal("(nothing)", chosen.Take());
        writer.Ask("SET", "b", "1");
        Assert.Equal(">2 $10 invalidate *1 $1 b", chosen.Take());
    }

    [Fact]
    public void Everything_is_told_to_be_forgotten_when_all_is_flushed_and_when_the_shard_is_lost()
    {
        var reader = Tracking();
        var writer = shards.Connect();
        writer.Ask("SET", "a", "1");
        reader.Ask("GET", "a");
        writer.Ask("FLUSHALL");
        Assert.Equal(">2 $10 invalidate _", reader.Take());
        reader.Ask("GET", "a");
        shards.Leader.OnRole(new Replication.GroupRole(false, new Primitives.Term(2), new Primitives.NodeId(2)));
        Assert.Equal(">2 $10 invalidate _", reader.Take());
    }

    [Fact]
    public void A_key_that_expires_is_told_and_a_redirection_that_is_gone_is_said()
    {
        var ear = shards.Connect();
        ear.Ask("HELLO", "3");
        var reader = Tracking("REDIRECT", ear.Ask("CLIENT", "ID")[1..]);
        var writer = shards.Connect();
        writer.Ask("SET", "a", "1", "PX", "10");
        reader.Ask("GET", "a");
        shards.Clock += 1_000_000;
        writer.Ask("GET", "a");
        Assert.Equal(">2 $10 invalidate *1 $1 a", ear.Take());
        reader.Ask("GET", "b");
        ear.Ask("QUIT");
        writer.Ask("SET", "b", "1");
        Assert.StartsWith(">2 $21 tracking-redir-broken :", reader.Take());
    }

    [Fact]
    public void A_key_too_many_has_another_one_told_and_forgotten()
    {
        const int KeysAtOnce = 10_000;
        var reader = Tracking();
        for (var from = 0; from < TrackingTable.KeysMax; from += KeysAtOnce)
        {
            reader.Send(["MGET", .. Enumerable.Range(from, KeysAtOnce).Select(static key => $"{{a}}{key}")]);
            Assert.StartsWith($"*{KeysAtOnce} ", reader.Take(), StringComparison.Ordinal);
        }

        Assert.Equal("(nothing)", reader.Take());
        var replies = $"{reader.Ask("GET", "{a}one more")} {reader.Take()}";
        Assert.Contains("invalidate", replies, StringComparison.Ordinal);
    }
}
