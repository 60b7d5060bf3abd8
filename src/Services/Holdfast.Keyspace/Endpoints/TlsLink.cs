using System.Net.Security;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>A client's bytes under TLS, encrypted and decrypted on the loop's own thread. For the loop's thread.</summary>
internal sealed class TlsLink
{
    /// <summary>One TLS record holds at most 16 KiB of plain bytes (RFC 8446 5.1); a write makes at most four of them wait.</summary>
    private const int RecordBytesMax = 16 * 1024;
    private const int WriteBytesMax = 4 * RecordBytesMax;

    private readonly RedisLoop owner;
    private readonly TlsSocket socket;
    private readonly SslStream stream;
    private readonly Task handshake;
    private ValueTask<int> waiting;
    private ValueTask<int> reading;
    private bool isWaiting;
    private bool isReading;
    private byte[] plain = [];
    private int plainStart;
    private int plainEnd;

    public TlsLink(RedisLoop owner, int descriptor, SslServerAuthenticationOptions options)
    {
        this.owner = owner;
        socket = new TlsSocket(descriptor);
        stream = new SslStream(socket, leaveInnerStreamOpen: false);
        handshake = stream.AuthenticateAsServerAsync(options);
    }

    /// <summary>Bytes may flow.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Bytes that were taken still wait for the socket.</summary>
    public bool HasBacklog => socket.HasBacklog;

    /// <summary>Goes on with the handshake as far as it can; false when it will never work.</summary>
    public bool TryHandshake()
    {
        while (!handshake.IsCompleted && socket.TryProgress())
        {
        }

        socket.TryDrain();
        IsOpen = handshake.IsCompletedSuccessfully;
        return (IsOpen || !handshake.IsCompleted) && !socket.IsBroken;
    }

    /// <summary>The loop has seen that there is something to read.</summary>
    public void OnReadable() => socket.OnReadable();

    /// <summary>Plain bytes read; 0 when there are none now; <see cref="SocketCalls.Closed"/>. Until it returns 0 there may be more that the socket does not show.</summary>
    public int Receive(Span<byte> target)
    {
        try
        {
            if (plainStart == plainEnd)
            {
                var count = Decrypt();
                if (count <= 0) return count;
                (plainStart, plainEnd) = (0, count);
            }
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException or ObjectDisposedException)
        {
            return SocketCalls.Closed;
        }

        var taken = Math.Min(target.Length, plainEnd - plainStart);
        plain.AsSpan(plainStart, taken).CopyTo(target);
        plainStart += taken;
        if (plainStart == plainEnd) GiveBack();
        return taken;
    }

    /// <summary>Plain bytes taken; 0 when there is no room now; <see cref="SocketCalls.Closed"/>. Called with nothing it only works off what waits.</summary>
    public int Send(ReadOnlySpan<byte> source)
    {
        if (!socket.TryDrain()) return socket.IsBroken ? SocketCalls.Closed : 0;
        if (source.IsEmpty) return 0;
        var taken = source[..Math.Min(source.Length, WriteBytesMax)];
        try
        {
            stream.Write(taken);
            return taken.Length;
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException or ObjectDisposedException)
        {
            return SocketCalls.Closed;
        }
    }

    /// <summary>Ends the session; the descriptor is its owner's.</summary>
    public void Close()
    {
        stream.Dispose();
        GiveBack();
    }

    /// <summary>The next plain bytes. First waits for some without a buffer, then reads them into one that is the loop's while it is not in use.</summary>
    private int Decrypt()
    {
        if (!isReading)
        {
            if (!isWaiting) waiting = stream.ReadAsync(Memory<byte>.Empty);
            isWaiting = true;
            while (!waiting.IsCompleted && socket.TryProgress())
            {
            }

            if (!waiting.IsCompleted) return 0;
            isWaiting = false;
            waiting.GetAwaiter().GetResult();
            if (plain.Length == 0) plain = owner.PlainBuffers.TryPop(out var used) ? used : GC.AllocateUninitializedArray<byte>(RecordBytesMax);
            reading = stream.ReadAsync(plain);
            isReading = true;
        }

        while (!reading.IsCompleted && socket.TryProgress())
        {
        }

        if (!reading.IsCompleted) return 0;
        isReading = false;
        var count = reading.GetAwaiter().GetResult();
        return count == 0 ? SocketCalls.Closed : count;
    }

    private void GiveBack()
    {
        if (plain.Length == 0 || isReading) return;
        owner.PlainBuffers.Push(plain);
        plain = [];
        (plainStart, plainEnd) = (0, 0);
    }
}
