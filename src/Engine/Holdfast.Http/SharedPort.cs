using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace Holdfast.Http;

/// <summary>
/// One TCP port in the clear for HTTP/2 and HTTP/1.1. Kestrel wants to know the protocol when it binds, so it is given two listeners that bind nothing:
/// one accept loop takes the connections, looks at their first bytes without consuming them, and hands each to the listener whose protocol it speaks.
/// No second socket, no copy.
/// <code>
///                        ┌─ preface ──► Listener(Http2) ─► Kestrel, HTTP/2
///   TCP ─► accept ─► sniff
///                        └─ otherwise ► Listener(Http1) ─► Kestrel, HTTP/1.1
/// </code>
/// </summary>
internal sealed class SharedPort : IAsyncDisposable
{
    /// <summary>Connections that wait for Kestrel to take them; it takes them at once, so a full queue means that it is stopping.</summary>
    private const int HandoverMax = 1024;

    private readonly IConnectionListenerFactory sockets;
    private readonly Func<PipeReader, PipeReader>? http2Input;
    private readonly HalfOpenRing halfOpen;
    private readonly Channel<ConnectionContext> http1 = NewQueue();
    private readonly Channel<ConnectionContext> http2 = NewQueue();
    private readonly Timer sweep;
    private IConnectionListener? listener;
    private int unbound;

    public SharedPort(EndPoint listen, IConnectionListenerFactory sockets, HttpDoorLimits limits, Func<PipeReader, PipeReader>? http2Input)
    {
        Listen = listen;
        this.sockets = sockets;
        this.http2Input = http2Input;
        halfOpen = new HalfOpenRing(limits.HalfOpenConnectionsMax, (long)limits.FirstBytesDeadline.TotalMilliseconds);
        sweep = new Timer(_ => halfOpen.Sweep(Environment.TickCount64), null, 1000, 1000);
    }

    /// <summary>Where to listen.</summary>
    public EndPoint Listen { get; }

    /// <summary>Where it listens, the port chosen by the system filled in. Null before binding.</summary>
    public EndPoint? Bound => listener?.EndPoint;

    /// <summary>The two names under which Kestrel binds the one port.</summary>
    public SharedPortFace Face(SniffedProtocol protocol) => new(this, protocol);

    /// <summary>Binds the port at the first call; both calls give the listener of the protocol.</summary>
    public async ValueTask<IConnectionListener> BindAsync(SniffedProtocol protocol, CancellationToken cancel)
    {
        if (listener is null)
        {
            listener = await sockets.BindAsync(Listen, cancel).ConfigureAwait(false);
            _ = AcceptAsync(listener);
        }

        return new Listener(this, protocol == SniffedProtocol.Http2 ? http2.Reader : http1.Reader);
    }

    /// <summary>Stops accepting. The connections that were handed over go on.</summary>
    public async ValueTask UnbindAsync()
    {
        if (Interlocked.Exchange(ref unbound, 1) != 0) return;
        if (listener is not null) await listener.UnbindAsync().ConfigureAwait(false);
        http1.Writer.TryComplete();
        http2.Writer.TryComplete();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        await sweep.DisposeAsync().ConfigureAwait(false);
        halfOpen.Sweep(long.MaxValue);
        if (listener is not null) await listener.DisposeAsync().ConfigureAwait(false);
    }

    private static Channel<ConnectionContext> NewQueue() => Channel.CreateBounded<ConnectionContext>(HandoverMax);

    private async Task AcceptAsync(IConnectionListener from)
    {
        try
        {
            while (await from.AcceptAsync().ConfigureAwait(false) is { } connection)
                _ = SniffAsync(connection);
        }
        catch (ObjectDisposedException)
        {
            // The listener went while we waited; UnbindAsync completes the queues.
        }
        catch (Exception failure)
        {
            // Kestrel logs this and reports the listener as broken, as it does for its own sockets.
            http1.Writer.TryComplete(failure);
            http2.Writer.TryComplete(failure);
        }
    }

    private async Task SniffAsync(ConnectionContext connection)
    {
        var slot = halfOpen.Enter(connection, Environment.TickCount64);
        var protocol = SniffedProtocol.Undecided;
        try
        {
            protocol = await LookAsync(connection).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or InvalidOperationException)
        {
            // Reset by the client, or closed by the ring: nobody is left to answer.
        }

        halfOpen.Leave(slot, connection);
        if (protocol == SniffedProtocol.Http2 && http2Input is not null) connection.Transport = new ReadThrough(http2Input(connection.Transport.Input), connection.Transport.Output);
        var queue = protocol == SniffedProtocol.Http2 ? http2 : http1;
        if (protocol == SniffedProtocol.Undecided || !queue.Writer.TryWrite(connection))
        {
            connection.Abort();
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async ValueTask<SniffedProtocol> LookAsync(ConnectionContext connection)
    {
        var input = connection.Transport.Input;
        long examined = 0;
        while (true)
        {
            var result = await input.ReadAsync().ConfigureAwait(false);
            var buffer = result.Buffer;
            var protocol = PrefaceSniffer.Look(buffer);
            if (protocol == SniffedProtocol.Undecided && !result.IsCompleted && !result.IsCanceled)
            {
                examined = buffer.Length;
                input.AdvanceTo(buffer.Start, buffer.End);
                continue;
            }

            // Nothing is consumed, and nothing examined beyond what was before: so Kestrel's first read returns at once with these very bytes.
            input.AdvanceTo(buffer.Start, buffer.GetPosition(Math.Min(examined, buffer.Length)));
            return protocol;
        }
    }

    private sealed record ReadThrough(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed class Listener(SharedPort port, ChannelReader<ConnectionContext> queue) : IConnectionListener
    {
        public EndPoint EndPoint => port.Bound!;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await queue.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
                if (queue.TryRead(out var connection))
                    return connection;
            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => port.UnbindAsync();

        public ValueTask DisposeAsync() => port.DisposeAsync();
    }
}

/// <summary>An end point that stands for one protocol of a <see cref="SharedPort"/>.</summary>
internal sealed class SharedPortFace(SharedPort port, SniffedProtocol protocol) : EndPoint
{
    public SharedPort Port => port;

    public SniffedProtocol Protocol => protocol;

    public override string ToString() => $"{port.Bound ?? port.Listen} ({protocol})";
}

/// <summary>Binds shared ports as such, and everything else (the TLS ports) as plain sockets.</summary>
internal sealed class SharedPortFactory(IConnectionListenerFactory sockets) : IConnectionListenerFactory
{
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        endpoint is SharedPortFace face ? face.Port.BindAsync(face.Protocol, cancellationToken) : sockets.BindAsync(endpoint, cancellationToken);
}
