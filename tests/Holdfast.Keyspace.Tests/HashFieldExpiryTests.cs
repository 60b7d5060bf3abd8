namespace Holdfast.Keyspace.Tests;

/// <summary>Times to live of fields (Redis 7.4): what its documentation says, for the installed server cannot be asked; and that only the leader deletes, by effects (S13).</summary>
public sealed class HashFieldExpiryTests
{
    private const long Second = 1_000_000;

    [Fact]
    public void Replies_are_those_of_the_documentation()
    {
        var shards = new LocalShards { Clock = 1_000_000 * Second };
        var client = shards.Connect();
        foreach (var (line, reply) in ((string, string)[])
        [
            ("HSET h a 1 b 2 c 3", ":3"),
            ("HEXPIRE nothing 10 FIELDS 2 a b", "*2 :-2 :-2"),
            ("HEXPIRE h 10 FIELDS 2 a nobody", "*2 :1 :-2"),
            ("HTTL h FIELDS 3 a b nobody", "*3 :10 :-1 :-2"),
            ("HPTTL h FIELDS 1 a", "*1 :10000"),
            ("HEXPIRETIME h FIELDS 2 a b", "*2 :1000010 :-1"),
            ("HPEXPIRETIME h FIELDS 1 a", "*1 :1000010000"),
            ("OBJECT ENCODING h", "$10 listpackex"),
            ("HEXPIRE h 20 NX FIELDS 2 a b", "*2 :0 :1"),
            ("HEXPIRE h 30 XX FIELDS 2 a c", "*2 :1 :0"),
            ("HEXPIRE h 10 GT FIELDS 2 a c", "*2 :0 :0"),
            ("HEXPIRE h 40 GT FIELDS 1 a", "*1 :1"),
            ("HEXPIRE h 50 LT FIELDS 2 a c", "*2 :0 :1"),
            ("HPEXPIRE h 5000 LT FIELDS 1 a", "*1 :1"),
            ("HPEXPIREAT h 1000007000 FIELDS 1 a", "*1 :1"),
            ("HEXPIREAT h 1000009 FIELDS 1 b", "*1 :1"),
            ("HTTL h FIELDS 3 a b c", "*3 :7 :9 :50"),
            ("HPERSIST h FIELDS 3 a a nobody", "*3 :1 :-1 :-2"),
            ("HPERSIST nothing FIELDS 1 a", "*1 :-2"),
            ("HTTL nothing FIELDS 1 a", "*1 :-2"),
            ("HINCRBY h b 5", ":7"),
            ("HTTL h FIELDS 1 b", "*1 :9"),
            ("HSET h b 5", ":0"),
            ("HTTL h FIELDS 1 b", "*1 :-1"),
            ("HEXPIRE h 0 FIELDS 1 b", "*1 :2"),
            ("HEXISTS h b", ":0"),
            ("HEXPIREAT h 1 FIELDS 2 a c", "*2 :2 :2"),
            ("EXISTS h", ":0"),
            ("SET s x", "+OK"),
            ("HEXPIRE s 1 FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HTTL s FIELDS 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"),
            ("HSET h a 1", ":1"),
            ("HEXPIRE h -1 FIELDS 1 a", "-ERR invalid expire time, must be >= 0"),
            ("HEXPIRE h abc FIELDS 1 a", "-ERR value is not an integer or out of range"),
            ("HEXPIRE h 9223372036854775807 FIELDS 1 a", "-ERR invalid expire time in 'hexpire' command"),
            ("HEXPIRE h 10 NOTHING 1 a", "-ERR Mandatory argument FIELDS is missing or not at the right position"),
            ("HEXPIRE h 10 FIELDS 0 a", "-ERR Parameter `numFields` should be greater than 0"),
            ("HEXPIRE h 10 FIELDS abc a", "-ERR Parameter `numFields` should be greater than 0"),
            ("HEXPIRE h 10 FIELDS 2 a", "-ERR The `numfields` parameter must match the number of arguments"),
            ("HEXPIRE h 10 FIELDS 1", "-ERR wrong number of arguments for 'hexpire' command"),
            ("HTTL h FIELDS 1", "-ERR wrong number of arguments for 'httl' command"),
        ]) Assert.Equal($"{line} → {reply}", $"{line} → {client.Say(line)}");
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(300)]
    public void A_field_that_has_expired_is_deleted_by_an_entry_before_the_command_that_meets_it(int fields)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        string[] names = [.. Enumerable.Range(0, fields).Select(i => $"f{i}")];
        client.Ask(["HSET", "h", .. names.SelectMany(name => (string[])[name, "v"])]);
        client.Ask(["HPEXPIRE", "h", "1000", "FIELDS", $"{fields / 2}", .. names.Take(fields / 2)]);
        client.Ask("HPEXPIRE", "h", "5000", "FIELDS", "1", names[^1]);
        shards.Clock += 2 * Second;
        var before = LocalShards.ContentOf(shards.Replica);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), before);
        Assert.Equal($":{fields - (fields / 2)}", client.Ask("HLEN", "h"));
        Assert.Equal("$-1", client.Ask("HGET", "h", "f0"));
        Assert.NotEqual(before, LocalShards.ContentOf(shards.Replica));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Assert.Equal("*1 :3000", client.Ask("HPTTL", "h", "FIELDS", "1", names[^1]));
    }

    [Theory]
    [InlineData(4)]
    [InlineData(300)]
    public void The_leader_s_own_round_finds_fields_that_have_expired_and_the_hash_goes_with_its_last_one(int fields)
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        string[] names = [.. Enumerable.Range(0, fields).Select(i => $"f{i}")];
        client.Ask(["HSET", "h", .. names.SelectMany(name => (string[])[name, "v"])]);
        client.Ask(["HSET", "stays", "a", "1", "b", "2"]);
        client.Ask(["HPEXPIRE", "h", "1000", "FIELDS", $"{fields}", .. names]);
        client.Ask("HPEXPIRE", "stays", "1000", "FIELDS", "1", "a");
        shards.Clock += 2 * Second;
        var chores = new ShardChores(shards.Node);
        chores.Look();
        Assert.Equal(1, shards.Leader.Keyspace.KeyCount);
        Assert.Equal(1, shards.Replica.Keyspace.KeyCount);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Assert.Equal("*2 $1 b $1 2", client.Ask("HGETALL", "stays"));

        // When no field can expire any more, no slot is walked for it.
        for (var i = 0; i < 20; i++) chores.Look();
        Assert.False(shards.Leader.Keyspace.HasFieldDates);
    }

    [Fact]
    public void Fields_that_expire_together_go_some_at_a_time_and_nobody_sees_those_that_are_left()
    {
        const int Fields = 9000;
        var shards = new LocalShards();
        var client = shards.Connect();
        string[] names = [.. Enumerable.Range(0, Fields).Select(i => $"f{i}")];
        client.Ask(["HSET", "h", .. names.SelectMany(name => (string[])[name, "7"])]);
        client.Ask("HSET", "h", "stays", "1", "later", "2");
        client.Ask(["HPEXPIRE", "h", "1000", "FIELDS", $"{Fields}", .. names]);
        client.Ask("HPEXPIRE", "h", "900000", "FIELDS", "1", "later");
        shards.Clock += 2 * Second;
        foreach (var (line, reply) in ((string, string)[])
        [
            ("HLEN h", ":2"), ("HGET h f5999", "$-1"), ("HMGET h f5998 stays", "*2 $-1 $1 1"), ("HEXISTS h f5997", ":0"), ("HSTRLEN h f5996", ":0"), ("HTTL h FIELDS 2 f5995 later", "*2 :-2 :898"), ("HDEL h f5994 f5993", ":0"),
            ("HINCRBY h f5992 5", ":5"), ("HSETNX h f5991 new", ":1"), ("HSET h f5990 new f5989 new", ":2"), ("HPERSIST h FIELDS 1 f5988", "*1 :-2"), ("HEXPIRE h 10 FIELDS 1 f5987", "*1 :-2"), ("HINCRBYFLOAT h f5986 0.5", "$3 0.5"), ("HLEN h", ":7"),
        ]) Assert.Equal($"{line} → {reply}", $"{line} → {client.Say(line)}");
        Assert.True(Held() > Fields / 2, "they were deleted in one go");
        string[] left = ["f5986", "f5989", "f5990", "f5991", "f5992", "later", "stays"];
        Assert.Equal(left, Words(client.Ask("HKEYS", "h")));
        Assert.Equal(left, Words(client.Ask("HRANDFIELD", "h", "100")));
        Assert.Subset(left.ToHashSet(), Words(client.Ask("HRANDFIELD", "h", "-50")).ToHashSet());
        Assert.Equal(7, Words(client.Ask("HVALS", "h")).Length);
        var scanned = new List<string>();
        for (var cursor = "0"; ;)
        {
            var reply = client.Ask("HSCAN", "h", cursor, "COUNT", "3000").Split(' ');
            cursor = reply[2];
            for (var at = 5; at < reply.Length; at += 4) scanned.Add(reply[at]);
            if (cursor == "0") break;
        }

        Assert.Equal(left, scanned.Order(StringComparer.Ordinal));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        var chores = new ShardChores(shards.Node);
        for (var (rounds, before) = (0, Held()); Held() > left.Length; rounds++)
        {
            chores.Look();
            Assert.True(before - Held() <= 2 * HashExpiry.DroppedByRound, "a round deletes without bound");
            Assert.True(rounds < 20, "the rounds do not come to an end");
            before = Held();
        }

        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Assert.Equal(left, Words(client.Ask("HKEYS", "h")));

        long Held() => shards.Leader.Keyspace.BigOf(shards.Leader.Keyspace.Locate("h"u8)).Count;
    }

    [Fact]
    public void A_deletion_of_some_of_many_fields_that_expired_is_taken_back_S20()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        string[] names = [.. Enumerable.Range(0, 3000).Select(i => $"f{i}")];
        client.Ask(["HSET", "h", .. names.SelectMany(name => (string[])[name, "7"])]);
        client.Ask(["HPEXPIRE", "h", "1000", "FIELDS", $"{names.Length}", .. names]);
        client.Ask("HSET", "h", "kept", "1");
        client.Ask("HPEXPIRE", "h", "900000", "FIELDS", "1", "kept");
        shards.Clock += 2 * Second;
        var before = LocalShards.ContentOf(shards.Leader);
        shards.CommitsAtOnce = false;
        client.Send("HINCRBY", "h", "f2999", "1");
        client.Send("HINCRBY", "h", "kept", "1"); // Another value, the same date.
        new ShardChores(shards.Node).Look();
        Assert.NotEqual(before, LocalShards.ContentOf(shards.Leader));
        Assert.True(shards.Truncate());
        Assert.Equal(before, LocalShards.ContentOf(shards.Leader));
        shards.CommitsAtOnce = true;
        Assert.Equal(":1", shards.Connect().Ask("HLEN", "h"));
        Assert.Equal("$1 1", shards.Connect().Ask("HGET", "h", "kept"));
        for (var rounds = 0; rounds < 10; rounds++) new ShardChores(shards.Node).Look();
        Assert.Equal(1, shards.Leader.Keyspace.BigOf(shards.Leader.Keyspace.Locate("h"u8)).Count);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>When a key or a field expires is the entry's time and a number, on every replica: one that took its own clock would hold another date, and lose or keep what the others do not (S13).</summary>
    [Theory]
    [InlineData("SET k v PX 5000")]
    [InlineData("PEXPIRE old 5000")]
    [InlineData("GETEX old EX 5")]
    [InlineData("SETEX k 5 v")]
    [InlineData("HPEXPIRE h 5000 FIELDS 1 a")]
    [InlineData("MULTI, SET k v, EXPIRE k 5, EXEC")]
    [InlineData("EVAL \"return redis.call('pexpire',KEYS[1],5000)\" 1 old")]
    public void A_replica_that_counted_by_its_own_clock_is_found_out(string lines)
    {
        foreach (var bug in (PlantedShardBug[])[PlantedShardBug.None, PlantedShardBug.ExpiryByLocalClock])
        {
            var shards = new LocalShards(bug: bug);
            var client = shards.Connect();
            foreach (var line in (string[])["SET old v", "HSET h a 1 b 2", .. lines.Split(", ")]) client.Say(line);
            Assert.Equal(bug == PlantedShardBug.None, LocalShards.ContentOf(shards.Leader) == LocalShards.ContentOf(shards.Replica));
        }
    }

    private static string[] Words(string reply) => [.. reply.Split(' ').Where((_, at) => at > 0 && at % 2 == 0).Order(StringComparer.Ordinal)];

    [Fact]
    public void A_key_in_the_slot_where_the_round_begins_is_deleted_once()
    {
        var shards = new LocalShards();
        var client = shards.Connect();
        var key = Enumerable.Range(0, 1_000_000).Select(i => $"k{i}").First(name => KeySlot.Of(System.Text.Encoding.ASCII.GetBytes(name)) == 0);
        client.Ask("SET", key, "1", "PX", "1000");
        shards.Clock += 2 * Second;
        new ShardChores(shards.Node).Look();
        Assert.Equal(0, shards.Leader.Keyspace.KeyCount);
        Assert.Equal(0, shards.Replica.Keyspace.KeyCount);
    }
}
