using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Interop.Tests.Redis;

/// <summary>A small client that goes where it is sent (MOVED) and says honestly when it does not know what became of a command.</summary>
/// <param name="ports">Where the nodes are.</param>
/// <param name="replyMax">How long it waits for a reply: until then a node that is stopped keeps it.</param>
internal sealed class SlotClient(int[] ports, TimeSpan replyMax) : IDisposable
{
    private readonly Dictionary<int, Socket> sockets = [];
    private readonly Dictionary<string, int> seen = [];
    private readonly byte[] buffer = new byte[64 * 1024];

    /// <summary>The reply in one line; null when it is not known whether the command was executed.</summary>
    public async Task<string?> AskAsync(TimeSpan patience, params string[] words)
    {
        var port = seen.GetValueOrDefault(words[1], ports[0]);
        for (var begun = System.Diagnostics.Stopwatch.StartNew(); begun.Elapsed < patience;)
        {
            if (await ConnectAsync(port) is not { } socket)
            {
                port = Next(port);
                await Task.Delay(10);
                continue;
            }

            if (await TryAskAsync(socket, words) is not { } reply)
            {
                // Whoever does not answer is asked last from now on, as cluster clients do.
                sockets.Remove(port);
                socket.Dispose();
                seen[words[1]] = Next(port);
                return null;
            }

            if (reply.StartsWith("-MOVED ", StringComparison.Ordinal)) port = seen[words[1]] = int.Parse(reply.AsSpan(reply.LastIndexOf(':') + 1), System.Globalization.CultureInfo.InvariantCulture);
            else if (reply.StartsWith("-CLUSTERDOWN", StringComparison.Ordinal) || reply.StartsWith("-TRYAGAIN", StringComparison.Ordinal))
            {
                await Task.Delay(20);
                port = Next(port);
            }
            else return reply;
        }

        return "(refused)";
    }

    private int Next(int port) => ports[(Array.IndexOf(ports, port) + 1) % ports.Length];

    public void Dispose()
    {
        foreach (var (_, socket) in sockets) socket.Dispose();
    }

    private async Task<Socket?> ConnectAsync(int port)
    {
        if (sockets.TryGetValue(port, out var known)) return known;
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return sockets[port] = socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    private async Task<string?> TryAskAsync(Socket socket, string[] words)
    {
        var request = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words) request.Append($"${word.Length}\r\n{word}\r\n");
        using var late = new CancellationTokenSource(replyMax);
        try
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(request.ToString()), SocketFlags.None, late.Token);
            for (var have = 0; have < buffer.Length;)
            {
                var count = await socket.ReceiveAsync(buffer.AsMemory(have), SocketFlags.None, late.Token);
                if (count == 0) return null;
                have += count;
                if (RespReply.Measure(buffer.AsSpan(0, have)) is > 0 and var length) return RespReply.ToText(buffer.AsSpan(0, length)).TrimEnd();
            }
        }
        catch (Exception broken) when (broken is SocketException or OperationCanceledException)
        {
            return null;
        }

        return null;
    }
}
