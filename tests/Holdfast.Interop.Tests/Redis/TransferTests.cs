using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Holdfast.Interop.Tests.Redis;

/// <summary><c>holdfast keyspace export</c> and <c>import</c>: Debian's redis-server loads our file, we load its, and take over a running one under writers without losing a key.</summary>
public sealed class TransferTests
{
    [Fact]
    public async Task Redis_loads_what_we_export_and_has_every_key_as_it_was()
    {
        await using var bench = new ServerBench();
        await using var cluster = await RedisCluster.StartAsync();
        await FillAsync((words) => cluster.CliAsync(0, ["-c", .. words]));
        var file = bench.At("dump.rdb");
        Assert.StartsWith("exported 12 keys", await cluster.VerbAsync("keyspace", "export", file), StringComparison.Ordinal);
        await using var redis = await RedisServer.StartAsync(isCluster: false, dump: file);
        Assert.Equal("12\n", await redis.CliAsync("dbsize"));
        await SameAsync(redis, cluster);
        Assert.Equal("hello\n", await redis.CliAsync("fcall", "tell", "0", "hello"));

        // The same file the other way: into a cluster that has nothing.
        await using var other = await RedisCluster.StartAsync(1);
        Assert.StartsWith("imported 12 keys", await other.VerbAsync("keyspace", "import", file), StringComparison.Ordinal);
        await SameAsync(redis, other);
        Assert.Equal("hello\n", await other.CliAsync(0, "fcall", "tell", "0", "hello"));
    }

    [Fact]
    public async Task A_dump_of_Redis_is_imported_and_damaged_ones_are_refused()
    {
        await using var bench = new ServerBench();
        await using var redis = await RedisServer.StartAsync(isCluster: false);
        await FillAsync(redis.CliAsync);
        Assert.Equal("OK\n", await redis.CliAsync("save"));
        var file = Path.Combine(redis.Folder, "dump.rdb");
        await using var cluster = await RedisCluster.StartAsync(3);
        Assert.StartsWith("imported 12 keys", await cluster.VerbAsync("keyspace", "import", file), StringComparison.Ordinal);
        await SameAsync(redis, cluster);

        var bytes = await File.ReadAllBytesAsync(file);
        var broken = bench.At("broken.rdb");
        await File.WriteAllBytesAsync(broken, bytes[..^20]);
        Assert.Contains("the file is cut off", await cluster.VerbAsync("keyspace", "import", broken), StringComparison.Ordinal);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(broken, bytes);
        Assert.Contains("checksum is wrong", await cluster.VerbAsync("keyspace", "import", broken), StringComparison.Ordinal);
        await File.WriteAllTextAsync(broken, "nothing of the kind");
        Assert.Contains("this is no RDB file", await cluster.VerbAsync("keyspace", "import", broken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_Redis_is_followed_under_writers_and_nothing_is_missing_after_the_cut_over()
    {
        await using var redis = await RedisServer.StartAsync(isCluster: false);
        await FillAsync(redis.CliAsync);
        await redis.CliAsync("debug", "populate", "20000", "many", "20");
        await using var cluster = await RedisCluster.StartAsync(3);
        using var writing = Process.Start(new ProcessStartInfo("redis-benchmark", ["-p", $"{redis.Port}", "-c", "4", "-n", "60000", "-r", "3000", "-q", "-t", "set,lpush,sadd,hset,zadd,mset"]) { RedirectStandardOutput = true })!;
        _ = writing.StandardOutput.ReadToEndAsync();
        var start = new ProcessStartInfo(ServerBench.Program, ["keyspace", "import", $"127.0.0.1:{redis.Port}", "--follow", "--redis", string.Join(',', cluster.Ports.Select(port => $"127.0.0.1:{port}"))]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var import = Process.Start(start)!;
        var (said, complaint) = (import.StandardOutput.ReadToEndAsync(), import.StandardError.ReadToEndAsync());
        await writing.WaitForExitAsync().WaitAsync(ServerBench.Patience);
        await redis.CliAsync("rename", "number", "{elsewhere}number");
        await redis.CliAsync("del", "string");
        await redis.CliAsync("set", "number", "last");
        await RedisServer.UntilAsync(async () => await cluster.ServedAsync(0, "-c", "get", "number") == "last\n", "the last write is not there");
        using (var interrupt = Process.Start("kill", ["-INT", import.Id.ToString(CultureInfo.InvariantCulture)])) await interrupt.WaitForExitAsync();
        await import.WaitForExitAsync().WaitAsync(ServerBench.Patience);
        Assert.True((await said).StartsWith("imported ", StringComparison.Ordinal), $"{await said}\n{await complaint}");

        Assert.Equal("0\n", await cluster.CliAsync(0, "-c", "exists", "string"));
        Assert.Equal("7\n", await cluster.ServedAsync(0, "-c", "get", "{elsewhere}number"));
        var keys = 0L;
        for (var node = 0; node < 3; node++) keys += long.Parse(await cluster.CliAsync(node, "dbsize"), CultureInfo.InvariantCulture);
        Assert.Equal(await redis.CliAsync("dbsize"), $"{keys}\n");
        foreach (var (key, kind) in new Dictionary<string, string> { ["mylist"] = "lrange mylist 0 -1", ["myset"] = "sort myset alpha", ["myhash"] = "hlen myhash", ["myzset"] = "zcard myzset", ["key:000000000007"] = "get key:000000000007", ["many:17"] = "get many:17" })
            Assert.True(await redis.CliAsync(kind.Split(' ')) == await cluster.CliAsync(0, ["-c", .. kind.Split(' ')]), $"{key} differs");
    }

    private static async Task FillAsync(Func<string[], Task<string>> say)
    {
        string[][] commands =
        [
            ["set", "string", new string('x', 300)], ["set", "number", "7"], ["set", "soon", "gone", "px", "100000000"], ["rpush", "list", .. Enumerable.Range(0, 500).Select(number => $"element {number}")], ["sadd", "integers", "1", "2", "300", "-70000"],
            ["sadd", "words", .. Enumerable.Range(0, 300).Select(number => $"word {number}")], ["hset", "small", "a", "1", "b", "two"], ["hset", "large", .. Enumerable.Range(0, 1400).Select(number => $"field {number}")],
            ["zadd", "scores", "1.5", "a", "inf", "b", "-3", "c"], ["zadd", "many scores", .. Enumerable.Range(0, 400).Select(number => $"{number}")], ["pfadd", "counted", "a", "b", "c"],
            ["xadd", "stream", "1-1", "f", "v"], ["xadd", "stream", "2-1", "f", "v", "g", "w"], ["xgroup", "create", "stream", "group", "0"], ["xreadgroup", "group", "group", "ann", "count", "1", "streams", "stream", ">"],
            ["function", "load", "replace", "#!lua name=telling\nredis.register_function('tell', function(keys, args) return args[1] end)"],
        ];
        foreach (var words in commands) Assert.DoesNotContain("ERR", await say(words), StringComparison.Ordinal);
    }

    private static async Task SameAsync(RedisServer redis, RedisCluster cluster)
    {
        var differences = new StringBuilder();
        foreach (var line in (string[])
        [
            "get string", "get number", "get soon", "pexpiretime soon", "lrange list 0 -1", "sort integers", "sort words alpha", "hgetall small", "hlen large", "hget large field|10", "zrange scores 0 -1 withscores", "zcard many|scores",
            "pfcount counted", "xrange stream - +", "xpending stream group", "xinfo groups stream", "object encoding large", "object encoding integers",
        ])
        {
            var words = line.Split(' ').Select(word => word.Replace('|', ' ')).ToArray();
            var (expected, actual) = (await redis.CliAsync(words), await cluster.CliAsync(0, ["-c", .. words]));
            if (expected != actual) differences.Append(CultureInfo.InvariantCulture, $"{line}: {expected} is {actual}\n");
        }

        Assert.True(differences.Length == 0, differences.ToString());
    }
}
