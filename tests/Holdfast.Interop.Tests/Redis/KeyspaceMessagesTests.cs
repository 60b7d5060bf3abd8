using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>What clients of different nodes hear of each other: messages over the peers' connections, waiting commands over sockets, a waiting client whose leader dies.</summary>
public sealed class KeyspaceMessagesTests
{
    private static readonly TimeSpan Patience = Patient.Most;

    [Fact]
    public async Task A_message_reaches_subscribers_on_every_node_and_notifications_those_of_the_leader()
    {
        await using var cluster = await RedisCluster.StartAsync();
        using var listeners = new Sockets(cluster.Ports);
        for (var node = 0; node < 3; node++) Assert.Equal("*3 $9 subscribe $4 news :1", await listeners.AskAsync(node, "SUBSCRIBE", "news"));
        for (var from = 0; from < 3; from++)
        {
            Assert.Equal("1\n", await cluster.CliAsync(from, "publish", "news", $"from {from}"));
            for (var node = 0; node < 3; node++) Assert.Equal($"*3 $7 message $4 news $6 from {from}", await listeners.TakeAsync(node));
        }

        using var events = new Sockets(cluster.Ports);
        for (var node = 0; node < 3; node++)
        {
            Assert.Equal("OK\n", await cluster.CliAsync(node, "config", "set", "notify-keyspace-events", "KA"));
            Assert.StartsWith("*3 $10 psubscribe", await events.AskAsync(node, "PSUBSCRIBE", "__key*__:*"), StringComparison.Ordinal);
        }

        await cluster.ServedAsync(0, "-c", "set", "somewhere", "1");
        var owner = Enumerable.Range(0, 3).Single(node => cluster.CliAsync(node, "exists", "somewhere").Result == "1\n");
        Assert.Equal("*4 $8 pmessage $10 __key*__:* $24 __keyspace@0__:somewhere $3 set", await events.TakeAsync(owner));
    }

    [Fact]
    public async Task A_client_waits_is_served_by_another_and_is_sent_away_or_cut_off_when_its_leader_dies()
    {
        await using var cluster = await RedisCluster.StartAsync();
        await cluster.CliAsync(0, "-c", "del", "queue");
        var owner = Enumerable.Range(0, 3).Single(node => cluster.CliAsync(node, "exists", "queue").Result == "0\n");
        using var sockets = new Sockets(cluster.Ports);
        await sockets.SendAsync(owner, "BLPOP", "queue", "0");
        Assert.Equal("1\n", await cluster.CliAsync(owner, "rpush", "queue", "task"));
        Assert.Equal("*2 $5 queue $4 task", await sockets.TakeAsync(owner));
        Assert.Equal("*-1", await sockets.AskAsync(owner, "BLPOP", "queue", "0.05"));
        await sockets.SendAsync(owner, "XREAD", "BLOCK", "0", "STREAMS", "{queue}s", "$");
        await cluster.CliAsync(owner, "xadd", "{queue}s", "1-1", "field", "value");
        Assert.Equal("*1 *2 $8 {queue}s *1 *2 $3 1-1 *2 $5 field $5 value", await sockets.TakeAsync(owner));

        await sockets.SendAsync(owner, "BLPOP", "queue", "0");
        cluster.Nodes.Kill(owner);
        Assert.Equal("(closed)", await sockets.TakeAsync(owner));
        using var client = new SlotClient([.. cluster.Ports.Where((_, node) => node != owner)], Patience);
        Assert.Equal(":1", await client.AskAsync(Patience, "RPUSH", "queue", "kept"));
        Assert.Equal("$4 kept", await client.AskAsync(Patience, "LPOP", "queue"));
    }

    /// <summary>A plain connection to each node.</summary>
    private sealed class Sockets(int[] ports) : IDisposable
    {
        private readonly Dictionary<int, Socket> sockets = [];
        private readonly Dictionary<int, List<byte>> unread = [];

        public async Task SendAsync(int node, params string[] words)
        {
            if (!sockets.TryGetValue(node, out var socket))
            {
                sockets[node] = socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                unread[node] = [];
                await socket.ConnectAsync(IPAddress.Loopback, ports[node]);
            }

            var request = new StringBuilder($"*{words.Length}\r\n");
            foreach (var word in words) request.Append($"${word.Length}\r\n{word}\r\n");
            await socket.SendAsync(Encoding.Latin1.GetBytes(request.ToString()));
        }

        public async Task<string> AskAsync(int node, params string[] words)
        {
            await SendAsync(node, words);
            return await TakeAsync(node);
        }

        /// <summary>What comes next, in one line.</summary>
        public async Task<string> TakeAsync(int node)
        {
            using var limit = new CancellationTokenSource(Patience);
            var buffer = new byte[4096];
            while (true)
            {
                var bytes = unread[node].ToArray();
                var length = RespReply.Measure(bytes);
                if (length > 0)
                {
                    unread[node].RemoveRange(0, length);
                    return RespReply.ToText(bytes.AsSpan(0, length)).TrimEnd();
                }

                int count;
                try
                {
                    count = await sockets[node].ReceiveAsync(buffer, limit.Token);
                }
                catch (SocketException)
                {
                    count = 0;
                }

                if (count == 0) return "(closed)";
                unread[node].AddRange(buffer.AsSpan(0, count));
            }
        }

        public void Dispose()
        {
            foreach (var socket in sockets.Values) socket.Dispose();
        }
    }
}
