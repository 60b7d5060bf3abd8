using System.Text;
using Holdfast.Keyspace.Rdb;

namespace Holdfast.Keyspace.Tests;

/// <summary>
/// SYNC cannot be compared byte for byte: order, encodings and what the file says of its writer are each server's own. What can be is compared: of the same keys, redis-server loads our file and has what we have, and we read its
/// file and have what it has, by DEBUG DIGEST (Redis's own signature over keys, kinds, elements, scores and whether they expire) and, for streams, by what their groups say.
/// </summary>
public sealed class SyncTests
{
    /// <summary>The command that has its case here, and not in a file.</summary>
    public const string Compared = "sync";

    private const int CommandsOfSequence = 400;

    private static readonly string[] Families = ["bitmaps", "geo", "hashes", "hyperloglogs", "keys", "lists", "sets", "sortedsets", "streams", "strings"];

    private static readonly string[] Lines =
    [
        "SET {t}long 66666666666666666666", "SET {t}soon gone PX 100000000", "XADD {t}x 1-1 f v", "XADD {t}x 2-5 f v g w", "XADD {t}x 3-1 h w", "XDEL {t}x 2-5", "XGROUP CREATE {t}x g 0", "XGROUP CREATE {t}x idle $ ENTRIESREAD 2",
        "XREADGROUP GROUP g ann COUNT 1 STREAMS {t}x >", "XREADGROUP GROUP g bob STREAMS {t}x >", "XGROUP CREATECONSUMER {t}x g eve", "XADD {t}empty 7-7 a b", "XDEL {t}empty 7-7",
        "FUNCTION LOAD \"#!lua name=telling\\nredis.register_function('tell', function(keys, args) return args[1] end)\"",
    ];

    private static readonly string[] Questions = ["XINFO GROUPS {t}x", "XPENDING {t}x g", "XLEN {t}empty", "XINFO GROUPS {t}empty", "PEXPIRETIME {t}soon", "FUNCTION LIST WITHCODE", "DBSIZE"];

    [Fact]
    public async Task A_redis_server_that_loads_our_file_has_what_we_have()
    {
        var ours = new LocalShards(new KeyspaceOptions { DebugCommand = "yes" }).Connect();
        foreach (var words in Commands()) ours.Ask(words);
        await using var process = await RedisProcess.LoadAsync(ours.AskFile());
        using var theirs = await process.ConnectAsync();
        foreach (var line in Questions) Assert.Equal($"{line} → {ours.Say(line)}", $"{line} → {Told(line, theirs)}");
        Assert.Equal(Digests(ours.Ask, ours), Digests(words => theirs.Ask(words), ours));
        Assert.Equal(ours.Ask("DEBUG", "DIGEST"), theirs.Ask("DEBUG", "DIGEST"));
    }

    [Fact]
    public async Task What_redis_server_sends_is_read_here_and_is_what_it_has()
    {
        await using var process = await RedisProcess.StartAsync();
        using var theirs = await process.ConnectAsync();
        foreach (var words in Commands()) theirs.Ask(words);
        using var replica = await process.ConnectAsync();
        var ours = new LocalShards(new KeyspaceOptions { DebugCommand = "yes" }).Connect();
        var reader = new RdbFileReader(new MemoryStream(replica.AskFile()));
        while (reader.Read() is { } record)
        {
            if (record is RdbRecord.Library library) Assert.StartsWith("$", ours.Ask("FUNCTION", "LOAD", Encoding.Latin1.GetString(library.Code)), StringComparison.Ordinal);
            if (record is RdbRecord.Key key) Assert.Equal("+OK", ours.Ask(["RESTORE", Encoding.Latin1.GetString(key.Name), $"{Math.Max(0, key.Expiry)}", Encoding.Latin1.GetString(key.Payload), "ABSTTL"]));
        }

        foreach (var line in Questions) Assert.Equal($"{line} → {Told(line, theirs)}", $"{line} → {ours.Say(line)}");
        Assert.Equal(Digests(words => theirs.Ask(words), ours), Digests(ours.Ask, ours));
        Assert.Equal(theirs.Ask("DEBUG", "DIGEST"), ours.Ask("DEBUG", "DIGEST"));
    }

    /// <summary>Sequences of every kind of value, each beginning where the one before ended, without what empties all; then what they leave out.</summary>
    private static IEnumerable<string[]> Commands() =>
        Families.SelectMany((family, number) => CaseFile.Random(family, CommandsOfSequence, (ulong)number + 1)).Where(words => !words[0].StartsWith("FLUSH", StringComparison.OrdinalIgnoreCase)).Concat(Lines.Select(Request.Split));

    private static string Told(string line, RedisClient redis) => redis.Ask(Request.Split(line));

    /// <summary>The signature of each key, so that a difference names it.</summary>
    private static string Digests(Func<string[], string> ask, LocalClient keysOf)
    {
        var keys = keysOf.Ask("KEYS", "*").Split(' ').Where((_, at) => at > 0 && at % 2 == 0).Order(StringComparer.Ordinal);
        return string.Join('\n', keys.Select(key => $"{key} {ask(["DEBUG", "DIGEST-VALUE", key])}"));
    }
}
