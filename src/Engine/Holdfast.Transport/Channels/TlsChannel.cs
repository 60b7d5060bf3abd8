using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Transport;

/// <summary>Bytes under TLS, encrypted and decrypted on the loop's own thread by <see cref="SslStream"/> over a <see cref="TlsPipe"/>.</summary>
internal sealed class TlsChannel : ByteChannel
{
    /// <summary>One TLS record holds at most 16 KiB of plain bytes (RFC 8446 5.1); a write makes at most four of them wait.</summary>
    private const int RecordBytesMax = 16 * 1024;
    private const int WriteBytesMax = 4 * RecordBytesMax;

    private readonly TlsPipe pipe;
    private readonly SslStream stream;
    private readonly SslServerAuthenticationOptions? accepting;
    private readonly SslClientAuthenticationOptions? dialling;
    private readonly byte[] plain = GC.AllocateUninitializedArray<byte>(RecordBytesMax);
    private int plainStart;
    private int plainEnd;
    private Task? handshake;
    private ValueTask<int> reading;
    private bool isReading;

    private TlsChannel(Socket socket, SslServerAuthenticationOptions? accepting, SslClientAuthenticationOptions? dialling)
        : base(socket)
    {
        this.accepting = accepting;
        this.dialling = dialling;
        pipe = new TlsPipe(socket);
        stream = new SslStream(pipe, leaveInnerStreamOpen: false);
    }

    public override bool ShortReadMeansDrained => false;

    public override bool HasBacklog => pipe.HasBacklog;

    public override bool IsAuthenticated => stream.IsAuthenticated && stream.RemoteCertificate is not null;

    public override X509Certificate2? PeerCertificate => stream.IsAuthenticated ? stream.RemoteCertificate as X509Certificate2 : null;

    public static TlsChannel Accept(Socket socket, PeerTls tls) => new(socket, tls.ForAccepting(), null);

    public static TlsChannel Dial(Socket socket, PeerTls tls) => new(socket, null, tls.ForDialling());

    public override HandshakeState Handshake()
    {
        handshake ??= accepting is not null ? stream.AuthenticateAsServerAsync(accepting) : stream.AuthenticateAsClientAsync(dialling!);
        while (!handshake.IsCompleted && pipe.TryProgress())
        {
        }

        pipe.TryDrain();
        if (!handshake.IsCompleted) return HandshakeState.Pending;
        if (handshake.IsCompletedSuccessfully) return HandshakeState.Done;
        Fault = "TLS: " + (handshake.Exception?.InnerException?.Message ?? "cancelled");
        return HandshakeState.Failed;
    }

    public override int Receive(Span<byte> target)
    {
        if (plainStart == plainEnd)
        {
            var count = Decrypt();
            if (count <= 0) return count;
            plainStart = 0;
            plainEnd = count;
        }

        var taken = Math.Min(target.Length, plainEnd - plainStart);
        plain.AsSpan(plainStart, taken).CopyTo(target);
        plainStart += taken;
        return taken;
    }

    public override int Send(ReadOnlySpan<byte> source)
    {
        if (!pipe.TryDrain()) return pipe.IsBroken ? Closed : 0;
        if (source.IsEmpty) return 0;
        var taken = source[..Math.Min(source.Length, WriteBytesMax)];
        try
        {
            stream.Write(taken);
            return taken.Length;
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException or ObjectDisposedException)
        {
            Fault = "TLS: " + fault.Message;
            return Closed;
        }
    }

    public override Stream? IntoStream()
    {
        // A dialler that spoke on before it was answered broke the protocol, and what it said is lost in our buffer.
        if (plainStart != plainEnd || isReading) return null;
        pipe.BecomeAwaited();
        return stream;
    }

    public override void Close()
    {
        // Disposing while a read is pending is what ends that read; the pipe closes the socket.
        stream.Dispose();
        base.Close();
    }

    /// <summary>The next plain bytes; 0 when more must come in first; <see cref="ByteChannel.Closed"/>.</summary>
    private int Decrypt()
    {
        try
        {
            if (!isReading)
            {
                reading = stream.ReadAsync(plain);
                isReading = true;
            }

            while (!reading.IsCompleted && pipe.TryProgress())
            {
            }

            if (!reading.IsCompleted) return 0;
            isReading = false;
            var count = reading.GetAwaiter().GetResult();
            return count == 0 ? Closed : count;
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException or ObjectDisposedException)
        {
            isReading = false;
            Fault = "TLS: " + fault.Message;
            return Closed;
        }
    }
}
