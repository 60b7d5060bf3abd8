using System.Globalization;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// Commands over much go on over several turns, in which others are served, and come to what they come to in one go: one state of their keys, the same on replicas. (SORT is one of them: <see cref="SortingTests"/>.)
/// </summary>
public sealed class SlicedCommandTests
{
    private const int Elements = 60_000;

    public static TheoryData<string> Commands =>
    [
        "SUNION {t}one {t}two {t}few", "SINTER {t}one {t}two", "SDIFF {t}one {t}two {t}none", "SINTERCARD 2 {t}one {t}two LIMIT 20000",
        "SUNIONSTORE {t}made {t}one {t}two", "SINTERSTORE {t}made {t}one {t}two", "SDIFFSTORE {t}made {t}one {t}two", "SUNIONSTORE {t}one {t}one {t}two", "SDIFFSTORE {t}few {t}one {t}one",
        "ZUNION 2 {t}first {t}second WEIGHTS 2 0.5 WITHSCORES", "ZINTER 3 {t}first {t}one {t}second AGGREGATE MAX WITHSCORES", "ZDIFF 2 {t}first {t}two WITHSCORES", "ZINTERCARD 2 {t}first {t}second",
        "ZUNIONSTORE {t}made 2 {t}first {t}one AGGREGATE MIN", "ZINTERSTORE {t}made 2 {t}first {t}second WEIGHTS 1 3", "ZDIFFSTORE {t}made 2 {t}first {t}second", "ZUNIONSTORE {t}first 2 {t}first {t}second", "ZDIFFSTORE {t}few 2 {t}first {t}first",
        "COPY {t}one {t}made", "COPY {t}first {t}made", "COPY {t}hash {t}made", "COPY {t}hash {t}few REPLACE", "COPY {t}list {t}made", "COPY {t}stream {t}made", "COPY {t}list {t}few REPLACE",
        "ZRANGESTORE {t}made {t}first 100 -100", "ZRANGESTORE {t}made {t}first (40000 300 BYSCORE REV LIMIT 5 30000", "ZRANGESTORE {t}first {t}first 0 20000",
        "LREM {t}list 0 last", "LREM {t}list -1 first", "LREM {t}list 0 element-7", "LREM {t}list 500 element-7", "LREM {t}list -500 element-7", "LINSERT {t}list BEFORE last new",
        "LPOS {t}list last", "LPOS {t}list element-7 RANK -20 COUNT 0", "LPOS {t}list element-8 COUNT 0 MAXLEN 50000",
        "ZPOPMIN {t}first 30000", "ZPOPMAX {t}first 59000", "ZPOPMIN {t}first 100000", "ZMPOP 2 {t}none {t}first MAX COUNT 20000", "BZMPOP 0 1 {t}first MIN COUNT 20000",
        "HGETALL {t}hash", "HKEYS {t}hash", "HVALS {t}hash", "SMEMBERS {t}one", "LRANGE {t}list 0 -1", "LRANGE {t}list -50000 -100", "ZRANGE {t}first 0 -1", "ZRANGE {t}first 0 -1 REV WITHSCORES", "ZRANGEBYSCORE {t}first 100 +inf LIMIT 7 40000",
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Much_is_done_in_slices_between_which_others_are_served_as_it_is_done_in_one_go(string command)
    {
        var words = command.Split(' ');
        var whole = new LocalShards { Clock = 1_700_000_000_000_000 };
        Fill(whole, command);
        var transaction = whole.Connect();
        transaction.Ask("MULTI");
        transaction.Ask(words);
        var expected = transaction.Ask("EXEC");

        var shards = new LocalShards { Clock = whole.Clock };
        Fill(shards, command);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node); // A turn each: whoever does much goes on beside it.
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(words);
        Assert.True(shards.TurnOnce());
        var said = client.Take();
        Assert.True(said == "(nothing)", "it was done in one go");
        Assert.Equal(":0", others.Ask("EXISTS", "{t}made"));
        for (said = client.Take(); said == "(nothing)"; said = client.Take())
        {
            Assert.True(shards.TurnOnce(), "it has stopped without a reply");
            Assert.Equal("$5 other", others.Ask("ECHO", "other"));
        }

        Assert.Equal(InOrder(expected["*1 ".Length..]), InOrder(said));
        Assert.Equal(LocalShards.ContentOf(whole.Leader), LocalShards.ContentOf(shards.Leader));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
        Assert.True(shards.Leader.Watches.IsEmpty, "what has ended still looks at its keys");
        if (words[0].Contains("POP", StringComparison.Ordinal)) Assert.Equal(1, shards.ReplicaTurnsMost); // That many members go takes no time, and nobody there hears the reply.
        else if (shards.Node.Table.Find(System.Text.Encoding.ASCII.GetBytes(words[0]))!.Has(CommandFlags.Write)) Assert.True(shards.ReplicaTurnsMost > 1, "the replica did it in one go");
    }

    [Theory]
    [InlineData("SUNIONSTORE {t}made {t}one {t}two", "SADD {t}two new", "SCARD {t}made", 90_001)]
    [InlineData("SINTERSTORE {t}made {t}one {t}two", "DEL {t}two", "EXISTS {t}made", 0)]
    [InlineData("ZUNIONSTORE {t}made 2 {t}first {t}second", "ZADD {t}first 1 new", "ZCARD {t}made", 90_001)]
    [InlineData("COPY {t}hash {t}made", "HDEL {t}hash f5", "HLEN {t}made", Elements - 1)]
    [InlineData("ZRANGESTORE {t}made {t}first 0 50000", "ZADD {t}first -1 new", "ZRANK {t}made 29999", 30_000)]
    [InlineData("COPY {t}list {t}made", "RPUSH {t}list new", "LLEN {t}made", Elements + 3)]
    [InlineData("COPY {t}stream {t}made", "XDEL {t}stream 7-1", "XLEN {t}made", Elements - 1)]
    [InlineData("LREM {t}list 0 element-7", "LSET {t}list 0 element-7", "LLEN {t}list", Elements + 1 - (Elements / 100))]
    public void What_changes_meanwhile_is_looked_at_anew(string command, string change, string question, int expected)
    {
        var shards = new LocalShards();
        Fill(shards, command);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node);
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(command.Split(' '));
        Assert.True(shards.TurnOnce());
        Assert.True(shards.TurnOnce());
        others.Say(change);
        shards.Turn();
        Assert.StartsWith(":", client.Take(), StringComparison.Ordinal);
        Assert.Equal($":{Text(expected)}", others.Say(question));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>A reply with all of a collection is of one state of it, whatever happens to it while it is written.</summary>
    [Theory]
    [InlineData("HGETALL {t}hash", "HDEL {t}hash f5")]
    [InlineData("HKEYS {t}hash", "DEL {t}hash")]
    [InlineData("SMEMBERS {t}one", "SADD {t}one new")]
    [InlineData("LRANGE {t}list 0 -1", "LPUSH {t}list new")]
    [InlineData("LRANGE {t}list 0 -1", "LTRIM {t}list 0 5")]
    [InlineData("ZRANGE {t}first 0 -1 WITHSCORES", "ZADD {t}first -1 new")]
    [InlineData("ZRANGE {t}first 0 -1", "DEL {t}first")]
    public void A_reply_of_all_is_of_one_state(string command, string change)
    {
        var shards = new LocalShards();
        Fill(shards, command);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node);
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(command.Split(' '));
        Assert.True(shards.TurnOnce());
        Assert.True(shards.TurnOnce());
        Assert.Equal("(nothing)", client.Take());
        others.Say(change);
        shards.Turn();
        var said = client.Take();
        others.Say("MULTI");
        others.Say(command);
        var whole = others.Say("EXEC")["*1 ".Length..];
        if (command[0] is 'H' or 'S') (whole, said) = (InOrder(whole), InOrder(said)); // Their order is the table's.
        Assert.Equal(whole, said);
        Assert.True(shards.Leader.Watches.IsEmpty, "what has ended still looks at its keys");
    }

    [Fact]
    public void What_is_acknowledged_meanwhile_is_not_pending_in_a_copy()
    {
        const string Command = "COPY {t}stream {t}made";
        var shards = new LocalShards();
        Fill(shards, Command);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node);
        others.Say("XGROUP CREATE {t}stream g 0");
        others.Say("XREADGROUP GROUP g c COUNT 40000 STREAMS {t}stream >");
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(Command.Split(' '));
        var said = client.Take();
        for (var turns = 1; said == "(nothing)"; said = client.Take(), turns++)
        {
            Assert.True(turns < 1000, "it begins anew for ever");
            Assert.True(shards.TurnOnce());
            others.Say($"XACK {{t}}stream g {turns}-1");
        }

        Assert.Equal(":1", said);
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Fact]
    public void What_never_rests_is_done_in_one_go_in_the_end()
    {
        const string Command = "SUNIONSTORE {t}made {t}one {t}two";
        var shards = new LocalShards();
        Fill(shards, Command);
        var others = new LocalClient(() => shards.TurnOnce(), shards.Node);
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(Command.Split(' '));
        var said = client.Take();
        for (var turns = 0; said == "(nothing)"; said = client.Take(), turns++)
        {
            Assert.True(turns < 1000, "it begins anew for ever");
            Assert.True(shards.TurnOnce());
            others.Ask("SADD", "{t}one", $"new{turns}");
        }

        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Theory]
    [InlineData("SUNIONSTORE {t}made {t}one {t}two", false)]
    [InlineData("ZUNIONSTORE {t}made 2 {t}first {t}second", false)]
    [InlineData("COPY {t}hash {t}made", false)]
    [InlineData("COPY {t}list {t}made", false)]
    [InlineData("COPY {t}stream {t}made", false)]
    [InlineData("LREM {t}list 0 element-7", false)]
    [InlineData("ZUNIONSTORE {t}made 2 {t}first {t}second", true)]
    [InlineData("COPY {t}hash {t}made", true)]
    [InlineData("COPY {t}stream {t}made", true)]
    [InlineData("LREM {t}list 0 element-7", true)]
    public void A_client_that_goes_away_or_a_flush_leaves_nothing_behind(string command, bool isFlushed)
    {
        var shards = new LocalShards();
        Fill(shards, command);
        var others = shards.Connect();
        Settle(shards, others);
        var used = shards.Leader.Keyspace.Arena.BytesUsed;
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(command.Split(' '));
        for (var turns = 0; turns < 2 || shards.Leader.Keyspace.Arena.BytesUsed <= used; turns++)
        {
            Assert.True(shards.TurnOnce());
            Assert.False(shards.Leader.Watches.IsEmpty, "what goes on in slices does not look at its keys, or nothing was made on the way");
        }

        if (isFlushed)
        {
            others.Ask("FLUSHALL");
            Assert.Equal(":0", client.Take());
            Settle(shards, others);
            Assert.Equal(1, shards.Leader.Keyspace.KeyCount);
        }
        else
        {
            client.Session.Close();
            Settle(shards, others);
            Assert.Equal(used, shards.Leader.Keyspace.Arena.BytesUsed);
        }

        Assert.True(shards.Leader.Watches.IsEmpty, "what was given up still looks at its keys");
    }

    [Fact]
    public void What_expires_meanwhile_is_gone_from_the_result()
    {
        const string Command = "SUNIONSTORE {t}made {t}one {t}two";
        var shards = new LocalShards();
        Fill(shards, Command);
        var others = shards.Connect();
        others.Ask("PEXPIRE", "{t}two", "50");
        var client = new LocalClient(() => { }, shards.Node);
        client.Send(Command.Split(' '));
        Assert.True(shards.TurnOnce());
        shards.Pass(TimeSpan.FromMilliseconds(100));
        Assert.Equal($":{Elements}", client.Take());
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    [Fact]
    public void A_replica_that_is_given_another_state_in_the_midst_of_an_entry_goes_on_from_that()
    {
        var shards = new LocalShards();
        const string Command = "COPY {t}hash {t}made";
        Fill(shards, Command);
        shards.CommitsAtOnce = false;
        var client = shards.Connect();
        client.Send(Command.Split(' '));
        var snapshot = shards.Leader.CaptureSnapshot();
        var chunks = new Holdfast.Wire.ByteBuffer();
        while (snapshot.WriteNext(chunks))
        {
        }

        snapshot.Dispose();
        Assert.False(shards.ApplyOnce(), "the replica did it in one go");
        Assert.False(shards.ApplyOnce(), "the replica did it in one go");
        var builder = shards.Replica.BeginRestore();
        builder.ReadNext(chunks.Written);
        builder.Complete();
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>
    /// What a command names of two sets and two sorted sets that have half of what they hold in common, a sorted set of one score, a large hash that expires, a list whose every block has some of each of a hundred elements,
    /// a stream with much pending, and a small set.
    /// </summary>
    private static void Fill(LocalShards shards, string command)
    {
        var client = shards.Connect();
        foreach (var (key, verb, words) in new (string, string, Func<int, string[]>)[]
        {
            ("{t}one", "SADD", number => [Text(number)]), ("{t}two", "SADD", number => [Text(number + (Elements / 2))]), ("{t}first", "ZADD", number => [Text(number), Text(number)]),
            ("{t}second", "ZADD", number => [Text(-number), Text(number + (Elements / 2))]), ("{t}level", "ZADD", number => ["7", Text(number)]), ("{t}hash", "HSET", number => [$"f{number}", $"value {number}"]),
            ("{t}list", "RPUSH", number => number switch { 0 => ["first", .. Listed(number)], Elements - 1 => [.. Listed(number), "last"], _ => Listed(number) }),
        })
        {
            if (!command.Contains(key, StringComparison.Ordinal)) continue;
            foreach (var part in Enumerable.Range(0, Elements).Chunk(1000)) client.Ask([verb, key, .. part.SelectMany(words)]);
        }

        if (command.Contains("{t}stream", StringComparison.Ordinal))
        {
            for (var number = 1; number <= Elements; number++) client.Ask("XADD", "{t}stream", $"{Text(number)}-1", "field", $"value {number}");
            client.Ask("XGROUP", "CREATE", "{t}stream", "readers", "0");
            client.Ask("XGROUP", "CREATE", "{t}stream", "idle", "$");
            foreach (var (consumer, count) in new[] { ("one", "30000"), ("two", "100"), ("one", "20") }) client.Ask("XREADGROUP", "GROUP", "readers", consumer, "COUNT", count, "STREAMS", "{t}stream", ">");
        }

        client.Ask("SADD", "{t}few", "1", "2", "other");
        client.Ask("PEXPIREAT", "{t}hash", "66666666666000");
    }

    private static string[] Listed(int number) => [number % 100 < 10 ? $"element-{number % 100}" : $"element-{number % 100}-which-is-longer"];

    /// <summary>What was large and is gone is freed a little with every entry.</summary>
    private static void Settle(LocalShards shards, LocalClient client)
    {
        for (var entries = 0; entries < 2000; entries++) client.Ask("SET", "{t}tick", "tock");
        shards.Turn();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string InOrder(string reply) => string.Join(' ', reply.Split(' ').Order(StringComparer.Ordinal));
}
