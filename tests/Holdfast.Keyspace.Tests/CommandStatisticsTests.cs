using System.Text.RegularExpressions;

namespace Holdfast.Keyspace.Tests;

/// <summary>What INFO counts of commands and errors is what Debian's redis-server counts: those within transactions and scripts too, and those that were refused before they were executed.</summary>
public sealed partial class CommandStatisticsTests(DifferentialTests.Oracle oracle) : IClassFixture<DifferentialTests.Oracle>
{
    private static readonly string[][][] Steps =
    [
        [["MULTI"], ["SET"], ["EXEC"]],
        [["MULTI"], ["GET", "x"], ["NONSENSE"], ["EXEC"]],
        [["SET", "s", "1"], ["MULTI"], ["LPUSH", "s", "1"], ["EXEC"]],
        [["EVAL", "return redis.call('get')", "0"]],
        [["EVAL", "return redis.pcall('get')", "0"]],
        [["EVAL", "return redis.call('lpush',KEYS[1],'1')", "1", "s"]],
        [["EVAL", "return redis.pcall('lpush',KEYS[1],'1').err", "1", "s"]],
        [["EVAL", "return redis.error_reply('MINE is this')", "0"]],
        [["EVAL", "error({err='MINE too'})", "0"]],
        [["GET", "a", "b", "c"], ["CONFIG"], ["CONFIG", "NONSENSE"], ["NONSENSE"], ["MGET", "a", "b"]],
        [["BLPOP", "s", "1"], ["EVALSHA", "x", "0"], ["AUTH", "wrong"]],
    ];

    [Fact]
    public void Commands_and_errors_are_counted_as_Redis_counts_them()
    {
        using var theirs = oracle.Connect();
        var ours = new LocalShards().Connect();
        theirs.Ask("FLUSHALL");
        foreach (var step in Steps)
        {
            theirs.Ask("CONFIG", "RESETSTAT");
            ours.Ask("CONFIG", "RESETSTAT");
            foreach (var words in step)
            {
                theirs.Ask(words);
                ours.Ask(words);
            }

            Assert.Equal(Counted(theirs.Ask("INFO", "commandstats", "errorstats")), Counted(ours.Ask("INFO", "commandstats", "errorstats")));
        }
    }

    [Fact]
    public void Times_are_told_at_the_shares_that_were_asked_for()
    {
        var client = new LocalShards().Connect();
        client.Ask("CONFIG", "SET", "latency-tracking-info-percentiles", "0 50 100");
        client.Ask("SET", "a", "b");
        Assert.Matches(@"latency_percentiles_usec_set:p0=[\d.]+,p50=[\d.]+,p100=[\d.]+", client.Ask("INFO", "latencystats"));
        client.Ask("CONFIG", "SET", "latency-tracking", "no");
        Assert.DoesNotContain("latency_percentiles", client.Ask("INFO", "latencystats"), StringComparison.Ordinal);
        client.Ask("CONFIG", "RESETSTAT");
        client.Ask("SET", "a", "b");
        Assert.Equal("*0", client.Ask("LATENCY", "HISTOGRAM", "set"));
    }

    [Fact]
    public void What_a_transaction_and_a_script_execute_is_in_the_slow_log_and_secrets_are_not()
    {
        var client = new LocalShards().Connect();
        client.Ask("CONFIG", "SET", "slowlog-log-slower-than", "0");
        client.Ask("SLOWLOG", "RESET");
        client.Ask("MULTI");
        client.Ask("GET", "queued");
        client.Ask("EXEC");
        client.Ask("EVAL", "return redis.call('get',KEYS[1])", "1", "called");
        client.Ask("CONFIG", "SET", "masterauth", "hidden");
        client.Ask("ACL", "SETUSER", "somebody", ">hidden");
        var slow = client.Ask("SLOWLOG", "GET", "-1");
        Assert.Contains("$3 GET $6 queued", slow, StringComparison.Ordinal);
        Assert.Contains("$3 get $6 called", slow, StringComparison.Ordinal);
        Assert.Contains("$10 masterauth $10 (redacted)", slow, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", slow, StringComparison.Ordinal);
        client.Ask("CONFIG", "SET", "slowlog-max-len", "2");
        Assert.Equal(":2", client.Ask("SLOWLOG", "LEN"));
    }

    /// <summary>The lines, without times and without those of this test's own questions.</summary>
    private static string Counted(string info) => string.Join('\n', Line().Matches(info).Select(line => Time().Replace(line.Value, "")).Where(line => !line.StartsWith("cmdstat_info", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [GeneratedRegex(@"(cmdstat|errorstat)_\S+")]
    private static partial Regex Line();

    [GeneratedRegex(@"usec=\d+,usec_per_call=[\d.]+,")]
    private static partial Regex Time();
}
