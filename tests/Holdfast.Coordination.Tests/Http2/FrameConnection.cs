using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Holdfast.Coordination.Tests.Http2;

/// <summary>A frame as it was received.</summary>
internal readonly record struct ReceivedFrame(byte Type, byte Flags, uint Stream, byte[] Payload)
{
    public uint Number(int at = 0) => BinaryPrimitives.ReadUInt32BigEndian(Payload.AsSpan(at));
}

/// <summary>An HTTP/2 connection on which any bytes may be sent, in one piece or in many.</summary>
internal sealed class FrameConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly bool inPieces;
    private Stream stream = Stream.Null;

    private FrameConnection(bool inPieces) => this.inPieces = inPieces;

    /// <summary>Connects; over TLS, with HTTP/2 chosen by ALPN (RFC 9113 3.2), where it is asked for.</summary>
    public static async Task<FrameConnection> ToAsync(IPEndPoint server, bool inPieces, bool overTls = false)
    {
        var connection = new FrameConnection(inPieces);
        await connection.socket.ConnectAsync(server);
        connection.stream = new NetworkStream(connection.socket);
        if (!overTls) return connection;
        var tls = new SslStream(connection.stream, false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2] });
        Assert.Equal(SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
        connection.stream = tls;
        return connection;
    }

    /// <summary>The preface and empty settings, and the answers to them (RFC 9113 3.4).</summary>
    public async Task ShakeHandsAsync(params byte[] settings)
    {
        await SendAsync(Frames.Preface.ToArray(), Frames.Frame(Frames.Settings, 0, 0, settings));
        var (isTold, isAcknowledged) = (false, false);
        while (!isTold || !isAcknowledged)
        {
            var frame = await ReadAsync() ?? throw new InvalidOperationException("the server closed while shaking hands");
            if (frame.Type != Frames.Settings) continue;
            if ((frame.Flags & Frames.Ack) != 0) isAcknowledged = true;
            else
            {
                isTold = true;
                await SendAsync(Frames.Frame(Frames.Settings, Frames.Ack, 0, []));
            }
        }
    }

    /// <summary>Sends; that the other side has closed is for the reader to notice.</summary>
    public async Task SendAsync(params byte[][] parts)
    {
        var bytes = parts.SelectMany(part => part).ToArray();
        var piece = inPieces ? Math.Max(1, bytes.Length / 64) : bytes.Length;
        try
        {
            for (var at = 0; at < bytes.Length; at += piece)
            {
                await stream.WriteAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
                if (inPieces) await Task.Yield();
            }
        }
        catch (IOException)
        {
        }
    }

    /// <summary>The next frame; null when the connection has ended.</summary>
    public async Task<ReceivedFrame?> ReadAsync()
    {
        var header = new byte[9];
        if (!await TryFillAsync(header)) return null;
        var payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
        if (!await TryFillAsync(payload)) return null;
        return new ReceivedFrame(header[3], header[4], BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(5)) & 0x7fffffff, payload);
    }

    /// <summary>
    /// What becomes of a stream, or of the connection: <c>RESPONSE</c>, <c>RST error</c>, <c>GOAWAY error</c>, <c>CLOSED</c>, or <c>PONG</c> when a ping that
    /// was sent last is answered and nothing of the others came before it.
    /// </summary>
    public async Task<string> VerdictAsync(uint number)
    {
        while (await ReadAsync() is { } frame)
        {
            switch (frame.Type)
            {
                case Frames.GoAway: return "GOAWAY " + Frames.Errors[frame.Number(4)];
                case Frames.RstStream when frame.Stream == number: return "RST " + Frames.Errors[frame.Number()];
                case Frames.Headers when frame.Stream == number: return "RESPONSE";
                case Frames.Ping when (frame.Flags & Frames.Ack) != 0: return "PONG";
            }
        }

        return "CLOSED";
    }

    public void Dispose()
    {
        stream.Dispose();
        socket.Dispose();
    }

    private async Task<bool> TryFillAsync(Memory<byte> into)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            while (!into.IsEmpty)
            {
                var count = await stream.ReadAsync(into, patience.Token);
                if (count == 0) return false;
                into = into[count..];
            }

            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
