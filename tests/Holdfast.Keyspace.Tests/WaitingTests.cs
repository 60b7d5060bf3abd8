using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Tests;

/// <summary>Waiting commands and messages where entries are not committed at once, are taken back, or the shard is led elsewhere: what Redis cannot be asked about.</summary>
public sealed class WaitingTests
{
    [Fact]
    public void A_served_client_hears_of_it_when_the_entry_that_served_it_is_committed_S18()
    {
        var shards = new LocalShards();
        var (waiting, other) = (shards.Connect(), shards.Connect());
        waiting.Send("BLPOP", "l", "0");
        shards.CommitsAtOnce = false;
        other.Send("RPUSH", "l", "a");
        waiting.Send("PING");
        Assert.Equal("(nothing)", waiting.Take());
        shards.CommitAll();
        Assert.Equal("*2 $1 l $1 a", waiting.Take());
        Assert.Equal("+PONG", waiting.Take());
        Assert.Equal(":1", other.Take());
        Assert.Equal(0, shards.Leader.Keyspace.KeyCount);
        Assert.Equal(0, shards.Replica.Keyspace.KeyCount);
    }

    [Fact]
    public void A_client_whose_serving_entry_is_taken_back_is_cut_off_S19()
    {
        var shards = new LocalShards();
        var (waiting, other) = (shards.Connect(), shards.Connect());
        waiting.Send("BLPOP", "l", "0");
        shards.CommitsAtOnce = false;
        other.Send("RPUSH", "l", "a");
        Assert.True(shards.Truncate());
        Assert.True(waiting.IsClosed);
        Assert.True(other.IsClosed);
        Assert.Equal("(nothing)", waiting.Take());
    }

    [Fact]
    public void Who_waits_for_a_quorum_is_not_told_by_an_async_entry_before_it_is_committed_S18()
    {
        var shards = new LocalShards();
        var (waiting, other) = (shards.Connect(), shards.Connect());
        other.Session.ChooseDurability(Durability.Async);
        waiting.Send("BLPOP", "l", "0");
        shards.CommitsAtOnce = false;
        other.Send("RPUSH", "l", "a");
        waiting.Send("PING");
        Assert.Equal("(nothing)", waiting.Take());
        shards.CommitAll();
        Assert.Equal("*2 $1 l $1 a", waiting.Take());
        Assert.Equal("+PONG", waiting.Take());
    }

    [Fact]
    public void That_nothing_came_is_a_read_and_waits_for_what_was_executed_before_S17()
    {
        var shards = new LocalShards();
        var (waiting, other) = (shards.Connect(), shards.Connect());
        waiting.Send("BLPOP", "l", "1");
        shards.CommitsAtOnce = false;
        other.Send("SET", "a", "1");
        shards.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal("(nothing)", waiting.Take());
        shards.CommitAll();
        Assert.Equal("*-1", waiting.Take());
    }

    [Fact]
    public void Whoever_waits_on_a_shard_that_is_led_elsewhere_is_told_and_goes_on()
    {
        var shards = new LocalShards();
        var waiting = shards.Connect();
        waiting.Send("BLPOP", "l", "0");
        shards.Leader.OnRole(new GroupRole(false, new Term(2), new NodeId(7)));
        shards.Turn();
        Assert.Equal("-UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", waiting.Take());
        Assert.Equal("+PONG", waiting.Ask("PING"));
        Assert.False(waiting.IsClosed);
    }

    [Fact]
    public void A_client_that_leaves_while_it_waits_is_forgotten_everywhere()
    {
        var shards = new LocalShards();
        var (waiting, other) = (shards.Connect(), shards.Connect());
        waiting.Send("BLPOP", "l", "m", "100");
        waiting.Session.Close();
        Assert.True(shards.Leader.Waits.IsEmpty);
        Assert.Equal(Instant.Never, shards.Node.Waits.Next);
        Assert.Equal(":1", other.Ask("RPUSH", "l", "a"));
        Assert.Equal(":1", other.Ask("LLEN", "l"));
    }

    [Fact]
    public void Of_many_who_wait_each_element_serves_one_longest_waiting_first()
    {
        var shards = new LocalShards();
        var waiting = Enumerable.Range(0, 200).Select(_ => shards.Connect()).ToArray();
        var other = shards.Connect();
        foreach (var client in waiting) client.Send("BLPOP", "l", "0");
        other.Ask(["RPUSH", "l", .. Enumerable.Range(0, 150).Select(i => $"{i}")]);
        for (var i = 0; i < waiting.Length; i++) Assert.Equal(i < 150 ? $"*2 $1 l ${i.ToString().Length} {i}" : "(nothing)", waiting[i].Take());
        Assert.Equal(":0", other.Ask("LLEN", "l"));
    }

    [Fact]
    public void Notifications_leave_when_their_entry_is_committed_and_never_if_it_is_taken_back_S18()
    {
        var shards = new LocalShards();
        var (listening, other) = (shards.Connect(), shards.Connect());
        other.Ask("CONFIG", "SET", "notify-keyspace-events", "KA");
        listening.Ask("SUBSCRIBE", "__keyspace@0__:a");
        other.Session.ChooseDurability(Durability.Async);
        shards.CommitsAtOnce = false;
        other.Send("SET", "a", "1");
        Assert.Equal("(nothing)", listening.Take());
        shards.CommitAll();
        Assert.Equal("*3 $7 message $16 __keyspace@0__:a $3 set", listening.Take());
        other.Send("SET", "a", "2");
        shards.Truncate();
        shards.CommitAll();
        Assert.Equal("(nothing)", listening.Take());
    }

    [Fact]
    public void What_a_transaction_publishes_waits_for_its_commit_even_if_it_changes_nothing_S18()
    {
        var shards = new LocalShards();
        var (listening, writer, reader) = (shards.Connect(), shards.Connect(), shards.Connect());
        listening.Ask("SUBSCRIBE", "c");
        shards.CommitsAtOnce = false;
        writer.Send("SET", "a", "1");
        foreach (var line in (string[])["MULTI", "GET a", "PUBLISH c seen", "EXEC"]) reader.Send(Request.Split(line));
        Assert.Equal("(nothing)", listening.Take());
        shards.CommitAll();
        Assert.Equal("*3 $7 message $1 c $4 seen", listening.Take());
    }

    [Fact]
    public void A_subscriber_that_does_not_read_is_cut_off_and_nobody_else()
    {
        var shards = new LocalShards();
        var (slow, other) = (shards.Connect(), shards.Connect());
        slow.Ask("SUBSCRIBE", "c");
        Assert.Equal("+OK", other.Ask("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 64kb 10"));
        slow.IsDeaf = true;
        for (var i = 0; i < 10; i++) Assert.Equal(":1", other.Ask("PUBLISH", "c", new string('x', 10_000)));
        Assert.False(slow.IsClosed);
        shards.Pass(TimeSpan.FromSeconds(11));
        other.Ask("PUBLISH", "c", "soft");
        Assert.True(slow.IsClosed);

        var hard = shards.Connect();
        hard.Ask("SUBSCRIBE", "c");
        hard.IsDeaf = true;
        other.Ask("PUBLISH", "c", new string('x', 2 << 20));
        Assert.True(hard.IsClosed);
        Assert.Equal(":0", other.Ask("PUBLISH", "c", "nobody"));
    }

    [Fact]
    public void Subscribers_of_a_shard_that_is_led_elsewhere_are_told()
    {
        var shards = new LocalShards();
        var listening = shards.Connect();
        listening.Ask("SSUBSCRIBE", "c");
        shards.Leader.OnRole(new GroupRole(false, new Term(2), new NodeId(7)));
        Assert.Equal("*3 $12 sunsubscribe $1 c :0", listening.Take());
        Assert.Equal("+PONG", listening.Ask("PING"));
    }

    [Fact]
    public void A_list_is_a_listpack_while_it_is_small_and_again_once_it_has_shrunk()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        client.Ask("RPUSH", "l", "a");
        Assert.Equal("$8 listpack", client.Ask("OBJECT", "ENCODING", "l"));
        for (var i = 0; i < 200; i++) client.Ask("RPUSH", "l", new string('x', 60));
        Assert.Equal("$9 quicklist", client.Ask("OBJECT", "ENCODING", "l"));
        client.Ask("LTRIM", "l", "0", "50");
        Assert.Equal("$8 listpack", client.Ask("OBJECT", "ENCODING", "l"));
        Assert.Equal(":51", client.Ask("LLEN", "l"));
        client.Ask("RPUSH", "one", new string('x', 10_000));
        Assert.Equal("$9 quicklist", client.Ask("OBJECT", "ENCODING", "one"));
    }

    /// <summary>Every kind of change to a large list, executed and taken back in random order: the content must be that of before, to the byte.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_truncated_tail_of_changes_to_a_large_list_is_taken_back_S20(ulong seed)
    {
        var shards = new LocalShards();
        var dice = new SeededRandom(seed);
        string[] Draw()
        {
            var value = dice.Next(3) == 0 ? $"{dice.Next(30)}" : new string((char)('a' + dice.Next(26)), dice.Next(40) == 0 ? dice.Next(9000) : dice.Next(200));
            var key = $"{{t}}{dice.Next(2)}";
            return dice.Next(16) switch
            {
                0 or 1 or 2 => ["RPUSH", key, value, value, value],
                3 or 4 or 5 => ["LPUSH", key, value, value],
                6 => ["LPOP", key],
                7 => ["RPOP", key],
                8 => ["LPOP", key, $"{dice.Next(60)}"],
                9 => ["LSET", key, $"{dice.Next(-200, 200)}", value],
                10 => ["LINSERT", key, dice.Next(2) == 0 ? "BEFORE" : "AFTER", $"{dice.Next(30)}", value],
                11 => ["LREM", key, $"{dice.Next(-3, 3)}", $"{dice.Next(30)}"],
                12 => ["LTRIM", key, $"{dice.Next(40)}", $"-{dice.Next(1, 40)}"],
                13 => ["LMOVE", "{t}0", "{t}1", "LEFT", "RIGHT"],
                14 => ["EXPIRE", key, "1000"],
                _ => dice.Next(12) == 0 ? ["DEL", key] : ["LMOVE", key, key, "RIGHT", "LEFT"],
            };
        }

        var first = shards.Connect();
        for (var i = 0; i < 800; i++) first.Ask("RPUSH", $"{{t}}{i % 2}", $"{dice.Next(30)}", new string('v', dice.Next(120)));
        for (var round = 0; round < 80; round++)
        {
            var client = shards.Connect();
            shards.CommitsAtOnce = true;
            for (var left = dice.Next(1, 20); left > 0; left--) client.Ask(Draw());
            var (content, hash) = (LocalShards.ContentOf(shards.Leader), shards.Leader.StateHash);
            shards.CommitsAtOnce = false;
            for (var left = dice.Next(1, 20); left > 0; left--) client.Send(Draw());
            Assert.True(shards.Truncate(), "the tail could not be taken back");
            Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
            Assert.Equal(hash, shards.Leader.StateHash);
            Assert.Equal(LocalShards.ContentOf(shards.Replica), content);
        }
    }

    [Fact]
    public void Entries_added_to_a_stream_are_taken_back_S20()
    {
        var shards = new LocalShards();
        var first = shards.Connect();
        var dice = new SeededRandom(5);
        for (var i = 1; i < 250; i++) first.Ask("XADD", "s", $"{i}", "field", new string('v', dice.Next(60)));
        for (var round = 0; round < 40; round++)
        {
            var (content, hash) = (LocalShards.ContentOf(shards.Leader), shards.Leader.StateHash);
            var client = shards.Connect();
            shards.CommitsAtOnce = false;
            for (var left = dice.Next(1, 140); left > 0; left--)
                client.Send(["XADD", "s", .. dice.Next(2) == 0 ? (string[])["MAXLEN", "~", "100000"] : [], "*", dice.Next(3) == 0 ? "other" : "field", "v"]);
            client.Send("XADD", "new", "*", "f", "v");
            Assert.True(shards.Truncate(), "the tail could not be taken back");
            Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
            Assert.Equal(hash, shards.Leader.StateHash);
            shards.CommitsAtOnce = true;
            shards.Connect().Ask("XADD", "s", "*", "field", "v");
        }

        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>A list that is large, against one that the platform keeps: every operation at every place.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_large_list_is_what_a_plain_list_would_be(ulong seed)
    {
        var arena = new NativeArena();
        var list = new QuickList(arena);
        var model = new List<string>();
        var dice = new SeededRandom(seed);
        Span<byte> scratch = stackalloc byte[Listpack.ScratchBytes];
        for (var round = 0; round < 20_000; round++)
        {
            var text = dice.Next(4) == 0 ? $"{dice.Next(-100_000, 100_000)}" : new string((char)('a' + dice.Next(26)), dice.Next(50) == 0 ? dice.Next(9000) : dice.Next(120));
            var bytes = System.Text.Encoding.Latin1.GetBytes(text);
            var index = model.Count == 0 ? 0 : dice.Next(model.Count);
            switch (dice.Next(model.Count > 3000 ? 9 : 6))
            {
                case 0 or 1:
                    list.Push(bytes, isFirst: true);
                    model.Insert(0, text);
                    break;
                case 2 or 3:
                    list.Push(bytes, isFirst: false);
                    model.Add(text);
                    break;
                case 4 when model.Count > 0:
                    var isBehind = dice.Next(2) == 0;
                    list.Insert(list.Seek(index), bytes, isBehind);
                    model.Insert(isBehind ? index + 1 : index, text);
                    break;
                case 5 when model.Count > 0:
                    list.Replace(list.Seek(index), bytes);
                    model[index] = text;
                    break;
                case 6:
                    list.Remove(list.Seek(index));
                    model.RemoveAt(index);
                    break;
                case 7:
                    list.Drop(dice.Next(40), isFirst: true);
                    model.RemoveRange(0, model.Count - (int)list.Count);
                    break;
                case 8:
                    list.Drop(dice.Next(40), isFirst: false);
                    model.RemoveRange((int)list.Count, model.Count - (int)list.Count);
                    break;
            }

            Assert.Equal(model.Count, list.Count);
            if (round % 500 != 0) continue;
            var at = list.First;
            foreach (var expected in model)
            {
                Assert.Equal(expected, System.Text.Encoding.Latin1.GetString(list.Value(at, scratch)));
                at = list.Next(at);
            }

            at = list.Last;
            for (var i = model.Count - 1; i >= 0; i--, at = list.Before(at)) Assert.Equal(model[i], System.Text.Encoding.Latin1.GetString(list.Value(at, scratch)));
        }

        list.Free(int.MaxValue);
        Assert.Equal(0, arena.BytesUsed);
    }
}
