using System.Threading.Tasks.Sources;
using Holdfast.Wire;

namespace Holdfast.Transport;

/// <summary>
/// A socket that never blocks, as <see cref="System.Net.Security.SslStream"/> sees it. A read that finds nothing stays pending until <see cref="TryProgress"/> finds bytes, and completes inline, on the loop's own thread:
/// so TLS needs no thread of the pool. A read of nothing waits for bytes to come without holding a buffer. Writes never wait: what the socket does not take is kept, and bounded by the caller, who writes no more while
/// <see cref="HasBacklog"/>. For the loop's thread.
/// </summary>
/// <param name="keptBytesMax">How large a buffer is kept for the next backlog when one has been sent.</param>
public abstract class LoopStream(int keptBytesMax) : Stream, IValueTaskSource<int>
{
    /// <summary>What <see cref="Receive"/> and <see cref="Send"/> return when the connection is closed or broken.</summary>
    protected const int Closed = -1;

    private readonly ByteBuffer backlog = new(16);
    private ManualResetValueTaskSourceCore<int> source;
    private Memory<byte> pending;
    private bool isPending;
    private bool isReadable;
    private int backlogSent;

    /// <summary>Whether bytes that were taken still wait for the socket.</summary>
    public bool HasBacklog => backlog.Length > backlogSent;

    /// <summary>Whether the socket takes no more bytes, ever.</summary>
    public bool IsBroken { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
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
            count = Receive(pending.Span);
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
            var count = Send(backlog.Written[backlogSent..]);
            if (count == Closed) IsBroken = true;
            if (count <= 0) return false;
            backlogSent += count;
        }

        backlog.Clear();
        backlog.Trim(keptBytesMax);
        backlogSent = 0;
        return !IsBroken;
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!buffer.IsEmpty)
        {
            var count = Receive(buffer.Span);
            if (count != 0) return ValueTask.FromResult(Math.Max(count, 0));
        }

        source.Reset();
        pending = buffer;
        isPending = true;
        return new ValueTask<int>(this, source.Version);
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (TryDrain())
        {
            var count = Send(buffer);
            if (count == Closed) IsBroken = true;
            else buffer = buffer[count..];
        }

        if (IsBroken) throw new IOException("the connection is broken");
        if (!buffer.IsEmpty) new SpanWriter(backlog).WriteBytes(buffer);
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("reads are asynchronous here");

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => source.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => source.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        source.OnCompleted(continuation, state, token, flags);

    /// <summary>What the socket has not taken yet, for a caller who sends it himself.</summary>
    protected ReadOnlyMemory<byte> TakeBacklog()
    {
        var left = backlog.WrittenMemory[backlogSent..];
        backlogSent = backlog.Length;
        return left;
    }

    /// <summary>Bytes read; 0 when there are none now; <see cref="Closed"/>.</summary>
    protected abstract int Receive(Span<byte> target);

    /// <summary>Bytes taken; 0 when there is no room now; <see cref="Closed"/>.</summary>
    protected abstract int Send(ReadOnlySpan<byte> bytes);
}
