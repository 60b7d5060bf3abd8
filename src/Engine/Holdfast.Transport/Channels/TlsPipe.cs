using System.Net.Sockets;

namespace Holdfast.Transport;

/// <summary>A peer's socket below TLS: driven by its loop, until the loop gives the connection away to a reader who awaits. Beats go on while the pool is starved.</summary>
internal sealed class TlsPipe(Socket socket) : LoopStream(keptBytesMax: 16 * 1024)
{
    private bool isAwaited;

    /// <summary>From now on reads and writes are awaited in the ordinary way: the loop has given the connection away.</summary>
    public void BecomeAwaited() => isAwaited = true;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (isAwaited) return socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        return buffer.IsEmpty ? default : base.ReadAsync(buffer, cancellationToken); // A peer's buffer is its own all the time: nothing is saved by waiting without one.
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!isAwaited)
        {
            Write(buffer.Span);
            return;
        }

        await SendAllAsync(TakeBacklog(), cancellationToken).ConfigureAwait(false);
        await SendAllAsync(buffer, cancellationToken).ConfigureAwait(false);
    }

    protected override int Receive(Span<byte> target) => SocketBytes.Receive(socket, target, out _);

    protected override int Send(ReadOnlySpan<byte> bytes) => SocketBytes.Send(socket, bytes, out _);

    protected override void Dispose(bool disposing)
    {
        if (disposing) socket.Dispose();
        base.Dispose(disposing);
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
    }
}
