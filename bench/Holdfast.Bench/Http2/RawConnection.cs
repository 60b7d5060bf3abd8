using System.Buffers.Binary;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Bench.Http2;

/// <summary>What a connection's owner is told while frames are read.</summary>
internal interface IFrameReader
{
    /// <summary>Bytes of a stream's body. A message may come in several.</summary>
    void OnData(uint stream, ReadOnlySpan<byte> data);

    /// <summary>The server has ended the stream.</summary>
    void OnEnd(uint stream);
}

/// <summary>
/// HTTP/2 with prior knowledge (RFC 9113), in the clear or over TLS, as little of it as a load needs: one thread, blocking calls, frames read where they lie, response headers not decoded.
/// Grpc.Net.Client burnt about as much CPU as the servers that it measured; this takes 1 to 12 us a call with 64 clients, a tenth of theirs (<c>bench/peers/etcd.sh</c> prints both).
/// </summary>
internal sealed class RawConnection : IDisposable
{
    private const int Window = 1 << 30;
    private readonly Socket socket;
    private readonly Stream stream;
    private readonly byte[] inbound = new byte[256 * 1024];
    private byte[] outbound = new byte[64 * 1024];
    private int inboundCount;
    private int outboundCount;
    private int sendWindow = 65535;
    private int consumed;

    /// <param name="endpoint">"host:port".</param>
    /// <param name="authority">The file of the authority that signed the server's certificate; null for no TLS.</param>
    public RawConnection(string endpoint, string? authority)
    {
        var colon = endpoint.LastIndexOf(':');
        socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(endpoint[..colon], int.Parse(endpoint[(colon + 1)..], System.Globalization.CultureInfo.InvariantCulture));
        stream = new NetworkStream(socket, ownsSocket: false);
        if (authority is not null) stream = Secured(stream, endpoint[..colon], authority);
        var hello = Reserve(24 + 9 + 6 + 13);
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.CopyTo(hello);
        var at = 24 + CallBlock.WriteHeader(hello[24..], 6, 4, 0, 0);
        BinaryPrimitives.WriteUInt16BigEndian(hello[at..], 4); // SETTINGS_INITIAL_WINDOW_SIZE
        BinaryPrimitives.WriteInt32BigEndian(hello[(at + 2)..], Window);
        at += 6 + WriteWindowUpdate(hello[(at + 6)..], 0, Window);
        outboundCount += at;
    }

    /// <summary>Whether that many bytes of bodies may be sent now.</summary>
    public bool HasWindowFor(int bytes) => sendWindow >= bytes;

    /// <summary>Room for a frame; <see cref="Commit"/> says how much of it was used.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (outboundCount + bytes > outbound.Length) Array.Resize(ref outbound, Math.Max(outbound.Length * 2, outboundCount + bytes));
        return outbound.AsSpan(outboundCount);
    }

    public void Commit(int bytes, int bodyBytes)
    {
        outboundCount += bytes;
        sendWindow -= bodyBytes;
    }

    /// <summary>Sends everything that was written, in one call.</summary>
    public void Flush()
    {
        stream.Write(outbound.AsSpan(0, outboundCount));
        outboundCount = 0;
    }

    /// <summary>Waits for bytes and hands on the whole frames among them; false when the connection was closed.</summary>
    public bool Read(IFrameReader reader)
    {
        var count = Receive();
        if (count <= 0) return false;
        inboundCount += count;
        var at = 0;
        while (inboundCount - at >= CallBlock.FrameHeaderBytes)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(inbound.AsSpan(at)) >>> 8;
            if (inboundCount - at - CallBlock.FrameHeaderBytes < length) break;
            Take(inbound[at + 3], inbound[at + 4], BinaryPrimitives.ReadUInt32BigEndian(inbound.AsSpan(at + 5)), inbound.AsSpan(at + CallBlock.FrameHeaderBytes, length), reader);
            at += CallBlock.FrameHeaderBytes + length;
        }

        inbound.AsSpan(at, inboundCount - at).CopyTo(inbound);
        inboundCount -= at;
        return true;
    }

    /// <summary>Makes a thread that waits in <see cref="Read"/> come back.</summary>
    public void Shut() => socket.Shutdown(SocketShutdown.Both);

    public void Dispose()
    {
        stream.Dispose();
        socket.Dispose();
    }

    private static SslStream Secured(Stream clear, string host, string authority)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(authority);
        var secured = new SslStream(clear);
        secured.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = host, CertificateChainPolicy = policy, ApplicationProtocols = [SslApplicationProtocol.Http2] });
        return secured;
    }

    /// <summary>Bytes received; 0 when the connection is closed, by either side.</summary>
    private int Receive()
    {
        try
        {
            return stream.Read(inbound.AsSpan(inboundCount));
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private void Take(byte type, byte flags, uint stream, ReadOnlySpan<byte> body, IFrameReader reader)
    {
        switch (type)
        {
            case 0:
                reader.OnData(stream, body);
                GiveBack(stream, body.Length);
                if ((flags & 1) != 0) reader.OnEnd(stream);
                break;
            case 1 when (flags & 1) != 0:
                reader.OnEnd(stream);
                break;
            case 3:
                // grpc-go also resets a stream that it has just ended and whose request it had not read to the end: its owner knows it no more.
                reader.OnEnd(stream);
                break;
            case 7:
                throw new InvalidOperationException("the server sent GOAWAY");
            case 4 when (flags & 1) == 0:
                outboundCount += CallBlock.WriteHeader(Reserve(9), 0, 4, 1, 0);
                break;
            case 6 when (flags & 1) == 0:
                var pong = Reserve(17);
                body.CopyTo(pong[CallBlock.WriteHeader(pong, 8, 6, 1, 0)..]);
                outboundCount += 17;
                break;
            case 8 when stream == 0:
                sendWindow += BinaryPrimitives.ReadInt32BigEndian(body);
                break;
        }
    }

    /// <summary>The connection's window, and that of the one stream of a watch, are opened again long before they are used up.</summary>
    private void GiveBack(uint stream, int bytes)
    {
        consumed += bytes;
        if (consumed < Window / 8) return;
        outboundCount += WriteWindowUpdate(Reserve(13), 0, consumed);
        if (stream == 1) outboundCount += WriteWindowUpdate(Reserve(13), 1, consumed);
        consumed = 0;
    }

    private static int WriteWindowUpdate(Span<byte> target, uint stream, int bytes)
    {
        BinaryPrimitives.WriteInt32BigEndian(target[CallBlock.WriteHeader(target, 4, 8, 0, stream)..], bytes);
        return 13;
    }
}
