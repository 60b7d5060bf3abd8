using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Payloads of DUMP go both ways: what Redis dumped is restored here and the other way round, and both then say the same of the key. A payload that is not sound is refused, and nothing else happens.</summary>
public sealed class DumpTests(DifferentialTests.Oracle oracle) : IClassFixture<DifferentialTests.Oracle>
{
    /// <summary>What is asked of a key of each kind; what is told of time is left out.</summary>
    private static readonly string[] Questions =
    [
        "TYPE {t}:copy", "GET {t}:copy", "LRANGE {t}:copy 0 -1", "XRANGE {t}:copy - +", "XINFO STREAM {t}:copy", "XINFO GROUPS {t}:copy", "XPENDING {t}:copy g", "XPENDING {t}:copy h", "TTL {t}:copy",
        "HGETALL {t}:copy", "SORT {t}:copy ALPHA", "ZRANGE {t}:copy 0 -1 WITHSCORES",
    ];

    public static TheoryData<string> Families => ["strings", "lists", "streams", "sets", "hashes", "sortedsets"];

    [Theory]
    [MemberData(nameof(Families))]
    public void What_one_dumps_the_other_restores(string family)
    {
        var shards = new LocalShards();
        var ours = shards.Connect();
        using var theirs = oracle.Connect();
        theirs.Ask("FLUSHALL");
        var restored = 0;
        for (var seed = 1UL; seed <= 4; seed++)
        {
            var commands = CaseFile.Random(family, 150, seed);
            foreach (var words in commands)
            {
                ours.Ask(words);
                theirs.Ask(words);
            }

            foreach (var key in commands.SelectMany(words => words).Where(word => word.StartsWith("{t}:", StringComparison.Ordinal)).Distinct())
            {
                if (theirs.Ask("EXISTS", key) == ":0") continue;
                restored++;
                var (theirPayload, ourPayload) = (theirs.AskBulk("DUMP", key), ours.AskBulk("DUMP", key));
                Assert.Equal("+OK", theirs.Ask("RESTORE", "{t}:copy", "0", ourPayload, "REPLACE"));
                Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:copy", "0", theirPayload, "REPLACE"));
                foreach (var question in Questions) Assert.Equal(theirs.Ask(Request.Split(question)), ours.Say(question));
            }
        }

        Assert.True(restored > 3, "hardly any key was there to be dumped");
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>Large ones: several blocks, compressed by Redis, with elements that are larger than a block.</summary>
    [Fact]
    public void Large_values_go_both_ways()
    {
        var shards = new LocalShards();
        var ours = shards.Connect();
        using var theirs = oracle.Connect();
        theirs.Ask("FLUSHALL");
        var dice = new SeededRandom(7);
        foreach (var key in (string[])["{t}:l", "{t}:x"])
        {
            for (var i = 1; i <= 700; i++)
            {
                var value = new string((char)('a' + dice.Next(26)), dice.Next(20) == 0 ? dice.Next(12_000) : dice.Next(90));
                string[] words = key == "{t}:l" ? ["RPUSH", key, value] : ["XADD", key, $"{i}-{dice.Next(5)}", "field", value, dice.Next(3) == 0 ? "other" : "second", $"{dice.Next(100_000)}"];
                Assert.Equal(theirs.Ask(words), ours.Ask(words));
            }

            Assert.Equal("+OK", theirs.Ask("RESTORE", "{t}:copy", "0", ours.AskBulk("DUMP", key), "REPLACE"));
            Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:copy", "0", theirs.AskBulk("DUMP", key), "REPLACE"));
            foreach (var question in Questions) Assert.Equal(theirs.Ask(Request.Split(question)), ours.Say(question));
        }
    }

    [Theory]
    [InlineData("SET {t}:0 {v}", 1)]
    [InlineData("RPUSH {t}:0 {v} {m} {I} {v} {m} {I} {v}", 2)]
    [InlineData("XADD {t}:0 1-1 f {v} g {m}", 3)]
    [InlineData("HSET {t}:0 f {v} g {m} h {I}", 4)]
    [InlineData("SADD {t}:0 {v} {m} {I}", 5)]
    [InlineData("ZADD {t}:0 1 {v} 2 {m} 2.5 {I}", 6)]
    public void A_payload_that_was_tampered_with_is_refused_or_sound(string template, ulong seed)
    {
        var dice = new SeededRandom(seed);
        var shards = new LocalShards();
        var ours = shards.Connect();
        ours.Say(template.Replace("{v}", "some-value-of-some-length").Replace("{m}", "m1").Replace("{I}", "12345"));
        if (template.StartsWith("XADD", StringComparison.Ordinal))
        {
            foreach (var line in (string[])["XADD {t}:0 2-1 f other g m2", "XADD {t}:0 3-1 h 1", "XDEL {t}:0 2-1", "XGROUP CREATE {t}:0 g 0", "XREADGROUP GROUP g alice STREAMS {t}:0 >"]) ours.Say(line);
        }

        var payload = Encoding.Latin1.GetBytes(ours.AskBulk("DUMP", "{t}:0"));
        var sound = 0;
        for (var round = 0; round < 4000; round++)
        {
            var changed = payload.ToArray();
            for (var left = dice.Next(1, 4); left > 0; left--) changed[dice.Next(changed.Length - 10)] = (byte)dice.Next(256);
            if (dice.Next(4) == 0) changed = [.. changed[..dice.Next(1, changed.Length - 10)], .. changed[^10..]];
            BitConverter.GetBytes(Crc64.Of(changed.AsSpan(0, changed.Length - 8))).CopyTo(changed, changed.Length - 8);
            var reply = ours.Ask("RESTORE", "{t}:1", "0", Encoding.Latin1.GetString(changed), "REPLACE");
            Assert.True(reply is "+OK" or "-ERR Bad data format", reply);
            if (reply != "+OK") continue;
            sound++;
            foreach (var question in Questions) ours.Say(question.Replace("copy", "1"));
            ours.Say("RPOP {t}:1 2");
            ours.Say("XTRIM {t}:1 MAXLEN 1");
            ours.Say("XADD {t}:1 * f v");
            ours.Say("XREADGROUP GROUP g bob STREAMS {t}:1 >");
        }

        Assert.True(sound < 4000, "no payload was refused");
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }
}
