using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Clients that know nothing of clusters, against three processes: any node answers for every key, over the death of a leader too.</summary>
public sealed class RedisForwardingTests
{
    [Fact]
    public async Task A_plain_redis_cli_sees_every_key_through_any_node()
    {
        var naive = Ports.Free(3);
        await using var cluster = await RedisCluster.StartAsync(flagsOf: node => ["--redis-forward", $"127.0.0.1:{naive[node]}"]);
        for (var i = 0; i < 30; i++) Assert.Equal("OK\n", await AskAsync(naive[i % 3], "set", $"key{i}", $"v{i}"));
        for (var i = 0; i < 30; i++) Assert.Equal($"v{i}\n", await AskAsync(naive[(i + 1) % 3], "get", $"key{i}"));
        Assert.Contains("MOVED", string.Concat(await Task.WhenAll(Enumerable.Range(0, 3).Select(node => cluster.CliAsync(node, "get", "key1")))), StringComparison.Ordinal);

        Assert.Equal("OK\n", await AskAsync(naive[0], "mset", "a", "1", "b", "2", "c", "3", "d", "4", "e", "5"));
        Assert.Equal("1\n2\n3\n4\n5\n", await AskAsync(naive[1], "mget", "a", "b", "c", "d", "e"));
        Assert.Equal("5\n", await AskAsync(naive[2], "del", "a", "b", "c", "d", "e", "f"));
        Assert.Equal("tuple\n", await AskAsync(naive[0], "eval", "return redis.call('set',KEYS[1],'x') and 'tuple'", "1", "scripted"));
        Assert.Equal("x\n", await AskAsync(naive[1], "get", "scripted"));

        var waiting = AskAsync(naive[0], "blpop", "queue", "60");
        Assert.Equal("1\n", await AskAsync(naive[1], "rpush", "queue", "job"));
        Assert.Equal("queue\njob\n", await waiting);

        // On the cluster's own port a user may ask for it.
        Assert.Equal("OK\n", await cluster.CliAsync(0, "acl", "setuser", "plain", "on", ">secret", "~*", "+@all", "forward"));
        Assert.Equal("v1\nv2\nv3\n", await AskAsync(cluster.Ports[0], "--user", "plain", "--pass", "secret", "--no-auth-warning", "mget", "key1", "key2", "key3"));
    }

    [Fact]
    public async Task A_client_of_one_endpoint_goes_on_when_the_leaders_elsewhere_die()
    {
        var naive = Ports.Free(3);
        await using var cluster = await RedisCluster.StartAsync(flagsOf: node => ["--redis-forward", $"127.0.0.1:{naive[node]}"]);
        var acknowledged = new Dictionary<string, string>();
        Socket? socket = null;
        for (var (i, begun) = (0, System.Diagnostics.Stopwatch.StartNew()); acknowledged.Count < 300; i++)
        {
            Assert.True(begun.Elapsed < Patient.Most, $"{acknowledged.Count} of {i} writes were acknowledged\n{cluster.Nodes.LastWords()}");
            if (i == 100) cluster.Nodes.Kill(1);
            socket ??= await ToAsync(naive[0]);
            await socket.SendAsync(Encoding.ASCII.GetBytes($"SET k{i} v{i}\r\n"));
            var reply = new byte[256];
            var count = await socket.ReceiveAsync(reply);
            if (count > 0 && reply[0] == '+')
            {
                acknowledged[$"k{i}"] = $"v{i}";
                continue;
            }

            // Its outcome is unknown, or no leader was known in time: it does not count as acknowledged.
            if (count > 0) Assert.StartsWith("-CLUSTERDOWN", Encoding.ASCII.GetString(reply, 0, count), StringComparison.Ordinal);
            socket.Dispose();
            socket = null;
            await Task.Delay(20);
        }

        socket?.Dispose();
        await cluster.UntilServedAsync(-1);
        foreach (var (key, value) in acknowledged) Assert.Equal(value + "\n", await AskAsync(naive[2], "get", key));
    }

    private static async Task<Socket> ToAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return socket;
    }

    private static async Task<string> AskAsync(int port, params string[] words)
    {
        var start = new System.Diagnostics.ProcessStartInfo("redis-cli") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in (string[])["-p", $"{port}", .. words]) start.ArgumentList.Add(word);
        using var process = System.Diagnostics.Process.Start(start)!;
        var fault = process.StandardError.ReadToEndAsync();
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said + await fault;
    }
}
