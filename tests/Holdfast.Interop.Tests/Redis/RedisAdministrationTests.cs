using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>Scripts, functions, users and tracking on three processes: what is shared is everywhere, and a script that does not end is stopped.</summary>
public sealed class RedisAdministrationTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    [Fact]
    public async Task Functions_and_users_of_one_node_are_those_of_all_and_outlive_a_kill_of_all()
    {
        await using var cluster = await RedisCluster.StartAsync();
        Assert.Equal("lib\n", await cluster.CliAsync(0, "function", "load", "#!lua name=lib\nredis.register_function('put', function(k,a) redis.call('set',k[1],a[1]) return redis.call('get',k[1]) end)"));
        Assert.Equal("OK\n", await cluster.CliAsync(1, "acl", "setuser", "ann", "on", ">secret", "~a*", "+@read", "+@connection"));
        await UntilAsync(() => CallEverywhereAsync(cluster), "the function or the user is not on every node");
        for (var node = 0; node < 3; node++) cluster.Nodes.Kill(node);
        for (var node = 0; node < 3; node++) cluster.Nodes.Start(node);
        await cluster.UntilServedAsync(3);
        await UntilAsync(() => CallEverywhereAsync(cluster), "the function or the user is gone after all nodes were killed");
        Assert.Contains("NOPERM", await cluster.CliAsync(0, "--user", "ann", "--pass", "secret", "--no-auth-warning", "set", "a", "1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_script_that_does_not_end_makes_others_hear_BUSY_until_it_is_killed_and_nothing_is_lost()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        await cluster.CliAsync(0, "set", "kept", "yes");
        await cluster.CliAsync(0, "config", "set", "busy-reply-threshold", "100");
        var endless = cluster.CliAsync(0, "eval", "while true do end", "0");
        await UntilAsync(async () => (await cluster.CliAsync(0, "get", "kept")).StartsWith("BUSY ", StringComparison.Ordinal), "nobody is told that the node is busy");
        Assert.Equal("OK\n", await cluster.CliAsync(0, "script", "kill"));
        Assert.Contains("killed by user", await endless.WaitAsync(Patience), StringComparison.Ordinal);
        await UntilAsync(async () => await cluster.CliAsync(0, "get", "kept") == "yes\n", "the node does not serve again");
    }

    [Fact]
    public async Task SHUTDOWN_ends_a_node_in_order_and_the_others_serve_its_slots()
    {
        await using var cluster = await RedisCluster.StartAsync();
        for (var i = 0; i < 20; i++) Assert.Contains("OK", await cluster.CliAsync(0, "-c", "set", $"key{i}", $"{i}"), StringComparison.Ordinal);
        Assert.Contains("ERR syntax error", await cluster.CliAsync(2, "shutdown", "sometimes"), StringComparison.Ordinal);
        Assert.Equal("", (await cluster.CliAsync(2, "shutdown", "nosave")).Trim());
        Assert.Equal(0, await cluster.Nodes.UntilGoneAsync(2).WaitAsync(Patience));
        await cluster.UntilServedAsync(2);
        for (var i = 0; i < 20; i++) Assert.Contains($"{i}", await cluster.CliAsync(0, "-c", "get", $"key{i}"), StringComparison.Ordinal);
        cluster.Nodes.Start(2);
        await cluster.UntilServedAsync(3);
    }

    [Fact]
    public async Task A_client_that_caches_hears_of_a_change_over_the_wire()
    {
        await using var cluster = await RedisCluster.StartAsync(1);
        using var reader = new Line(cluster.Ports[0]);
        await reader.SayAsync("HELLO", "3");
        await reader.HearAsync("proto");
        await reader.SayAsync("CLIENT", "TRACKING", "ON");
        await reader.HearAsync("+OK");
        await reader.SayAsync("GET", "a");
        await reader.HearAsync("_ ");
        Assert.Equal("OK\n", await cluster.CliAsync(0, "set", "a", "1"));
        await reader.HearAsync(">2 $10 invalidate *1 $1 a");
    }

    private static async Task<bool> CallEverywhereAsync(RedisCluster cluster)
    {
        for (var node = 0; node < 3; node++)
        {
            // Each node is asked by a client that follows MOVED; the key's leader executes.
            if (await cluster.CliAsync(node, "-c", "fcall", "put", "1", $"a{node}", $"v{node}") != $"v{node}\n") return false;
            if (!(await cluster.CliAsync(node, "function", "list")).Contains("put", StringComparison.Ordinal)) return false;
            if (await cluster.CliAsync(node, "--user", "ann", "--pass", "secret", "--no-auth-warning", "ping") != "PONG\n") return false;
        }

        return true;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo, string otherwise)
    {
        for (var begun = Stopwatch.StartNew(); !await isSo(); await Task.Delay(50)) Assert.True(begun.Elapsed < Patience, otherwise);
    }

    /// <summary>A connection whose words are read as they come.</summary>
    private sealed class Line : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly StringBuilder heard = new();

        public Line(int port) => socket.Connect(IPAddress.Loopback, port);

        public async Task SayAsync(params string[] words)
        {
            var text = new StringBuilder($"*{words.Length}\r\n");
            foreach (var word in words) text.Append($"${word.Length}\r\n{word}\r\n");
            await socket.SendAsync(Encoding.ASCII.GetBytes(text.ToString()));
        }

        public async Task HearAsync(string words)
        {
            var bytes = new byte[16 * 1024];
            using var patience = new CancellationTokenSource(Patience);
            while (!heard.ToString().Contains(words, StringComparison.Ordinal))
            {
                var count = await socket.ReceiveAsync(bytes, patience.Token);
                Assert.True(count > 0, $"cut off after: {heard}");
                heard.Append(RespReply.ToText(bytes.AsSpan(0, count)));
            }
        }

        public void Dispose() => socket.Dispose();
    }
}
