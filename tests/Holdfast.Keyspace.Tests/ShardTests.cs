using System.Text;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Tests;

/// <summary>A shard as a state machine: what is executed can be taken back, what is captured stays as it was, and replicas are alike.</summary>
public sealed class ShardTests
{
    /// <summary>Entries are executed and taken back in random order; the content must be that of before, and its hash too.</summary>
    [Theory]
    [InlineData("strings", 1)]
    [InlineData("keys", 2)]
    [InlineData("bitmaps", 3)]
    [InlineData("hyperloglogs", 4)]
    [InlineData("scripts", 5)]
    [InlineData("lists", 9)]
    [InlineData("hashes", 5)]
    [InlineData("sets", 6)]
    [InlineData("sortedsets", 7)]
    [InlineData("geo", 8)]
    [InlineData("Newer/fields", 9)]
    [InlineData("streams", 10)]
    public void A_truncated_tail_is_taken_back_to_the_byte_S20(string family, ulong seed)
    {
        var shards = new LocalShards();
        var dice = new SeededRandom(seed);
        var commands = CaseFile.Random(family, 3000, seed);
        Assert.NotEmpty(commands);
        for (var at = 0; at < commands.Count;)
        {
            var client = shards.Connect();
            shards.Clock += dice.Next(10_000_000);
            shards.CommitsAtOnce = true;
            for (var left = dice.Next(1, 40); left > 0 && at < commands.Count; left--) client.Ask(commands[at++]);
            var (content, hash) = (LocalShards.ContentOf(shards.Leader), shards.Leader.StateHash);
            shards.CommitsAtOnce = false;
            for (var left = dice.Next(1, 40); left > 0 && at < commands.Count; left--) client.Send(commands[at++]);
            Assert.True(shards.Truncate(), "the tail could not be taken back");
            Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
            Assert.Equal(hash, shards.Leader.StateHash);
            Assert.Equal(LocalShards.ContentOf(shards.Replica), content);
        }
    }

    /// <summary>A large collection goes under another name as it is, over another one too; all of it is taken back when the tail is.</summary>
    [Theory]
    [InlineData("RPUSH")]
    [InlineData("SADD")]
    [InlineData("HSET")]
    [InlineData("ZADD")]
    [InlineData("XADD")]
    public void A_large_collection_that_is_renamed_is_not_copied_and_its_renaming_is_taken_back_S20(string verb)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        void Fill(string key, int from)
        {
            for (var i = from; i < from + 3000; i++) client.Send(verb switch
            {
                "HSET" => [verb, key, $"field{i}", $"value{i}"],
                "ZADD" => [verb, key, $"{i}", $"member{i}"],
                "XADD" => [verb, key, $"{i + 1}-1", "field", $"value{i}"],
                _ => [verb, key, $"element{i}"],
            });
        }

        BigValue ValueOf(string key) => shards.Leader.Keyspace.BigOf(shards.Leader.Keyspace.Locate(Encoding.ASCII.GetBytes(key)));
        Fill("{t}a", 0);
        Fill("{t}other", 5000);
        client.Send("PEXPIREAT", "{t}a", "99999999999999");
        var value = ValueOf("{t}a");
        client.Send("RENAME", "{t}a", "{t}b");
        Assert.Same(value, ValueOf("{t}b"));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));

        var (content, hash) = (LocalShards.ContentOf(shards.Leader), shards.Leader.StateHash);
        shards.CommitsAtOnce = false;
        client.Send("RENAME", "{t}b", "{t}other");
        Fill("{t}other", 20_000);
        client.Send("RENAME", "{t}other", "{t}c");
        client.Send("PERSIST", "{t}c");
        client.Send("RENAME", "{t}c", "{t}b");
        client.Send("DEL", "{t}b");
        Assert.True(shards.Truncate(), "the tail could not be taken back");
        Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
        Assert.Equal(hash, shards.Leader.StateHash);
        Assert.Same(value, ValueOf("{t}b"));

        shards.CommitsAtOnce = true;
        client = shards.Connect();
        client.Send("RENAME", "{t}b", "{t}other");
        client.Send("DEL", "{t}other");
        Assert.Equal(0, shards.Leader.Keyspace.KeyCount);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>Elements are removed from a large list in place, block by block, or by way of a copy of what is left; either is taken back.</summary>
    [Theory]
    [InlineData("0", "rare")]
    [InlineData("-3", "often")]
    [InlineData("0", "often")]
    [InlineData("0", "block")]
    public void What_is_removed_from_a_large_list_is_taken_back_S20(string count, string value)
    {
        const int Elements = 80_000;
        var shards = new LocalShards();
        var client = shards.Connect();
        string ElementOf(int number) => number % 20_011 == 7 ? "rare" : number % 50 == 3 ? "often" : number is > 30_000 and < 34_000 ? "block" : $"another-element-{number}";
        foreach (var part in Enumerable.Range(0, Elements).Select(ElementOf).Chunk(1000)) client.Ask(["RPUSH", "big", .. part]);
        var (content, hash) = (LocalShards.ContentOf(shards.Leader), shards.Leader.StateHash);
        shards.CommitsAtOnce = false;
        client.Send("LREM", "big", count, value);
        client.Send("LPUSH", "big", "rare");
        client.Send("LREM", "big", count, value);
        client.Send("RPOP", "big");
        Assert.NotEqual(content, LocalShards.ContentOf(shards.Leader));
        Assert.True(shards.Truncate(), "the tail could not be taken back");
        Assert.Equal(content, LocalShards.ContentOf(shards.Leader));
        Assert.Equal(hash, shards.Leader.StateHash);

        shards.CommitsAtOnce = true;
        client = shards.Connect();
        client.Ask("LREM", "big", count, value);
        Assert.NotEqual(content, LocalShards.ContentOf(shards.Leader));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>A large list or stream is captured by borrowing its blocks, a part at a time, while it is changed in every way; what is executed meanwhile is taken back, and nothing that was borrowed stays behind (S10).</summary>
    [Theory]
    [InlineData("list", 1)]
    [InlineData("list", 2)]
    [InlineData("stream", 1)]
    [InlineData("stream", 2)]
    public void A_snapshot_shows_a_large_list_or_stream_as_it_was_at_its_beginning_S10(string kind, ulong seed)
    {
        const int Elements = 40_000;
        var shards = new LocalShards();
        var client = shards.Connect();
        var dice = new SeededRandom(seed);
        var number = 0;
        string Element() => $"an element that takes some room {++number}";
        void Add(int count)
        {
            if (kind == "list") client.Send(["RPUSH", "big", .. Enumerable.Range(0, count).Select(_ => Element())]);
            else for (var i = 0; i < count; i++) client.Send("XADD", "big", $"{++number}-1", "field", $"a value that takes some room {number}");
        }

        void Change()
        {
            number++;
            client.Send(ChangeOf(kind, number, dice));
        }

        for (var left = Elements; left > 0; left -= 500) Add(500);
        if (kind == "stream") client.Send("XGROUP", "CREATE", "big", "readers", "0");
        for (var round = 0; round < 3; round++)
        {
            shards.CommitsAtOnce = true;
            client = shards.Connect();
            Add(500);
            for (var i = 0; i < 50; i++) Change();
            var expected = LocalShards.ContentOf(shards.Leader);
            Assert.Equal(expected, LocalShards.ContentOf(shards.Replica));
            shards.CommitsAtOnce = false;
            using (var view = shards.Leader.CaptureSnapshot())
            {
                using var builder = shards.Replica.BeginRestore();
                var chunk = new ByteBuffer();
                var parts = 0;
                for (var goesOn = true; goesOn; parts++)
                {
                    chunk.Clear();
                    goesOn = view.WriteNext(chunk);
                    if (chunk.Length > 0) builder.ReadNext(chunk.Written);
                    client.Send("SET", $"beside{dice.Next(20)}", $"{parts}");
                    for (var i = 0; i < 5; i++) Change();
                }

                Assert.True(parts > 5, "the value was written in one go");
                builder.Complete();
                Assert.Equal(expected, LocalShards.ContentOf(shards.Replica));
            }

            Assert.True(shards.Truncate(), "the tail could not be taken back");
            Assert.Equal(expected, LocalShards.ContentOf(shards.Leader));
        }

        shards.CommitsAtOnce = true;
        client = shards.Connect();
        client.Send("DEL", "big");
        for (var entries = 0; entries < 2000; entries++) client.Send("SET", "tick", "tock");
        client.Send("DEL", "tick");
        Assert.Equal(0, shards.Leader.Keyspace.Arena.BytesUsed);
    }

    /// <summary>A change of a large list or stream to which so many elements were added.</summary>
    private static string[] ChangeOf(string kind, int number, SeededRandom dice)
    {
        var (place, element) = ($"{dice.Next(number)}", $"an element that takes some room {number}");
        return (kind, dice.Next(8)) switch
        {
            ("list", 0) => ["LPUSH", "big", element, "another"],
            ("list", 1) => ["RPUSH", "big", element],
            ("list", 2) => ["LPOP", "big", $"{dice.Next(1, 900)}"],
            ("list", 3) => ["RPOP", "big"],
            ("list", 4) => ["LSET", "big", $"{dice.Next(500)}", element],
            ("list", 5) => ["LINSERT", "big", "BEFORE", $"an element that takes some room {place}", new string('x', dice.Next(5000))],
            ("list", 6) => ["LREM", "big", "1", $"an element that takes some room {place}"],
            ("list", _) => ["LTRIM", "big", $"{dice.Next(3)}", $"-{dice.Next(1, 600)}"],
            (_, 0 or 1) => ["XADD", "big", $"{number}-1", "field", "new", "other", "field"],
            (_, 2) => ["XDEL", "big", $"{place}-1"],
            (_, 3) => ["XTRIM", "big", "MAXLEN", $"{40_000 - dice.Next(5000)}"],
            (_, 4) => ["XREADGROUP", "GROUP", "readers", $"reader{dice.Next(3)}", "COUNT", "50", "STREAMS", "big", ">"],
            (_, 5) => ["XACK", "big", "readers", $"{place}-1"],
            (_, 6) => ["XGROUP", "CREATE", "big", $"group{place}", "0"],
            _ => ["XCLAIM", "big", "readers", "reader0", "0", $"{place}-1"],
        };
    }

    /// <summary>A snapshot is walked in slices while everything changes; what it restores is what was there when it began (S10).</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_snapshot_shows_the_state_of_its_beginning_while_writes_go_on_S10(ulong seed)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var dice = new SeededRandom(seed);
        void Write()
        {
            var key = $"{dice.Next(3000)}";
            switch (dice.Next(6))
            {
                case 0: client.Ask("DEL", key); break;
                case 1: client.Ask("SET", key, new string('x', dice.Next(3000)), "EX", "1000"); break;
                case 2: client.Ask("APPEND", key, "more"); break;
                case 3: client.Ask("PERSIST", key); break;
                case 4: client.Ask("INCR", $"n{key}"); break;
                default: client.Ask("SET", key, $"{dice.NextUInt64()}"); break;
            }
        }

        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 4000; i++) Write();
            var expected = LocalShards.ContentOf(shards.Leader);
            var hash = shards.Leader.StateHash;
            using var view = shards.Leader.CaptureSnapshot();
            using var builder = shards.Replica.BeginRestore();
            var chunk = new ByteBuffer();
            for (var goesOn = true; goesOn;)
            {
                chunk.Clear();
                goesOn = view.WriteNext(chunk);
                if (chunk.Length > 0) builder.ReadNext(chunk.Written);
                shards.CommitsAtOnce = false;
                for (var i = 0; i < 5; i++) Write();
            }

            builder.Complete();
            Assert.Equal(expected, LocalShards.ContentOf(shards.Replica));
            Assert.Equal(hash, shards.Replica.StateHash);

            // What was written meanwhile is applied to the restored state, and both are alike again.
            shards.CommitAll();
            shards.CommitsAtOnce = true;
            Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        }
    }

    /// <summary>The same of large collections, which are captured a part at a time while their elements come, change and go, and they themselves too.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_snapshot_shows_large_collections_as_they_were_at_its_beginning_S10(ulong seed)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var dice = new SeededRandom(seed);
        void Write(int most)
        {
            var (number, name) = (dice.Next(4), $"e{dice.Next(most)}");
            string[] words = dice.Next(600) switch
            {
                0 => ["DEL", $"h{number}"],
                1 => ["RENAME", $"s{number}", $"s{(number + 1) % 4}"],
                2 => ["EXPIRE", $"z{number}", "1000"],
                3 => ["ZREMRANGEBYRANK", $"z{number}", "0", "500"],
                4 => ["COPY", $"h{number}", $"h{(number + 1) % 4}", "REPLACE"],
                5 => ["SPOP", $"s{number}", "300"],
                < 60 => ["HDEL", $"h{number}", name],
                < 120 => ["SREM", $"s{number}", name],
                < 180 => ["ZREM", $"z{number}", name],
                < 360 => ["HSET", $"h{number}", name, $"{dice.NextUInt64()}", $"more{name}", new string('x', dice.Next(300))],
                < 480 => ["SADD", $"s{number}", name, $"more{name}"],
                _ => ["ZADD", $"z{number}", $"{dice.Next(1000)}", name],
            };
            client.Send(words.Select(word => word.Length > 1 && char.IsDigit(word[^1]) && word[0] is 'h' or 's' or 'z' ? $"{{t}}{word}" : word).ToArray());
        }

        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < 12_000; i++) Write(6000);
            var expected = LocalShards.ContentOf(shards.Leader);
            var view = shards.Leader.CaptureSnapshot();
            var builder = shards.Replica.BeginRestore();
            var chunk = new ByteBuffer();
            var chunks = 0;
            shards.CommitsAtOnce = false;
            for (var goesOn = true; goesOn; chunks++)
            {
                chunk.Clear();
                goesOn = view.WriteNext(chunk);
                if (chunk.Length > 0) builder.ReadNext(chunk.Written);
                for (var i = 0; i < 150; i++) Write(6000);
            }

            view.Dispose();
            builder.Complete();
            builder.Dispose();
            Assert.True(chunks > 5, "the snapshot was too small to be cut into parts");
            Assert.Equal(expected, LocalShards.ContentOf(shards.Replica));
            shards.CommitAll();
            shards.CommitsAtOnce = true;
            Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        }
    }

    /// <summary>A node has several loops, and what one shard replays is nothing to another.</summary>
    [Fact]
    public void Shards_replay_on_several_threads_at_once() => Parallel.For(0, 4, number =>
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        for (var i = 1; i <= 2000; i++) Assert.Equal($"${3 + i.ToString(System.Globalization.CultureInfo.InvariantCulture).Length - 1} {i}-1", client.Ask("XADD", "s", $"{i}-1", "number", $"{number}"));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    });

    [Fact]
    public void A_snapshot_under_way_holds_no_more_than_it_has_met_and_not_handed_on()
    {
        const int Chunk = 192 * 1024;
        var shards = new LocalShards();
        var client = shards.Connect();
        for (var i = 0; i < 20_000; i++) client.Ask("SET", $"key{i}", new string('x', 700));
        using var walk = (SnapshotWalk)shards.Leader.CaptureSnapshot();
        var chunk = new ByteBuffer();
        var bytes = 0L;
        for (var goesOn = true; goesOn; bytes += chunk.Length)
        {
            chunk.Clear();
            goesOn = walk.WriteNext(chunk);
            Assert.True(walk.Room <= 4 * Chunk, $"{walk.Room} bytes are held after {bytes} were handed on");
        }

        Assert.True(bytes > 20 * Chunk, "the snapshot was too small to show it");
    }

    [Fact]
    public void A_key_that_has_expired_is_deleted_by_an_entry_and_never_by_a_replica_s_clock()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        client.Ask("SET", "a", "1", "PX", "1000");
        client.Ask("SET", "b", "1", "PX", "1000");
        shards.Clock += 2_000_000;
        Assert.Equal(2, shards.Replica.Keyspace.KeyCount);
        Assert.Equal("$-1", client.Ask("GET", "a"));
        Assert.Equal(1, shards.Replica.Keyspace.KeyCount);

        // The other one is found by the leader's own round.
        new ShardChores(shards.Node).Look();
        Assert.Equal(0, shards.Leader.Keyspace.KeyCount);
        Assert.Equal(0, shards.Replica.Keyspace.KeyCount);
    }

    [Fact]
    public void A_reply_waits_for_its_entry_and_holds_back_those_behind_it_S17()
    {
        var shards = new LocalShards { CommitsAtOnce = false };
        var client = shards.Connect();
        client.Send("SET", "a", "1");
        client.Send("PING");
        Assert.Equal("(nothing)", client.Take());
        shards.CommitAll();
        Assert.Equal("+OK", client.Take());
        Assert.Equal("+PONG", client.Take());
    }

    [Fact]
    public void A_read_of_what_is_not_committed_waits_too_S18()
    {
        var shards = new LocalShards { CommitsAtOnce = false };
        var (writer, reader) = (shards.Connect(), shards.Connect());
        writer.Send("SET", "a", "1");
        reader.Send("GET", "a");
        Assert.Equal("(nothing)", reader.Take());
        shards.CommitAll();
        Assert.Equal("$1 1", reader.Take());
    }

    [Fact]
    public void A_client_whose_outcome_is_unknown_is_cut_off_and_not_redirected_S19()
    {
        var shards = new LocalShards { CommitsAtOnce = false };
        var client = shards.Connect();
        client.Send("SET", "a", "1");
        shards.Truncate();
        Assert.True(client.IsClosed);
        Assert.Equal("(nothing)", client.Take());
        shards.CommitsAtOnce = true;
        Assert.Equal("$-1", shards.Connect().Ask("GET", "a"));
    }

    [Fact]
    public void A_watched_key_that_another_client_changes_breaks_the_transaction()
    {
        var shards = new LocalShards();
        var (one, other) = (shards.Connect(), shards.Connect());
        one.Ask("SET", "a", "1");
        one.Ask("WATCH", "a");
        other.Ask("SET", "a", "2");
        one.Ask("MULTI");
        one.Ask("SET", "a", "3");
        Assert.Equal("*-1", one.Ask("EXEC"));
        Assert.Equal("$1 2", one.Ask("GET", "a"));
    }

    [Fact]
    public void Many_clients_are_executed_as_one_entry()
    {
        var shards = new LocalShards();
        var clients = Enumerable.Range(0, 50).Select(_ => shards.Connect()).ToArray();
        var before = shards.EntriesProposed;
        foreach (var client in clients)
        {
            var request = Request.Of(["INCR", "n"]);
            request.CopyTo(client.Session.Input.Room(false));
            client.Session.Input.Received(request.Length);
            client.Session.GoOn();
        }

        shards.Turn();
        Assert.Equal(before + 1, shards.EntriesProposed);
        Assert.Equal([.. Enumerable.Range(1, 50).Select(i => $":{i}")], clients.Select(client => client.Take()).ToArray());
    }

    [Fact]
    public void Executing_allocates_nothing_once_warm()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var set = Request.Of(["SET", "key:000000000001", new string('x', 64)]);
        var get = Request.Of(["GET", "key:000000000001"]);
        var filled = shards.Connect();
        for (var i = 0; i < 300; i++) filled.Ask("HSET", "large", $"f{i}", "v");
        for (var i = 0; i < 300; i++) filled.Ask("ZADD", "board", $"{i}", $"m{i}");
        for (var i = 0; i < 300; i++) filled.Ask("SADD", "many", $"m{i}");
        byte[][] requests =
        [
            set, get, Request.Of(["HSET", "hash", "field", "value"]), Request.Of(["HGET", "hash", "field"]), Request.Of(["HSET", "large", "f7", "value"]), Request.Of(["HGET", "large", "f7"]),
            Request.Of(["HINCRBY", "hash", "n", "1"]), Request.Of(["SADD", "set", "1", "2"]), Request.Of(["SADD", "set", "member"]), Request.Of(["SISMEMBER", "set", "member"]), Request.Of(["SREM", "many", "m7"]),
            Request.Of(["SADD", "many", "m7"]), Request.Of(["SPOP", "set"]), Request.Of(["ZADD", "scores", "1.5", "member"]), Request.Of(["ZINCRBY", "board", "300", "m7"]), Request.Of(["ZINCRBY", "board", "-300", "m7"]),
            Request.Of(["ZRANGE", "board", "0", "9", "WITHSCORES"]), Request.Of(["ZRANK", "board", "m100"]), Request.Of(["ZSCORE", "scores", "member"]), Request.Of(["ZRANGEBYSCORE", "board", "10", "20"]),
        ];
        long Round()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            foreach (var request in requests)
            {
                request.CopyTo(client.Session.Input.Room(false));
                client.Session.Input.Received(request.Length);
                client.Session.GoOn();
                shards.ExecuteOnly();
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        for (var i = 0; i < 2000; i++) Round();
        var least = Enumerable.Range(0, 100).Min(_ => Round());
        Assert.True(least == 0, $"{requests.Length} commands allocate {least} bytes");
    }
}
