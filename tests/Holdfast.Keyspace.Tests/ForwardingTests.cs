using System.Text;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Tests;

/// <summary>Clients that know nothing of clusters: any node answers for every key, in the order of the commands, and says clearly what it cannot know.</summary>
public sealed class ForwardingTests
{
    private readonly LocalNodes nodes = new(3);

    [Fact]
    public void Without_it_the_client_is_sent_on()
    {
        var client = nodes.Connect(forwards: false);
        Assert.StartsWith("-MOVED ", client.Ask("GET", nodes.KeyAt(1)), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_key_is_seen_through_any_node()
    {
        var client = nodes.Connect();
        for (var i = 0; i < 3; i++) Assert.Equal("+OK", client.Ask("SET", nodes.KeyAt(i), $"{i}"));
        for (var i = 0; i < 3; i++) Assert.Equal($"$1 {i}", client.Ask("GET", nodes.KeyAt(i)));
        Assert.Equal("-WRONGTYPE Operation against a key holding the wrong kind of value", client.Ask("LPUSH", nodes.KeyAt(2), "x"));
        Assert.Equal(1, nodes.All[1].Leader.State.ServedKeys);
    }

    [Fact]
    public void Replies_keep_the_order_of_a_pipeline_over_three_nodes()
    {
        var client = nodes.Connect();
        var pipeline = new List<byte>();
        for (var i = 0; i < 600; i++) pipeline.AddRange(Request.Of(i % 7 == 0 ? ["ECHO", $"{i}"] : ["GETSET", nodes.KeyAt(i % 3, i % 5), $"v{i}"]));
        client.Send(pipeline.ToArray());
        var last = new Dictionary<(int, int), string>();
        for (var i = 0; i < 600; i++)
        {
            var reply = client.Take();
            if (i % 7 == 0)
            {
                Assert.Equal($"${$"{i}".Length} {i}", reply);
                continue;
            }

            var place = (i % 3, i % 5);
            Assert.Equal(last.TryGetValue(place, out var before) ? $"${before.Length} {before}" : "$-1", reply);
            last[place] = $"v{i}";
        }
    }

    [Fact]
    public void A_transaction_is_forwarded_whole()
    {
        var client = nodes.Connect();
        var key = nodes.KeyAt(1);
        client.Ask("MULTI");
        Assert.Equal("+QUEUED", client.Ask("INCR", key));
        Assert.Equal("+QUEUED", client.Ask("INCR", key));
        Assert.Equal("*2 :1 :2", client.Ask("EXEC"));
        Assert.Equal("$1 2", client.Ask("GET", key));
    }

    [Fact]
    public void A_watched_key_elsewhere_breaks_the_transaction_when_it_changes_and_not_otherwise()
    {
        var (client, other) = (nodes.Connect(), nodes.Connect());
        var key = nodes.KeyAt(2);
        Assert.Equal("+OK", client.Ask("WATCH", key));
        other.Ask("SET", key, "theirs");
        client.Ask("MULTI");
        client.Ask("SET", key, "mine");
        Assert.Equal("*-1", client.Ask("EXEC"));
        Assert.Equal("$6 theirs", client.Ask("GET", key));

        Assert.Equal("+OK", client.Ask("WATCH", key));
        client.Ask("MULTI");
        client.Ask("SET", key, "mine");
        Assert.Equal("*1 +OK", client.Ask("EXEC"));

        client.Ask("WATCH", key);
        client.Ask("UNWATCH");
        other.Ask("SET", key, "theirs");
        client.Ask("MULTI");
        client.Ask("SET", key, "again");
        Assert.Equal("*1 +OK", client.Ask("EXEC"));
    }

    [Fact]
    public void What_is_watched_elsewhere_than_it_is_used_breaks_the_transaction()
    {
        var client = nodes.Connect();
        client.Ask("WATCH", nodes.KeyAt(2));
        client.Ask("MULTI");
        client.Ask("SET", nodes.KeyAt(1), "x");
        Assert.Equal("*-1", client.Ask("EXEC"));
    }

    [Fact]
    public void A_blocking_command_waits_at_the_node_that_has_the_key()
    {
        var (client, other) = (nodes.Connect(), nodes.Connect());
        var key = nodes.KeyAt(1);
        client.Send("BLPOP", key, "0");
        Assert.Equal("(nothing)", client.Take());
        other.Ask("RPUSH", key, "a");
        Assert.Equal($"*2 $2 {key} $1 a".Replace("$2 ", $"${key.Length} ", StringComparison.Ordinal), client.Take());
        client.Send("BLPOP", key, "0");
        client.Session.Close();
        nodes.Turn();
        Assert.Equal(":1", other.Ask("RPUSH", key, "b"));
        Assert.Equal(1, nodes.All[1].Node.Forwards.Guests); // The other's; whoever waited is gone.
    }

    [Fact]
    public void A_write_whose_node_goes_away_has_an_unknown_outcome_and_a_read_is_asked_again_S19()
    {
        var (writer, reader) = (nodes.Connect(), nodes.Connect());
        var key = nodes.KeyAt(1);
        Assert.Equal("+OK", writer.Ask("SET", key, "x"));
        nodes.All[1].CommitsAtOnce = false;
        writer.Send("SET", key, "y");
        reader.Send("GET", key);
        nodes.Lose(1);
        nodes.Turn();
        Assert.True(writer.IsClosed);
        Assert.False(reader.IsClosed);
        nodes.All[1].CommitAll();
        nodes.All[1].CommitsAtOnce = true;
        nodes.Return(1);
        nodes.Turn();
        Assert.Equal("$1 y", reader.Take());
    }

    [Fact]
    public void A_node_that_stays_away_is_said_after_some_patience()
    {
        var client = nodes.Connect();
        var key = nodes.KeyAt(1);
        nodes.Lose(1);
        client.Send("SET", key, "x");
        Assert.Equal("(nothing)", client.Take());
        nodes.All[0].Pass(new KeyspaceOptions().LeaderPatience);
        nodes.Turn();
        Assert.Equal("-CLUSTERDOWN Hash slot not served", client.Take());
        Assert.Equal("+PONG", client.Ask("PING"));
    }

    [Fact]
    public void Commands_over_slots_are_spread_and_their_replies_put_together()
    {
        var client = nodes.Connect();
        var keys = Enumerable.Range(0, 30).Select(i => nodes.KeyAt(i % 3, i / 3)).ToArray();
        Assert.Equal("+OK", client.Ask(["MSET", .. keys.SelectMany((key, i) => (string[])[key, $"v{i:00}"])]));
        Assert.Equal("*30 " + string.Join(' ', keys.Select((_, i) => $"$3 v{i:00}")), client.Ask(["MGET", .. keys]));
        Assert.Equal("*3 $3 v01 $-1 $3 v00", client.Ask("MGET", keys[1], "absent", keys[0]));
        Assert.Equal(":31", client.Ask(["EXISTS", .. keys, keys[0]]));
        Assert.Equal(":30", client.Ask(["TOUCH", .. keys]));
        Assert.Equal(":29", client.Ask(["DEL", .. keys[1..], "absent"]));
        Assert.Equal(":1", client.Ask(["UNLINK", .. keys]));
        Assert.StartsWith("-CROSSSLOT", client.Ask("MSETNX", keys[0], "a", keys[1], "b"), StringComparison.Ordinal);
        client.Ask("RPUSH", keys[0], "list");
        Assert.Equal("*2 $-1 $-1", client.Ask("MGET", keys[0], keys[1]));
        client.Ask("MULTI");
        Assert.StartsWith("-CROSSSLOT", client.Ask("MGET", keys[0], keys[1]), StringComparison.Ordinal);
    }

    [Fact]
    public void A_large_value_goes_and_comes_in_parts()
    {
        var client = nodes.Connect();
        var key = nodes.KeyAt(2);
        var value = new string('x', 3_500_000);
        Assert.Equal("+OK", client.Ask("SET", key, value));
        Assert.Equal("$3500000 " + value, client.Ask("GET", key));
    }

    [Fact]
    public void The_user_is_the_same_there_and_may_ask_for_it_by_a_rule()
    {
        foreach (var node in nodes.All)
        {
            var admin = new LocalClient(nodes.Turn, node.Node);
            Assert.Equal("+OK", admin.Ask("ACL", "SETUSER", "app", "on", ">secret", "~k*", "+@all", "-flushall", "forward"));
            Assert.Contains("forward", admin.Ask("ACL", "LIST"), StringComparison.Ordinal);
        }

        var client = nodes.Connect(forwards: false);
        Assert.Equal("+OK", client.Ask("AUTH", "app", "secret"));
        Assert.Equal("+OK", client.Ask("SET", nodes.KeyAt(1), "x"));
        Assert.StartsWith("-NOPERM", client.Ask("SET", "other", "x"), StringComparison.Ordinal);
        Assert.Contains("can't access at least one of the keys", client.Ask("EVAL", "return redis.call('get','other')", "1", nodes.KeyAt(1)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_user_whom_the_other_node_does_not_know_yet_is_waited_for()
    {
        string[] rules = ["ACL", "SETUSER", "new", "on", "nopass", "~*", "+@all", "forward"];
        Assert.Equal("+OK", new LocalClient(nodes.Turn, nodes.All[0].Node).Ask(rules));
        var client = nodes.Connect(forwards: false);
        client.Ask("AUTH", "new", "x");
        client.Send("SET", nodes.KeyAt(1), "x");
        Assert.Equal("(nothing)", client.Take());
        Assert.False(client.IsClosed);
        Assert.Equal("+OK", new LocalClient(nodes.Turn, nodes.All[1].Node).Ask(rules));
        Assert.Equal("+OK", client.Take());
    }

    [Fact]
    public void Replies_of_a_forwarded_command_speak_the_clients_protocol_and_its_reply_mode()
    {
        var client = nodes.Connect();
        client.Ask("HELLO", "3");
        client.Ask("HSET", nodes.KeyAt(1), "f", "v");
        Assert.Equal("%1 $1 f $1 v", client.Ask("HGETALL", nodes.KeyAt(1)));
        client.Send("CLIENT", "REPLY", "SKIP");
        client.Send("SET", nodes.KeyAt(2), "unseen");
        Assert.Equal("$6 unseen", client.Ask("GET", nodes.KeyAt(2)));
    }

    [Fact]
    public void Nothing_is_answered_before_the_other_node_has_committed_S17()
    {
        var client = nodes.Connect();
        nodes.All[1].CommitsAtOnce = false;
        client.Send("SET", nodes.KeyAt(1), "x");
        Assert.Equal("(nothing)", client.Take());
        nodes.All[1].CommitAll();
        nodes.Turn();
        Assert.Equal("+OK", client.Take());
        client.Ask("HOLDFAST.DURABILITY", "async");
        Assert.Equal("+OK", client.Ask("SET", nodes.KeyAt(1), "y"));
    }

    [Fact]
    public void A_command_that_goes_round_in_circles_waits_in_the_end()
    {
        // The first node believes the second, the second the first.
        var topology = nodes.All[1].Node.Topology;
        var book = new LeaderBook();
        book.Hear(nodes.All[2].Shard.Group, new Primitives.Term(9), nodes.All[0].Me);
        nodes.All[1].Node.Topology = new Topology(topology.Self, topology.Peers, topology.Shards, topology.Seats) { Elsewhere = book };
        topology = nodes.All[0].Node.Topology;
        book = new LeaderBook();
        book.Hear(nodes.All[2].Shard.Group, new Primitives.Term(9), nodes.All[1].Me);
        nodes.All[0].Node.Topology = new Topology(topology.Self, topology.Peers, topology.Shards, topology.Seats) { Elsewhere = book };
        var client = nodes.Connect();
        client.Send("GET", nodes.KeyAt(2));
        Assert.Equal("(nothing)", client.Take());
        Assert.False(client.IsClosed);
        Assert.True(nodes.All[0].Node.Clients.Count + nodes.All[1].Node.Clients.Count <= 2 + ClientForwarding.HopsMax);
    }
}
