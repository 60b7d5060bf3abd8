using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Interop.Tests.Redis;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>The Redis port under clients that mean no good, or mean nothing at all: bounded memory, Redis's own answers, and nobody else disturbed.</summary>
public sealed class RedisPortTests
{
    /// <summary>As many as a node takes (10,000), less a few who ask.</summary>
    private const int Idle = 9_990;

    /// <summary>What an idle client may cost, all told: session, socket's place in the loop, and what the runtime adds.</summary>
    private const int BytesPerIdleMax = 16 * 1024;

    [Fact]
    public async Task Ten_thousand_idle_connections_cost_little_and_disturb_nobody()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        await cluster.CliAsync(0, "set", "a", "1");
        var before = Memory(cluster);
        var idle = new Socket[Idle];
        var ping = Encoding.ASCII.GetBytes("*1\r\n$4\r\nPING\r\n");
        await Parallel.ForAsync(0, Idle, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (at, cancel) =>
        {
            idle[at] = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await idle[at].ConnectAsync(new IPEndPoint(IPAddress.Loopback, cluster.Ports[0]), cancel);
            await idle[at].SendAsync(ping, cancel);
            Assert.Equal(7, await idle[at].ReceiveAsync(new byte[16], cancel));
        });
        var perClient = (Memory(cluster) - before) / Idle;
        Assert.True(perClient <= BytesPerIdleMax, $"an idle client costs {perClient} bytes");
        var clients = (await cluster.CliAsync(0, "info", "clients")).Split('\n').First(line => line.StartsWith("connected_clients:", StringComparison.Ordinal));
        Assert.InRange(int.Parse(clients.Trim()["connected_clients:".Length..], CultureInfo.InvariantCulture), Idle + 1, Idle + 10); // Beside them those who ask.
        Assert.Equal("1\n", await cluster.CliAsync(0, "get", "a"));
        for (var at = 0; at < Idle; at += 97)
        {
            await idle[at].SendAsync(ping);
            Assert.Equal(7, await idle[at].ReceiveAsync(new byte[16]));
        }

        foreach (var socket in idle) socket.Dispose();
    }

    [Fact]
    public async Task One_client_too_many_is_told_so_and_the_others_stay()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        using var first = await ToAsync(cluster);
        await cluster.CliAsync(0, "config", "set", "maxclients", "1");
        Assert.Contains("max number of clients reached", await cluster.CliAsync(0, "ping"), StringComparison.Ordinal);
        await first.SendAsync(Encoding.ASCII.GetBytes("PING\r\n"));
        Assert.Equal(7, await first.ReceiveAsync(new byte[16]));
    }

    [Fact]
    public async Task A_client_that_never_reads_is_cut_off_and_its_memory_is_given_back()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        await cluster.CliAsync(0, "config", "set", "client-output-buffer-limit", "normal 32mb 0 0");
        await cluster.CliAsync(0, "setrange", "large", $"{(8 << 20) - 1}", "x");
        using var slow = await ToAsync(cluster);
        slow.ReceiveBufferSize = 4096;
        var ask = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET large\r\n", 1000)));
        await slow.SendAsync(ask);

        // It is served as long as it reads; it does not, so no more than one reply is made beyond what it may leave unread.
        var list = "";
        await Patient.UntilAsync(async () => (list = await cluster.CliAsync(0, "client", "list")).Contains("cmd=get", StringComparison.Ordinal), () => $"nobody gets anything: {list}");
        var unread = list.Split('\n').First(line => line.Contains("cmd=get", StringComparison.Ordinal)).Split(' ').First(field => field.StartsWith("omem=", StringComparison.Ordinal));
        Assert.InRange(long.Parse(unread[5..], CultureInfo.InvariantCulture), 1, 32 << 20);
        await cluster.CliAsync(0, "config", "set", "client-output-buffer-limit", "normal 1mb 0 0");
        await Patient.UntilAsync(async () => !(await cluster.CliAsync(0, "client", "list")).Contains("cmd=get", StringComparison.Ordinal), () => "the client is still there");

        Assert.Contains("client_output_buffer_limit_disconnections:1", await cluster.CliAsync(0, "info", "stats"), StringComparison.Ordinal);
        Assert.Equal("PONG\n", await cluster.CliAsync(0, "ping"));
    }

    private static async Task<Socket> ToAsync(RedisCluster cluster)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, cluster.Ports[0]));
        return socket;
    }

    private static long Memory(RedisCluster cluster)
    {
        var line = File.ReadLines($"/proc/{cluster.Nodes.Of(0).Id}/status").First(each => each.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
