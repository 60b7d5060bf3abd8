using System.Globalization;
using System.Net.Sockets;

namespace Holdfast.Bench.Redis;

/// <summary>One blocking connection that speaks RESP2, as little of it as a load needs: replies of one line are counted, none is kept but the last.</summary>
internal sealed class RespLink : IDisposable
{
    private readonly Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] inbound = new byte[64 * 1024];
    private int begin, end;

    /// <param name="endpoint">"host:port".</param>
    public RespLink(string endpoint)
    {
        var colon = endpoint.LastIndexOf(':');
        socket.Connect(endpoint[..colon], int.Parse(endpoint[(colon + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>Sends whole commands.</summary>
    public void Send(ReadOnlySpan<byte> commands)
    {
        while (!commands.IsEmpty) commands = commands[socket.Send(commands)..];
    }

    /// <summary>The next reply's line without its end, valid until the next call. Throws a <see cref="SocketException"/> when the server has closed.</summary>
    public ReadOnlySpan<byte> ReadLine()
    {
        while (true)
        {
            var at = inbound.AsSpan(begin, end - begin).IndexOf("\r\n"u8);
            if (at >= 0)
            {
                var line = inbound.AsSpan(begin, at);
                begin += at + 2;
                return line;
            }

            inbound.AsSpan(begin, end - begin).CopyTo(inbound);
            (begin, end) = (0, end - begin);
            var count = socket.Receive(inbound.AsSpan(end));
            if (count == 0) throw new SocketException((int)SocketError.ConnectionReset);
            end += count;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => socket.Dispose();

    /// <summary>A command in RESP's form.</summary>
    public static byte[] Command(params string[] arguments) =>
        System.Text.Encoding.ASCII.GetBytes(FormattableString.Invariant($"*{arguments.Length}\r\n") + string.Concat(arguments.Select(each => FormattableString.Invariant($"${each.Length}\r\n{each}\r\n"))));
}
