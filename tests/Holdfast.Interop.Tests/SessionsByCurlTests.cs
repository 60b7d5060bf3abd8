using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Holdfast.Interop.Tests;

/// <summary>Sessions with lock delay by curl alone (R1.6), over a cluster of processes. The curl lines are those of docs/coordination.md.</summary>
public sealed class SessionsByCurlTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    /// <summary>A session that nobody renews, and a leader that is killed meanwhile: the key is free after TTL and lock delay, not before the delay is over, and the next fence is larger.</summary>
    [Fact]
    public async Task A_lock_outlives_the_leader_and_is_given_on_after_its_holder_has_gone()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        var leader = await cluster.LeaderAsync();
        var other = (leader + 1) % 3;
        var a = Id(await CurlAsync(cluster, leader, "-X", "PUT", "-d", """{"Name":"deploy","TTL":"4s","LockDelay":"3s"}""", "/v1/session/create"));
        var b = Id(await CurlAsync(cluster, other, "-X", "PUT", "-d", """{"TTL":"600s"}""", "/v1/session/create"));
        var (taken, first) = await AcquireAsync(cluster, leader, "deploy/lock", a, "me");
        Assert.True(taken);
        cluster.Kill(leader);

        // Nobody renews a. Somebody always holds the key or its delay, until b gets it.
        var gone = false;
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(50))
        {
            Assert.True(begun.Elapsed < Patience, "b never gets the key");
            gone |= await CurlAsync(cluster, other, $"/v1/session/info/{a}") == "[]";
            var (isTaken, fence) = await AcquireAsync(cluster, other, "deploy/lock", b, "you");
            if (!isTaken) continue;
            Assert.True(gone || await CurlAsync(cluster, other, $"/v1/session/info/{a}") == "[]", "two sessions hold the key");
            Assert.True(fence > first, $"fence {fence} after {first}");
            break;
        }

        Assert.Equal("you", await CurlAsync(cluster, other, "/v1/kv/deploy/lock?raw"));
        Assert.Equal("true", await CurlAsync(cluster, other, "-X", "PUT", "-d", "done", $"/v1/kv/deploy/lock?release={b}"));

        // The same key for etcd's clients.
        Assert.Equal("deploy/lock\ndone\n", await cluster.EtcdctlAsync(other, "get", "deploy/lock"));
    }

    [Fact]
    public async Task The_lines_of_the_documentation_work_as_they_stand()
    {
        await using var cluster = await ProcessCluster.StartAsync(1);
        var page = await File.ReadAllTextAsync(Operating.Checkout.PathOf("docs/coordination.md"));
        var script = page[page.IndexOf("```sh\n# sessions\n", StringComparison.Ordinal)..]["```sh\n".Length..];
        script = script[..script.IndexOf("```", StringComparison.Ordinal)].Replace("127.0.0.1:2379", cluster.Endpoint(0), StringComparison.Ordinal);
        var wanted = script.Split('\n').Where(line => line.Contains(" # => ", StringComparison.Ordinal)).Select(line => line[(line.IndexOf(" # => ", StringComparison.Ordinal) + 6)..]).ToArray();
        Assert.True(wanted.Length >= 6, "the page has few answers to compare");
        var start = new ProcessStartInfo("bash", ["-euc", script]) { RedirectStandardOutput = true };
        using var bash = Process.Start(start)!;
        var said = (await bash.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await bash.WaitForExitAsync();
        Assert.Equal(0, bash.ExitCode);
        Assert.Equal(wanted, said);
    }

    private static string Id(string created) => JsonDocument.Parse(created).RootElement.GetProperty("ID").GetString()!;

    private static async Task<(bool IsTaken, long Fence)> AcquireAsync(ProcessCluster cluster, int node, string key, string session, string value)
    {
        var answer = (await CurlAsync(cluster, node, "-i", "-X", "PUT", "-d", value, $"/v1/kv/{key}?acquire={session}")).Split("\r\n");
        var fence = answer.FirstOrDefault(line => line.StartsWith("Holdfast-Fence: ", StringComparison.OrdinalIgnoreCase)) is { } header ? long.Parse(header.Split(' ')[1], CultureInfo.InvariantCulture) : 0;
        return (answer[^1] == "true", fence);
    }

    /// <summary>The last word is the path. A node that has no leader just now is asked again by the caller's loop: its answer is then a sentence.</summary>
    private static async Task<string> CurlAsync(ProcessCluster cluster, int node, params string[] words)
    {
        var start = new ProcessStartInfo("curl", ["-s", "--max-time", "30", .. words[..^1], $"http://{cluster.Endpoint(node)}{words[^1]}"]) { RedirectStandardOutput = true };
        using var curl = Process.Start(start)!;
        var said = await curl.StandardOutput.ReadToEndAsync();
        await curl.WaitForExitAsync();
        return said;
    }
}
