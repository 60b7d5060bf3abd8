using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>
/// A connection for control calls that is kept: one call at a time, one behind another. For conversations that are not rare, such as searches in another node's shard. A line that failed, or that was silent for
/// longer than the other side keeps it, is not used again.
/// </summary>
public sealed class ControlLine : IAsyncDisposable
{
    private readonly Socket socket;
    private readonly Stream stream;
    private readonly PeerAnswer server;
    private readonly TransportOptions options;

    private ControlLine(Socket socket, Stream stream, PeerAnswer server, TransportOptions options) => (this.socket, this.stream, this.server, this.options) = (socket, stream, server, options);

    /// <summary>Whether another call may be made on it.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>Connects. Whatever fails here, the other node was asked nothing.</summary>
    /// <param name="target">"host:port" of the other node's peer port.</param>
    /// <param name="trust">How it is protected.</param>
    /// <param name="self">Who asks.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">There is no connection; the message says why.</exception>
    public static async Task<ControlLine> OpenAsync(string target, ControlTrust trust, LocalNode self, TransportOptions options, CancellationToken cancellation)
    {
        if (!HostPort.TryParse(target, out var host, out var port)) throw new IOException($"'{target}' is not host:port");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(await HostPort.ResolveAsync(host, cancellation).ConfigureAwait(false), port, cancellation).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket, ownsSocket: false);
            if (!trust.IsPlain)
            {
                var secured = new SslStream(stream, leaveInnerStreamOpen: false);
                stream = secured;
                await secured.AuthenticateAsClientAsync(trust.ForDialling(), cancellation).ConfigureAwait(false);
            }

            var preamble = new PeerPreamble(PeerConnectionKind.Control, self.Cluster, self.Id, self.BootCount, self.FeatureLevel, 0, NodeId.None);
            var bytes = new byte[PeerPreamble.Size];
            preamble.Write(bytes);
            await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
            var answer = new byte[PeerAnswer.Size];
            await stream.ReadExactlyAsync(answer, cancellation).ConfigureAwait(false);
            if (!PeerAnswer.TryRead(answer, out var server)) throw new IOException("the other side is not a Holdfast peer port");
            if (server.Verdict != PeerVerdict.Accepted) throw new IOException($"refused: {server.Verdict}");
            return new ControlLine(socket, stream, server, options);
        }
        catch (Exception fault) when (fault is SocketException or AuthenticationException or InvalidDataException)
        {
            socket.Dispose();
            throw new IOException(fault.Message, fault);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Asks and waits. Never throws for what the network or the other node does; when the reply is <see cref="ControlStatus.Unreachable"/>, whether it acted is not known (S25).</summary>
    public async ValueTask<ControlReply> CallAsync(ushort verb, ReadOnlyMemory<byte> payload, CancellationToken cancellation)
    {
        if (payload.Length > options.ControlBytesMax) return new ControlReply(ControlStatus.Failed, default, "the question is longer than a control call allows", server.Node, server.Cluster);
        try
        {
            await ControlFrames.WriteAsync(stream, verb, payload, cancellation).ConfigureAwait(false);
            if (await ControlFrames.ReadAsync(stream, options.ControlBytesMax, cancellation).ConfigureAwait(false) is not var (status, answer)) return Broken("the connection was closed before the answer");
            return (ControlStatus)status == ControlStatus.Ok
                ? new ControlReply(ControlStatus.Ok, answer, "", server.Node, server.Cluster)
                : new ControlReply((ControlStatus)status, default, Encoding.UTF8.GetString(answer.Span), server.Node, server.Cluster);
        }
        catch (Exception fault) when (fault is IOException or SocketException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            return Broken(fault.Message);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        IsUsable = false;
        await stream.DisposeAsync().ConfigureAwait(false);
        socket.Dispose();
    }

    private ControlReply Broken(string fault)
    {
        IsUsable = false;
        return new ControlReply(ControlStatus.Unreachable, default, fault, server.Node, server.Cluster);
    }
}
