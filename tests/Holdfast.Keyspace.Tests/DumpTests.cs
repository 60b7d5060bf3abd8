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

    /// <summary>Strings that repeat themselves, near and far, and such as do not: packed where that makes them shorter, and Redis reads them.</summary>
    [Fact]
    public void Long_strings_are_packed_and_go_both_ways()
    {
        var ours = new LocalShards().Connect();
        using var theirs = oracle.Connect();
        var dice = new SeededRandom(3);
        string Noise(int length) => string.Concat(Enumerable.Range(0, length).Select(_ => (char)('!' + dice.Next(90))));
        string Repeated(int period, int length) => Noise(period) is var once ? string.Concat(Enumerable.Repeat(once, (length / period) + 1))[..length] : "";
        List<string> repeated = [new('x', 21), new('x', 100), new('x', 297), new('x', 5000), .. ((int[])[2, 3, 31, 32, 33, 263, 264, 265, 8191, 8192]).Select(period => Repeated(period, 30_000)), string.Join(' ', Enumerable.Range(0, 20_000))];
        List<string> others = [new('x', 20), Noise(21), Noise(500), Noise(40_000), Repeated(8193, 16_386), Noise(300) + new string('y', 4)];
        foreach (var text in repeated.Concat(others))
        {
            ours.Ask("SET", "{t}:s", text);
            theirs.Ask("SET", "{t}:s", text);
            var (theirPayload, ourPayload) = (theirs.AskBulk("DUMP", "{t}:s"), ours.AskBulk("DUMP", "{t}:s"));
            Assert.Equal(repeated.Contains(text), ourPayload.Length < text.Length);
            Assert.Equal("+OK", theirs.Ask("RESTORE", "{t}:copy", "0", ourPayload, "REPLACE"));
            Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:copy", "0", theirPayload, "REPLACE"));
            Assert.Equal(text, theirs.AskBulk("GET", "{t}:copy"));
            Assert.Equal(text, ours.AskBulk("GET", "{t}:copy"));
        }
    }

    /// <summary>Libraries as one dumps them, compressed by Redis, the other restores; both then list and call the same.</summary>
    [Fact]
    public void Libraries_of_functions_go_both_ways()
    {
        string[] codes = ["#!lua name=one\nredis.register_function('f1', function(keys, args) return args[1] end)", "#!lua name=two\nlocal function answer() return 42 end\nredis.register_function{function_name='f2', callback=answer, flags={'no-writes'}, description='the answer'}"];
        var ours = new LocalShards().Connect();
        using var theirs = oracle.Connect();
        theirs.Ask("FUNCTION", "FLUSH");
        foreach (var code in codes)
        {
            ours.Ask("FUNCTION", "LOAD", code);
            theirs.Ask("FUNCTION", "LOAD", code);
        }

        var (theirPayload, ourPayload) = (theirs.AskBulk("FUNCTION", "DUMP"), ours.AskBulk("FUNCTION", "DUMP"));
        Assert.InRange(ourPayload.Length, 1, theirPayload.Length + 16); // Packed as well as Redis packs, more or less.
        foreach (var policy in (string[])["FLUSH", "REPLACE"])
        {
            Assert.Equal("+OK", theirs.Ask("FUNCTION", "RESTORE", ourPayload, policy));
            Assert.Equal("+OK", ours.Ask("FUNCTION", "RESTORE", theirPayload, policy));
            foreach (var question in (string[])["FUNCTION LIST LIBRARYNAME one WITHCODE", "FUNCTION LIST LIBRARYNAME two WITHCODE", "FCALL f1 0 x", "FCALL_RO f2 0"]) Assert.Equal(theirs.Ask(Request.Split(question)), ours.Say(question));
        }

        theirs.Ask("FUNCTION", "FLUSH");
    }

    /// <summary>Redis 7.0 has no dates of fields, so they go to ourselves only: as our dump has them, and as Redis 7.4 lays out small hashes (a listpack of fields, values and dates).</summary>
    [Fact]
    public void Dates_of_fields_are_in_the_payload_as_Redis_7_4_has_them()
    {
        var shards = new LocalShards();
        var ours = shards.Connect();
        ours.Say("HSET {t}:h a 1 b 2 c 3");
        ours.Say("HPEXPIREAT {t}:h 66666666666000 FIELDS 1 a");
        ours.Say("HPEXPIREAT {t}:h 66666666666777 FIELDS 1 c");
        var payload = ours.AskBulk("DUMP", "{t}:h");
        Assert.Equal(24, payload[0]);
        Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:i", "0", payload));
        foreach (var question in (string[])["HGETALL {t}:i", "HPEXPIRETIME {t}:i FIELDS 3 a b c", "OBJECT ENCODING {t}:i"]) Assert.Equal(ours.Say(question.Replace(":i", ":h", StringComparison.Ordinal)), ours.Say(question));
        Assert.Equal("*3 :66666666666000 :-1 :66666666666777", ours.Say("HPEXPIRETIME {t}:i FIELDS 3 a b c"));

        var writer = new RdbWriter();
        writer.Byte(25);
        writer.Long(66666666666000);
        var pack = new byte[] { 0, 0, 0, 0, 6, 0, 0x81, (byte)'a', 2, 1, 1, 0xF4, 0x18, 0xEA, 0xBC, 0x1B, 0xF3, 0x5A, 0, 0, 9, 0x81, (byte)'b', 2, 2, 1, 0, 1, 0xFF };
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(pack, pack.Length);
        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(pack.AsSpan(12), 66666666666000);
        writer.String(pack);
        writer.Close(12);
        Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:j", "0", Encoding.Latin1.GetString(writer.Written)));
        Assert.Equal("*3 :66666666666000 :-1 :-2", ours.Say("HPEXPIRETIME {t}:j FIELDS 3 a b c"));
        Assert.Equal(LocalShards.ContentOf(shards.Leader), LocalShards.ContentOf(shards.Replica));
    }

    /// <summary>As Redis wrote small collections before 7.0.</summary>
    [Theory]
    [InlineData(10, "LRANGE {t}:z 0 -1", "*6 $1 a $2 12 $3 300 $6 -70000 $10 5000000000 $1 7")]
    [InlineData(13, "HGETALL {t}:z", "*6 $1 a $2 12 $3 300 $6 -70000 $10 5000000000 $1 7")]
    public void Ziplists_are_read(byte type, string question, string expected)
    {
        byte[] entries = [0, 0x01, (byte)'a', 3, 0xFE, 12, 3, 0xC0, 0x2C, 0x01, 4, 0xF0, 0x90, 0xEE, 0xFE, 5, 0xE0, 0, 0xF2, 0x05, 0x2A, 1, 0, 0, 0, 10, 0xF8];
        var list = new byte[10 + entries.Length + 1];
        BitConverter.GetBytes(list.Length).CopyTo(list, 0);
        BitConverter.GetBytes(list.Length - 3).CopyTo(list, 4);
        list[8] = 6;
        entries.CopyTo(list, 10);
        list[^1] = 255;
        var writer = new RdbWriter();
        writer.Byte(type);
        writer.String(list);
        writer.Close(9);
        var ours = new LocalShards().Connect();
        Assert.Equal("+OK", ours.Ask("RESTORE", "{t}:z", "0", Encoding.Latin1.GetString(writer.Written)));
        Assert.Equal(expected, ours.Say(question));
        using var theirs = oracle.Connect();
        theirs.Ask("DEL", "{t}:z");
        Assert.Equal("+OK", theirs.Ask("RESTORE", "{t}:z", "0", Encoding.Latin1.GetString(writer.Written)));
        Assert.Equal(expected, theirs.Ask(Request.Split(question)));
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
