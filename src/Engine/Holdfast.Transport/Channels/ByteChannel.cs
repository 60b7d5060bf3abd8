using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Transport;

/// <summary>How far a channel is with agreeing on its protection.</summary>
internal enum HandshakeState
{
    /// <summary>Waits for the other side.</summary>
    Pending,

    /// <summary>Bytes may flow.</summary>
    Done,

    /// <summary>It will never work; <see cref="ByteChannel.Fault"/> says why.</summary>
    Failed,
}

/// <summary>A connected socket that never blocks, in the clear or under TLS. Driven by one thread at a time: the loop that watches its descriptor.</summary>
internal abstract class ByteChannel(Socket socket)
{
    /// <summary>What <see cref="Receive"/> and <see cref="Send"/> return when the connection is closed or broken.</summary>
    public const int Closed = -1;

    protected Socket Socket { get; } = socket;

    /// <summary>What <see cref="EventLoop.Register"/> takes.</summary>
    public int Descriptor { get; } = (int)socket.Handle;

    /// <summary>Why the channel failed, in words for the log.</summary>
    public string Fault { get; protected set; } = "the other side closed the connection";

    /// <summary>Where the other side is.</summary>
    public string Remote { get; } = DescribeRemote(socket);

    /// <summary>Whether a read that did not fill its buffer has emptied the socket. Under TLS decrypted bytes may remain.</summary>
    public abstract bool ShortReadMeansDrained { get; }

    /// <summary>Whether bytes that were accepted still wait for the socket.</summary>
    public abstract bool HasBacklog { get; }

    /// <summary>Whether the other side has shown a certificate of the cluster, or there is no TLS to show one under.</summary>
    public abstract bool IsAuthenticated { get; }

    /// <summary>The certificate that the other side has shown, once the handshake is done; null in the clear, or when it showed none.</summary>
    public virtual X509Certificate2? PeerCertificate => null;

    /// <summary>Goes on with the handshake as far as it can without waiting.</summary>
    public abstract HandshakeState Handshake();

    /// <summary>Bytes read; 0 when there are none now; <see cref="Closed"/>.</summary>
    public abstract int Receive(Span<byte> target);

    /// <summary>Bytes taken; 0 when there is no room now; <see cref="Closed"/>. Called with nothing it only works off the backlog.</summary>
    public abstract int Send(ReadOnlySpan<byte> source);

    /// <summary>Gives the connection to a reader who awaits, or nothing when the other side did not wait for its answer. The descriptor must be unregistered before.</summary>
    public abstract Stream? IntoStream();

    /// <summary>Closes the socket. The descriptor must be unregistered before.</summary>
    public virtual void Close() => Socket.Dispose();

    private static string DescribeRemote(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString() ?? "unknown";
        }
        catch (SocketException)
        {
            // Still connecting, or gone already.
            return "unknown";
        }
    }
}

/// <summary>Bytes in the clear: each call is one system call.</summary>
internal sealed class PlainChannel(Socket socket) : ByteChannel(socket)
{
    public override bool ShortReadMeansDrained => true;

    public override bool HasBacklog => false;

    public override bool IsAuthenticated => true;

    public override HandshakeState Handshake() => HandshakeState.Done;

    public override int Receive(Span<byte> target)
    {
        var count = SocketBytes.Receive(Socket, target, out var error);
        if (count == Closed && error != SocketError.Success) Fault = error.ToString();
        return count;
    }

    public override int Send(ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty) return 0;
        var count = SocketBytes.Send(Socket, source, out var error);
        if (count == Closed) Fault = error.ToString();
        return count;
    }

    public override Stream? IntoStream()
    {
        Socket.Blocking = true;
        return new NetworkStream(Socket, ownsSocket: true);
    }
}

/// <summary>The two calls on a socket that does not block, with the outcomes told apart.</summary>
internal static class SocketBytes
{
    public static int Receive(Socket socket, Span<byte> target, out SocketError error)
    {
        var count = socket.Receive(target, SocketFlags.None, out error);
        if (error == SocketError.Success) return count > 0 ? count : ByteChannel.Closed;
        return error is SocketError.WouldBlock or SocketError.Interrupted ? 0 : ByteChannel.Closed;
    }

    public static int Send(Socket socket, ReadOnlySpan<byte> source, out SocketError error)
    {
        var count = socket.Send(source, SocketFlags.None, out error);
        if (error == SocketError.Success) return count;
        return error is SocketError.WouldBlock or SocketError.Interrupted ? 0 : ByteChannel.Closed;
    }
}
