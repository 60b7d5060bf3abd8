using System.Diagnostics;

namespace Holdfast.Interop.Tests;

/// <summary><c>holdfast config</c> and <c>holdfast flag</c> as processes (R1.5).</summary>
public sealed class SettingVerbTests
{
    [Fact]
    public async Task A_setting_is_set_watched_rolled_back_and_remembered()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var first = await RunAsync(cluster, 0, "config", "set", "pool", "10");
        using var watch = Start(cluster, "config", "watch", "pool");
        await RunAsync(cluster, 0, "config", "set", "pool", "20");

        // The watch begins some time; one more change each time until it tells one.
        var heard = watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask();
        for (var begun = Stopwatch.StartNew(); !heard.IsCompleted;)
        {
            Assert.True(begun.Elapsed < Patient.Most, "the watch tells nothing");
            await RunAsync(cluster, 0, "config", "set", "pool", "30");
        }

        watch.Kill();
        await watch.WaitForExitAsync();
        Assert.Matches("^[0-9]+\t(20|30)$", await heard);
        await RunAsync(cluster, 0, "config", "set", "pool", "30");
        await RunAsync(cluster, 0, "config", "rollback", "pool", first.Split(' ')[1].Trim());
        Assert.Equal("10\n", await RunAsync(cluster, 0, "config", "get", "pool"));
        var lines = (await RunAsync(cluster, 0, "config", "history", "pool", "--limit", "1000")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToArray();
        Assert.All(lines, line => Assert.Equal($"{Environment.UserName}@{Environment.MachineName}", line[2]));
        Assert.All(lines, line => Assert.Matches("^20[0-9-]+ [0-9:]+Z$", line[3]));
        var history = lines.Select(line => line[1]).ToArray();
        Assert.Equal(("10", "30", "20", "10"), (history[0], history[1], history[^2], history[^1]));
        await RunAsync(cluster, 4, "config", "get", "nothing");
        await RunAsync(cluster, 4, "config", "rollback", "pool", "1");
    }

    [Fact]
    public async Task A_flag_is_rolled_out_and_targeted()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        await RunAsync(cluster, 4, "flag", "get", "cart", "--for", "ann");
        await RunAsync(cluster, 0, "flag", "set", "cart", "on", "--rule", "subject=eve,bob:off");
        Assert.Equal("on\n", await RunAsync(cluster, 0, "flag", "get", "cart", "--for", "ann"));
        Assert.Equal("off\n", await RunAsync(cluster, 4, "flag", "get", "cart", "--for", "eve"));
        await RunAsync(cluster, 0, "flag", "rollout", "cart", "0");
        Assert.Equal("off\n", await RunAsync(cluster, 4, "flag", "get", "cart", "--for", "ann"));
        Assert.StartsWith("cart\ton\t0\t1\t", await RunAsync(cluster, 0, "flag", "ls"), StringComparison.Ordinal);
        await RunAsync(cluster, 2, "flag", "rollout", "cart", "101");

        // Back to the time before the rollout; the history says who and when, as JSON too.
        var versions = (await RunAsync(cluster, 0, "flag", "history", "cart")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, versions.Length);
        await RunAsync(cluster, 0, "flag", "rollback", "cart", versions[1].Split('\t')[0]);
        Assert.Equal("on\n", await RunAsync(cluster, 0, "flag", "get", "cart", "--for", "ann"));
        using var told = System.Text.Json.JsonDocument.Parse(await RunAsync(cluster, 0, "flag", "history", "cart", "-o", "json"));
        Assert.Equal(3, told.RootElement.GetArrayLength());
        Assert.Equal($"{Environment.UserName}@{Environment.MachineName}", told.RootElement[0].GetProperty("who").GetString());
        Assert.Equal(TimeSpan.Zero, told.RootElement[0].GetProperty("when").GetDateTimeOffset().Offset);
        await RunAsync(cluster, 4, "flag", "history", "nothing");
    }

    private static async Task<string> RunAsync(ProcessCluster cluster, int code, params string[] words)
    {
        using var process = Start(cluster, words);
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == code, $"holdfast {string.Join(' ', words)} exits with {process.ExitCode}, not {code}: {said}");
        return said;
    }

    private static Process Start(ProcessCluster cluster, params string[] words)
    {
        var start = new ProcessStartInfo(ServerBench.Program, words) { RedirectStandardOutput = true };
        start.Environment["HOLDFAST_ENDPOINTS"] = cluster.Endpoint(0);
        return Process.Start(start)!;
    }
}
