using System.Diagnostics;
using System.Globalization;
using Holdfast.Http.Tests;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Redis clients under TLS, on three processes: followed redirects, certificates of both sides, one that is renewed while the node runs.</summary>
public sealed class RedisTlsTests : IDisposable
{
    private static readonly TimeSpan Patience = Patient.Most;

    private readonly Certificates certificates = new();

    public RedisTlsTests()
    {
        certificates.Issue("server", "server");
        certificates.Issue("client", "client");
    }

    public void Dispose() => certificates.Dispose();

    [Fact]
    public async Task Redis_cli_follows_redirects_under_TLS_and_in_the_clear_each_to_ports_of_their_own()
    {
        var tls = Ports.Free(3);
        await using var cluster = await RedisCluster.StartAsync(flagsOf: node => ["--redis-tls", $"127.0.0.1:{tls[node]}", "--redis-cert", certificates.Certificate("server"), "--redis-key", certificates.Key("server")]);
        for (var i = 0; i < 12; i++) Assert.Equal("OK\n", await SecureAsync(tls[i % 3], "-c", "set", $"key{i}", $"v{i}"));
        for (var i = 0; i < 12; i++) Assert.Equal($"v{i}\n", await cluster.ServedAsync(0, "-c", "get", $"key{i}"));

        var moved = (await SecureAsync(tls[0], "get", "key1") + await SecureAsync(tls[1], "get", "key1")).Split('\n').First(line => line.StartsWith("MOVED", StringComparison.Ordinal));
        Assert.Contains(int.Parse(moved.Split(':')[^1], CultureInfo.InvariantCulture), tls);
        Assert.All(Listed(await SecureAsync(tls[0], "cluster", "nodes")), port => Assert.Contains(port, tls));
        Assert.All(Listed(await cluster.CliAsync(0, "cluster", "nodes")), port => Assert.Contains(port, cluster.Ports));
        var shards = await cluster.CliAsync(0, "cluster", "shards");
        Assert.All(tls, port => Assert.Contains($"tls-port\n{port}", shards, StringComparison.Ordinal));
        Assert.All(cluster.Ports, port => Assert.Contains($"\nport\n{port}", shards, StringComparison.Ordinal));
        Assert.Contains("[OK] All 16384 slots covered.", await SecureAsync(0, "--cluster", "check", $"127.0.0.1:{tls[0]}"), StringComparison.Ordinal);

        // A value of many records, both ways; redis-cli reads it from its standard input.
        var large = new string('x', 3 << 20);
        Assert.Equal("OK\n", await RunAsync("redis-cli", ["--tls", "--cacert", certificates.Authority, "-p", $"{tls[0]}", "-c", "-x", "set", "large"], large));
        Assert.Equal(large + "\n", await SecureAsync(tls[1], "-c", "get", "large"));
    }

    [Fact]
    public async Task Redis_benchmark_runs_under_TLS_with_and_without_pipelines()
    {
        var tls = Ports.Free(1);
        await using var cluster = await RedisCluster.StartAsync(1, flagsOf: _ => ["--redis-tls", $"127.0.0.1:{tls[0]}", "--redis-cert", certificates.Certificate("server"), "--redis-key", certificates.Key("server")]);
        foreach (var pipeline in (string[])["1", "16"])
        {
            var said = await RunAsync("redis-benchmark", ["-p", $"{tls[0]}", "--tls", "--cacert", certificates.Authority, "-n", "4000", "-c", "20", "-P", pipeline, "-t", "set,get,lpush,lrange_100,mset", "-q"]);
            Assert.Equal(5, said.Split("requests per second").Length - 1 - (said.Contains("needed to benchmark", StringComparison.Ordinal) ? 1 : 0));
            Assert.DoesNotContain("Error", said, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Theory]
    [InlineData("required")]
    [InlineData("optional")]
    public async Task Client_certificates_are_asked_for_and_ours_is_renewed_while_the_node_runs(string certs)
    {
        var tls = Ports.Free(1);
        await using var cluster = await RedisCluster.StartAsync(1, flagsOf: _ => ["--redis-tls", $"127.0.0.1:{tls[0]}", "--redis-cert", certificates.Certificate("server"), "--redis-key", certificates.Key("server"), "--redis-client-ca", certificates.Authority, "--redis-client-certs", certs]);
        string[] shown = ["--cert", certificates.Certificate("client"), "--key", certificates.Key("client")];
        Assert.Equal("PONG\n", await SecureAsync(tls[0], [.. shown, "ping"]));
        var without = await SecureAsync(tls[0], "ping");
        if (certs == "optional") Assert.Equal("PONG\n", without);
        else Assert.DoesNotContain("PONG", without, StringComparison.Ordinal);
        using (var strangers = new Certificates())
        {
            strangers.Issue("client", "client");
            Assert.DoesNotContain("PONG", await SecureAsync(tls[0], "--cert", strangers.Certificate("client"), "--key", strangers.Key("client"), "ping"), StringComparison.Ordinal);
        }

        Assert.DoesNotContain("PONG", await RunAsync("redis-cli", ["-p", $"{tls[0]}", "ping"]), StringComparison.Ordinal); // In the clear.
        certificates.Issue("server", "renewed");
        File.SetLastWriteTimeUtc(certificates.Certificate("server"), DateTime.UtcNow.AddMinutes(1));
        for (var begun = Stopwatch.StartNew(); ; await Task.Delay(100))
        {
            var said = await RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{tls[0]}", "-CAfile", certificates.Authority, "-cert", certificates.Certificate("client"), "-key", certificates.Key("client")], "PING\r\nQUIT\r\n");
            if (said.Replace(" ", "", StringComparison.Ordinal).Contains("CN=renewed", StringComparison.Ordinal)) break;
            Assert.True(begun.Elapsed < Patience, said);
        }

        Assert.Equal("PONG\n", await SecureAsync(tls[0], [.. shown, "ping"]));
    }

    private static IEnumerable<int> Listed(string nodes) => nodes.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => int.Parse(line.Split(' ')[1].Split('@')[0].Split(':')[1], CultureInfo.InvariantCulture));

    /// <summary>What redis-cli prints under TLS.</summary>
    private Task<string> SecureAsync(int port, params string[] words) => RunAsync("redis-cli", ["--tls", "--cacert", certificates.Authority, .. port == 0 ? (string[])[] : ["-p", $"{port}"], .. words]);

    private static async Task<string> RunAsync(string program, string[] words, string input = "")
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        using var process = Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said + await fault;
    }
}
