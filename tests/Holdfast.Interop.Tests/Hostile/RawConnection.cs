using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Interop.Tests.Hostile;

/// <summary>A TCP connection on which anything may be said. That the other side closes it is the expected answer.</summary>
internal sealed class RawConnection : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private RawConnection()
    {
    }

    public static async Task<RawConnection> ToAsync(int port)
    {
        var connection = new RawConnection();
        await connection.socket.ConnectAsync(IPAddress.Loopback, port);
        return connection;
    }

    /// <summary>Sends; false when the other side has closed.</summary>
    public async Task<bool> TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public Task<bool> TrySendAsync(string text) => TrySendAsync(Encoding.ASCII.GetBytes(text));

    /// <summary>Sends a frame header of the peer protocol, whatever follows it.</summary>
    public Task<bool> TrySendHeaderAsync(PeerFrameHeader header)
    {
        var bytes = new byte[PeerFrameHeader.Size];
        header.Write(bytes);
        return TrySendAsync(bytes);
    }

    /// <summary>Introduces itself at a peer port as a member would; the answer.</summary>
    public async Task<PeerAnswer> IntroduceAsync(PeerConnectionKind kind, ClusterId cluster, NodeId wanted)
    {
        var bytes = new byte[PeerPreamble.Size];
        // Of two nodes the one with the smaller id dials, and nobody's is smaller than 1.
        new PeerPreamble(kind, cluster, kind == PeerConnectionKind.Control ? NodeId.None : new NodeId(1), BootCount: 1, FeatureLevel: 1, Loop: 0, wanted).Write(bytes);
        Assert.True(await TrySendAsync(bytes));
        var answer = new byte[PeerAnswer.Size];
        await new NetworkStream(socket).ReadExactlyAsync(answer);
        Assert.True(PeerAnswer.TryRead(answer, out var read));
        return read;
    }

    /// <summary>What the other side says until it closes, or until it has said so much.</summary>
    public async Task<string> ReadAsync(int bytesMax = 4096)
    {
        var bytes = new byte[bytesMax];
        var count = 0;
        using var patience = new CancellationTokenSource(Patient.Most);
        try
        {
            while (count < bytes.Length && await socket.ReceiveAsync(bytes.AsMemory(count), patience.Token) is > 0 and var more) count += more;
        }
        catch (SocketException)
        {
            // Closed with a reset: an answer too.
        }

        return Encoding.ASCII.GetString(bytes, 0, count);
    }

    /// <summary>An HTTP/2 frame (RFC 9113 4.1).</summary>
    public static byte[] Http2Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    public void Dispose() => socket.Dispose();
}
