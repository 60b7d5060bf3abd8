using System.Collections.Concurrent;
using System.Diagnostics;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Debian's prometheus-redis-exporter, as it is, beside Debian's redis-server and beside a node: whatever series dashboards draw of the one there are of the other, and it has nothing to complain about.</summary>
public sealed class ExporterTests
{
    /// <summary>Of Redis's threads, which are others than ours.</summary>
    private static readonly string[] Without = ["redis_config_io_threads", "redis_cpu_sys_main_thread_seconds_total", "redis_cpu_user_main_thread_seconds_total"];

    [Fact]
    public async Task The_exporter_finds_the_series_that_it_finds_at_Redis_and_complains_of_nothing()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var cluster = await RedisCluster.StartAsync(1);
        foreach (var words in (string[][])
        [
            ["set", "a", "1", "ex", "1000"], ["get", "a"], ["get", "none"], ["lpop", "a"], ["config", "set", "slowlog-log-slower-than", "0"], ["xgroup", "create", "stream", "group", "$", "mkstream"], ["xadd", "stream", "*", "field", "value"],
            ["xreadgroup", "group", "group", "ann", "streams", "stream", ">"],
        ])
        {
            await redis.CliAsync(words);
            await cluster.CliAsync(0, words);
        }

        var (theirs, _) = await PageAsync(redis.Port);
        var (page, said) = await PageAsync(cluster.Ports[0]);
        var missing = NamesOf(theirs).Except(NamesOf(page)).Except(Without).Order(StringComparer.Ordinal).ToArray();
        Assert.True(missing.Length == 0, $"missing: {string.Join(", ", missing)}\nof\n{page}\nsaid:\n{said}");
        string[] series =
        [
            "redis_up 1", "redis_exporter_last_scrape_error{err=\"\"} 0", "redis_db_keys{db=\"db0\"} 2", "redis_db_keys_expiring{db=\"db0\"} 1", "redis_commands_total{cmd=\"get\"}", "redis_commands_failed_calls_total{cmd=\"lpop\"} 1",
            "redis_errors_total{err=\"WRONGTYPE\"} 1", "redis_cluster_enabled 1", "redis_cluster_state 1", "redis_cluster_slots_ok 16384", "redis_cluster_known_nodes 1", "redis_cluster_size 1", "redis_stream_length{db=\"db0\",stream=\"stream\"} 1",
            "redis_key_value{db=\"db0\",key=\"a\"} 1", "redis_loading_dump_file 0", "redis_rdb_last_bgsave_status 1",
        ];
        Assert.True(series.All(line => page.Contains('\n' + line, StringComparison.Ordinal)), $"missing: {string.Join(", ", series.Where(line => !page.Contains('\n' + line, StringComparison.Ordinal)))}\nof\n{page}");
        Assert.DoesNotContain("level=error", said, StringComparison.Ordinal);
        Assert.DoesNotContain("level=warning", said, StringComparison.Ordinal);
    }

    private static HashSet<string> NamesOf(string page) => [.. page.Split('\n').Where(line => line.StartsWith("redis_", StringComparison.Ordinal)).Select(line => line.Split('{', ' ')[0])];

    /// <summary>What the exporter shows of a server, and what it says itself.</summary>
    private static async Task<(string Page, string Said)> PageAsync(int server)
    {
        var port = Ports.Free(1)[0];
        var start = new ProcessStartInfo("prometheus-redis-exporter") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] flags = ["-check-keys", "a", "-check-streams", "stream", "-export-client-list", "-include-config-metrics", "-include-system-metrics", "-is-cluster"];
        foreach (var word in (string[])["-redis.addr", $"redis://127.0.0.1:{server}", "-web.listen-address", $"127.0.0.1:{port}", .. flags]) start.ArgumentList.Add(word);
        using var exporter = Process.Start(start)!;
        var said = new ConcurrentQueue<string>();
        exporter.OutputDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        exporter.ErrorDataReceived += (_, line) => said.Enqueue(line.Data ?? "");
        exporter.BeginOutputReadLine();
        exporter.BeginErrorReadLine();
        string page;
        try
        {
            page = await ScrapeAsync(port);
        }
        finally
        {
            exporter.Kill();
            await exporter.WaitForExitAsync();
        }

        return (page, string.Join('\n', said));
    }

    private static async Task<string> ScrapeAsync(int port)
    {
        using var http = new HttpClient();
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            try
            {
                return await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
            }
            catch (HttpRequestException) when (begun.Elapsed < Patient.Most)
            {
                // It is starting.
            }
        }
    }
}
