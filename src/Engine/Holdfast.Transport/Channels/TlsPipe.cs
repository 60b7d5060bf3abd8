using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Holdfast.Wire;

namespace Holdfast.Transport;

/// <summary>
/// The socket as <see cref="System.Net.Security.SslStream"/> sees it. On a loop a read that finds nothing stays pending until <see cref="TryProgress"/> finds bytes, and completes
/// inline, on the loop's own thread: so TLS needs no thread of the pool, and beats go on while the pool is starved. Writes never wait: what the socket does not take is kept
/// and bounded by the caller, who writes no more while <see cref="HasBacklog"/>.
/// </summary>
internal sealed class TlsPipe(Socket socket) : Stream, IValueTaskSource<int>
{
    private readonly ByteBuffer backlog = new(16 * 1024);
    private ManualResetValueTaskSourceCore<int> source;
    private Memory<byte> pending;
    private bool isPending;
    private bool isAwaited;
    private int backlogSent;

    public bool HasBacklog => backlog.Length > backlogSent;

    public bool IsBroken { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>From now on reads and writes are awaited in the ordinary way: the loop has given the connection away.</summary>
    public void BecomeAwaited() => isAwaited = true;

    /// <summary>Feeds a pending read. True when it went on, so that more may be possible.</summary>
    public bool TryProgress()
    {
        if (!isPending) return false;
        var count = SocketBytes.Receive(socket, pending.Span, out _);
        if (count == 0) return false;
        isPending = false;
        pending = default;
        source.SetResult(count == ByteChannel.Closed ? 0 : count);
        return true;
    }

    /// <summary>Sends what is left over. True when nothing is.</summary>
    public bool TryDrain()
    {
        while (HasBacklog && !IsBroken)
        {
            var count = SocketBytes.Send(socket, backlog.Written[backlogSent..], out _);
            if (count == ByteChannel.Closed) IsBroken = true;
            if (count <= 0) return false;
            backlogSent += count;
        }

        backlog.Clear();
        backlogSent = 0;
        return !IsBroken;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (isAwaited) return socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
        var count = SocketBytes.Receive(socket, buffer.Span, out _);
        if (count != 0) return ValueTask.FromResult(count == ByteChannel.Closed ? 0 : count);
        source.Reset();
        pending = buffer;
        isPending = true;
        return new ValueTask<int>(this, source.Version);
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!isAwaited)
        {
            Write(buffer.Span);
            return;
        }

        for (; HasBacklog; backlogSent += await socket.SendAsync(backlog.WrittenMemory[backlogSent..], SocketFlags.None, cancellationToken).ConfigureAwait(false))
        {
        }

        while (!buffer.IsEmpty) buffer = buffer[await socket.SendAsync(buffer, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (TryDrain())
        {
            var count = SocketBytes.Send(socket, buffer, out _);
            if (count == ByteChannel.Closed) IsBroken = true;
            else buffer = buffer[count..];
        }

        if (IsBroken) throw new IOException("the connection is broken");
        if (buffer.IsEmpty) return;
        buffer.CopyTo(backlog.GetSpan(buffer.Length));
        backlog.Advance(buffer.Length);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads are asynchronous here");

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);

    protected override void Dispose(bool disposing)
    {
        if (disposing) socket.Dispose();
        base.Dispose(disposing);
    }
}
