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

    private static long Used(RedisClient redis) => long.Parse(UsedMemory().Match(redis.Ask("INFO", "memory")).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private static long Used(LocalShards shards)
    {
        var keyspace = shards.Leader.Keyspace;
        return keyspace.Arena.BytesUsed + Enumerable.Range(0, KeySlot.Count).Sum(slot => keyspace.Table(slot).Bytes) + keyspace.BigTableBytes;
    }

    [GeneratedRegex(@"used_memory:(\d+)")]
    private static partial Regex UsedMemory();
}
