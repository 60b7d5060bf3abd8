using System.Threading.Tasks.Sources;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// A client's socket as <see cref="System.Net.Security.SslStream"/> sees it. A read that finds nothing stays pending until <see cref="TryProgress"/> finds bytes, and completes inline, on the loop's own thread; a read
/// of nothing waits for bytes to come without holding a buffer, so that idle clients cost none. Writes never wait: what the socket does not take is kept, and bounded by the caller, who writes no more while
/// <see cref="HasBacklog"/>.
/// </summary>
internal sealed class TlsSocketStream(int descriptor) : Stream, IValueTaskSource<int>
{
    private const int KeptBytesMax = 1024;

    private readonly ByteBuffer backlog = new(16);
    private ManualResetValueTaskSourceCore<int> source;
    private Memory<byte> pending;
    private bool isPending;
    private bool isReadable;
    private int backlogSent;

    public bool HasBacklog => backlog.Length > backlogSent;

    public bool IsBroken { get; private set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <summary>The loop has seen that there is something to read.</summary>
    public void OnReadable() => isReadable = true;

    /// <summary>Feeds a pending read. True when it went on, so that more may be possible.</summary>
    public bool TryProgress()
    {
        if (!isPending) return false;
        var count = 0;
        if (pending.IsEmpty)
        {
            if (!isReadable) return false;
            isReadable = false;
        }
        else
        {
            count = SocketCalls.Receive(descriptor, pending.Span);
            if (count == 0) return false;
        }

        isPending = false;
        pending = default;
        source.SetResult(Math.Max(count, 0));
        return true;
    }

    /// <summary>Sends what is left over. True when nothing is.</summary>
    public bool TryDrain()
    {
        while (HasBacklog && !IsBroken)
        {
            var count = SocketCalls.Send(descriptor, backlog.Written[backlogSent..]);
            if (count == SocketCalls.Closed) IsBroken = true;
            if (count <= 0) return false;
            backlogSent += count;
        }

        backlog.Clear();
        backlog.Trim(KeptBytesMax);
        backlogSent = 0;
        return !IsBroken;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!buffer.IsEmpty)
        {
            var count = SocketCalls.Receive(descriptor, buffer.Span);
            if (count != 0) return ValueTask.FromResult(Math.Max(count, 0));
        }

        source.Reset();
        pending = buffer;
        isPending = true;
        return new ValueTask<int>(this, source.Version);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (TryDrain())
        {
            var count = SocketCalls.Send(descriptor, buffer);
            if (count == SocketCalls.Closed) IsBroken = true;
            else buffer = buffer[count..];
        }

        if (IsBroken) throw new IOException("the connection is broken");
        if (!buffer.IsEmpty) new SpanWriter(backlog).WriteBytes(buffer);
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
}
