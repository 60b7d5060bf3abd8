using System.Globalization;
using System.Text.RegularExpressions;

namespace Holdfast.Keyspace.Tests;

/// <summary>What collections take, beside what redis-server says it uses for the same: at most 1.2 times as much (issue 4, section 3). Bytes in use, not the process's size: <c>bench/peers/redis.sh memory</c> measures that.</summary>
public sealed partial class MemoryTests
{
    private const double MostOfRedis = 1.2;

    [Theory]
    [InlineData("hashes of 20 fields", 20_000)]
    [InlineData("sets of 20 members", 20_000)]
    [InlineData("sorted sets of 20 members", 20_000)]
    [InlineData("a hash of many fields", 100_000)]
    [InlineData("a set of many members", 100_000)]
    [InlineData("a sorted set of many members", 100_000)]
    public async Task Collections_take_little_more_than_in_Redis(string what, int count)
    {
        string[] Words(int i) => what switch
        {
            "hashes of 20 fields" => ["HSET", $"hash:{i:d12}", .. Enumerable.Range(0, 20).SelectMany(field => (string[])[$"field:{field:d4}", $"value:{(i * 31) + field:d10}"])],
            "sets of 20 members" => ["SADD", $"set:{i:d12}", .. Enumerable.Range(0, 20).Select(member => $"member:{(i * 31) + member:d10}")],
            "sorted sets of 20 members" => ["ZADD", $"board:{i:d12}", .. Enumerable.Range(0, 20).SelectMany(member => (string[])[$"{(i * 31 % 1000) + (member / 8.0)}", $"member:{member:d10}"])],
            "a hash of many fields" => ["HSET", "hash", $"field:{i:d10}", $"value:{i:d10}"],
            "a set of many members" => ["SADD", "set", $"member:{i:d10}"],
            _ => ["ZADD", "board", $"{i * 7919 % count}", $"member:{i:d10}"],
        };

        await using var process = await RedisProcess.StartAsync();
        using var redis = await process.ConnectAsync();
        var shards = new LocalShards();
        var client = shards.Connect();
        var (theirs, ours) = (Used(redis), Used(shards));
        for (var from = 0; from < count; from += 1000)
        {
            var batch = Enumerable.Range(from, 1000).Select(Words).ToList();
            redis.AskAll(batch);
            foreach (var words in batch) client.Ask(words);
        }

        (theirs, ours) = (Used(redis) - theirs, Used(shards) - ours);
        TestContext.Current.SendDiagnosticMessage($"{what}: {ours} bytes, Redis {theirs}: {(double)ours / theirs:f2}");
        Assert.True(ours <= theirs * MostOfRedis, $"{what}: {ours} bytes, Redis {theirs}: {(double)ours / theirs:f2}");
    }

    /// <summary>What is pending in a stream's group: entries are read by two consumers, none is acknowledged.</summary>
    [Fact]
    public async Task What_is_pending_takes_little_more_than_in_Redis()
    {
        const int Entries = 100_000;
        await using var process = await RedisProcess.StartAsync();
        using var redis = await process.ConnectAsync();
        var shards = new LocalShards();
        var client = shards.Connect();
        List<string[]> fill = [.. Enumerable.Range(1, Entries).Select(number => (string[])["XADD", "stream", $"{number}-1", "field", "value"]), ["XGROUP", "CREATE", "stream", "group", "0"]];
        List<string[]> read = [.. Enumerable.Range(0, Entries / 1000).Select(part => (string[])["XREADGROUP", "GROUP", "group", part % 2 == 0 ? "one" : "two", "COUNT", "1000", "STREAMS", "stream", ">"])];
        redis.AskAll(fill);
        foreach (var words in fill) client.Ask(words);
        var (theirs, ours) = (Used(redis), Used(shards));
        redis.AskAll(read);
        foreach (var words in read) client.Ask(words);
        (theirs, ours) = (Used(redis) - theirs, Used(shards) - ours);
        TestContext.Current.SendDiagnosticMessage($"pending: {ours} bytes, Redis {theirs}: {(double)ours / theirs:f2}");
        Assert.True(ours >= Entries * 40L, $"{ours} bytes are too few: what is pending stands elsewhere");
        Assert.True(ours <= theirs * MostOfRedis, $"{ours} bytes, Redis {theirs}: {(double)ours / theirs:f2}");
    }

    /// <summary>What is pending is given back: as it is acknowledged, with its consumer, with its group, with its stream, and when it is taken back.</summary>
    [Theory]
    [InlineData("XACK stream group {ids}")]
    [InlineData("XGROUP DELCONSUMER stream group reader")]
    [InlineData("XGROUP DESTROY stream group")]
    [InlineData("DEL stream")]
    [InlineData("(taken back)")]
    public void What_is_pending_is_given_back(string end)
    {
        const int Entries = 1000;
        var shards = new LocalShards();
        var client = shards.Connect();
        for (var number = 1; number <= Entries; number++) client.Ask("XADD", "stream", $"{number}-1", "field", "value");
        client.Ask("XGROUP", "CREATE", "stream", "group", "0");
        client.Ask("XGROUP", "CREATECONSUMER", "stream", "group", "reader");
        var before = shards.Leader.Keyspace.Arena.BytesUsed;
        shards.CommitsAtOnce = end[0] != '(';
        for (var part = 0; part < Entries / 100; part++) client.Send("XREADGROUP", "GROUP", "group", "reader", "COUNT", "100", "STREAMS", "stream", ">");
        Assert.True(shards.Leader.Keyspace.Arena.BytesUsed > before + (Entries * 40));
        if (end[0] == '(') Assert.True(shards.Truncate(), "the tail could not be taken back");
        else client.Ask([.. end.Split(' ').SelectMany(word => word == "{ids}" ? Enumerable.Range(1, Entries).Select(number => $"{number}-1") : [word])]);
        shards.CommitsAtOnce = true;
        for (var turn = 0; turn < 100; turn++) shards.Connect().Ask("SET", "other", "value"); // What goes is freed a little at a time, with the entries that follow.
        shards.Connect().Ask("DEL", "other");
        var after = shards.Leader.Keyspace.Arena.BytesUsed;
        if (end.StartsWith("DEL", StringComparison.Ordinal)) Assert.InRange(after, 0, before / 2);
        else Assert.Equal(before, after);
    }

    private static long Used(RedisClient redis) => long.Parse(UsedMemory().Match(redis.Ask("INFO", "memory")).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static long Used(LocalShards shards)
    {
        var keyspace = shards.Leader.Keyspace;
        return keyspace.Arena.BytesUsed + Enumerable.Range(0, KeySlot.Count).Sum(slot => keyspace.Table(slot).Bytes) + keyspace.BigTableBytes;
    }

    [GeneratedRegex(@"used_memory:(\d+)")]
    private static partial Regex UsedMemory();
}
