using System.Net.Sockets;
using System.Text;
using Holdfast.Wire.Resp;

namespace Holdfast.Server.Client;

/// <summary>A server refused a command of the Redis protocol, in its own words.</summary>
internal sealed class RedisRefusedException(string message) : Exception(message);

/// <summary>One connection to a node's Redis port, for the command line: a command at a time, its reply as text and lists.</summary>
internal sealed class RedisLink : IDisposable
{
    private static readonly TimeSpan ConnectMax = TimeSpan.FromSeconds(5);

    private readonly Socket socket;
    private readonly List<byte> received = [];

    private RedisLink(Socket socket) => this.socket = socket;

    /// <summary>Connects to the first of the endpoints that answers.</summary>
    /// <exception cref="HttpRequestException">None did.</exception>
    public static async Task<RedisLink> OpenAsync(IReadOnlyList<(string Host, int Port)> endpoints, CancellationToken cancel)
    {
        var faults = new List<string>();
        foreach (var (host, port) in endpoints)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            patience.CancelAfter(ConnectMax);
            try
            {
                await socket.ConnectAsync(host, port, patience.Token);
                return new RedisLink(socket);
            }
            catch (Exception fault) when (fault is SocketException || (fault is OperationCanceledException && !cancel.IsCancellationRequested))
            {
                faults.Add($"{host}:{port}: {(fault is SocketException ? fault.Message : "no answer")}");
                socket.Dispose();
            }
        }

        throw new HttpRequestException($"{string.Join("; ", faults)}; is a node serving Redis clients there? --redis or HOLDFAST_REDIS says where to look");
    }

    /// <summary>Sends a command and reads its reply: a string, a number, null, or a list of them.</summary>
    /// <exception cref="RedisRefusedException">The reply is an error.</exception>
    public async Task<object?> AskAsync(CancellationToken cancel, params string[] words)
    {
        var request = new StringBuilder($"*{words.Length}\r\n");
        foreach (var word in words) request.Append($"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n");
        await socket.SendAsync(Encoding.UTF8.GetBytes(request.ToString()), SocketFlags.None, cancel);
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var length = RespReply.Measure(received.ToArray());
            if (length < 0) throw new RedisRefusedException("what answers there does not speak the Redis protocol");
            if (length > 0)
            {
                var reply = received[..length].ToArray();
                received.RemoveRange(0, length);
                var at = 0;
                return Read(reply, ref at);
            }

            var count = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel);
            if (count == 0) throw new HttpRequestException("the node closed the connection; ask it again");
            received.AddRange(buffer[..count]);
        }
    }

    /// <summary>As <see cref="AskAsync"/>, for replies that are lists of strings.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync(CancellationToken cancel, params string[] words) =>
        await AskAsync(cancel, words) is IReadOnlyList<object?> list ? [.. list.Select(each => each?.ToString() ?? "")] : [];

    public void Dispose() => socket.Dispose();

    private static object? Read(byte[] reply, ref int at)
    {
        var stop = at + reply.AsSpan(at).IndexOf("\r\n"u8);
        var type = (char)reply[at];
        var text = Encoding.UTF8.GetString(reply.AsSpan(at + 1, stop - at - 1));
        at = stop + 2;
        switch (type)
        {
            case '-':
                throw new RedisRefusedException(text.StartsWith("ERR ", StringComparison.Ordinal) ? text[4..] : text);
            case ':':
                return long.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            case '$':
                var length = int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
                if (length < 0) return null;
                var bulk = Encoding.UTF8.GetString(reply.AsSpan(at, length));
                at += length + 2;
                return bulk;
            case '*':
                var list = new List<object?>();
                for (var left = int.Parse(text, System.Globalization.CultureInfo.InvariantCulture); left > 0; left--) list.Add(Read(reply, ref at));
                return list;
            default:
                return text;
        }
    }
}
