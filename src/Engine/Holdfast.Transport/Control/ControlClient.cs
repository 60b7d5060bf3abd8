using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>How a control call is protected.</summary>
public sealed class ControlTrust
{
    private readonly PeerTls? tls;
    private readonly byte[]? fingerprint;

    private ControlTrust(PeerTls? tls, byte[]? fingerprint)
    {
        this.tls = tls;
        this.fingerprint = fingerprint;
    }

    /// <summary>In the clear.</summary>
    public static ControlTrust Plain { get; } = new(null, null);

    internal bool IsPlain => tls is null && fingerprint is null;

    /// <summary>With this node's certificate, both sides checked; in the clear when there is none.</summary>
    public static ControlTrust Of(PeerTls? tls) => tls is null ? Plain : new ControlTrust(tls, null);

    /// <summary>For a joiner: no certificate of its own, and the server must chain to the authority with this SHA-256.</summary>
    public static ControlTrust Pinned(byte[] authorityFingerprint) => new(null, authorityFingerprint);

    internal SslClientAuthenticationOptions ForDialling() => tls is not null ? tls.ForDialling() : PeerTls.ForJoining();

    /// <summary>The hash that the server's authority must have, when the server must show it first; else null.</summary>
    internal byte[]? Pin => fingerprint;
}

/// <summary>Makes control calls: one connection per call, closed afterwards. For all threads.</summary>
public static class ControlClient
{
    /// <summary>
    /// Asks a node and waits for its answer. Never throws for what the network or the other node does: that is a <see cref="ControlStatus"/>. It never retries (S25).
    /// </summary>
    /// <param name="target">"host:port" of the other node's peer port.</param>
    /// <param name="verb">What to ask.</param>
    /// <param name="payload">The question.</param>
    /// <param name="timeLimit">For all of it: resolving, connecting, asking, answering.</param>
    /// <param name="trust">How the call is protected.</param>
    /// <param name="self">Who asks; null for who has no identity yet.</param>
    /// <param name="options">Bounds; null for the defaults.</param>
    /// <param name="cancellation">Ends the call early, as <see cref="ControlStatus.Unreachable"/>.</param>
    public static async ValueTask<ControlReply> CallAsync(
        string target, ushort verb, ReadOnlyMemory<byte> payload, TimeSpan timeLimit, ControlTrust trust, LocalNode? self = null, TransportOptions? options = null, CancellationToken cancellation = default)
    {
        if (!HostPort.TryParse(target, out var host, out var port)) return Unreachable($"'{target}' is not host:port");
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        deadline.CancelAfter(timeLimit);
        try
        {
            return await CallAsync(host, port, verb, payload, trust, self, options ?? new TransportOptions(), deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return Unreachable(string.Create(CultureInfo.InvariantCulture, $"no answer within {timeLimit.TotalSeconds:0.#} s"));
        }
        catch (Exception fault) when (fault is IOException or SocketException or InvalidDataException or AuthenticationException)
        {
            return Unreachable(fault.InnerException is null ? fault.Message : $"{fault.Message} {fault.InnerException.Message}");
        }
    }

    private static async ValueTask<ControlReply> CallAsync(
        string host, int port, ushort verb, ReadOnlyMemory<byte> payload, ControlTrust trust, LocalNode? self, TransportOptions options, CancellationToken cancellation)
    {
        if (payload.Length > options.ControlBytesMax) return Unreachable("the question is longer than a control call allows");
        var addresses = await HostPort.ResolveAsync(host, cancellation).ConfigureAwait(false);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(addresses, port, cancellation).ConfigureAwait(false);
        Stream stream = new NetworkStream(socket, ownsSocket: false);
        if (!trust.IsPlain)
        {
            var secured = new SslStream(stream, leaveInnerStreamOpen: false);
            stream = secured;
            await secured.AuthenticateAsClientAsync(trust.ForDialling(), cancellation).ConfigureAwait(false);
        }

        await using (stream.ConfigureAwait(false))
            return await ConverseAsync(stream, verb, payload, trust, self, options, cancellation).ConfigureAwait(false);
    }

    private static async ValueTask<ControlReply> ConverseAsync(
        Stream stream, ushort verb, ReadOnlyMemory<byte> payload, ControlTrust trust, LocalNode? self, TransportOptions options, CancellationToken cancellation)
    {
        var preamble = new PeerPreamble(PeerConnectionKind.Control, self?.Cluster ?? ClusterId.None, self?.Id ?? NodeId.None, self?.BootCount ?? 0, self?.FeatureLevel ?? 0, 0, NodeId.None);
        var bytes = new byte[PeerPreamble.Size];
        preamble.Write(bytes);
        await stream.WriteAsync(bytes, cancellation).ConfigureAwait(false);
        var answerBytes = new byte[PeerAnswer.Size];
        await stream.ReadExactlyAsync(answerBytes, cancellation).ConfigureAwait(false);
        if (!PeerAnswer.TryRead(answerBytes, out var server)) return Unreachable("the other side is not a Holdfast peer port");
        if (server.Verdict == PeerVerdict.Busy) return new ControlReply(ControlStatus.Busy, default, "it is busy", server.Node, server.Cluster);
        if (server.Verdict != PeerVerdict.Accepted) return Unreachable($"refused: {server.Verdict}");
        if (trust.Pin is { } pin && !await ShowsAsync(pin, (SslStream)stream, options, cancellation).ConfigureAwait(false)) return new ControlReply(ControlStatus.WrongAuthority, default, "its certificate is not of the authority in the token", server.Node, server.Cluster);
        await ControlFrames.WriteAsync(stream, verb, payload, cancellation).ConfigureAwait(false);
        if (await ControlFrames.ReadAsync(stream, options.ControlBytesMax, cancellation).ConfigureAwait(false) is not var (status, answer)) return Unreachable("the connection was closed before the answer");
        return (ControlStatus)status switch
        {
            ControlStatus.Ok => new ControlReply(ControlStatus.Ok, answer, "", server.Node, server.Cluster),
            ControlStatus.UnknownVerb => new ControlReply(ControlStatus.UnknownVerb, default, $"it does not know verb {verb}", server.Node, server.Cluster),
            ControlStatus.NoCertificate => new ControlReply(ControlStatus.NoCertificate, default, "it asks for a certificate of the cluster", server.Node, server.Cluster),
            ControlStatus.Busy => new ControlReply(ControlStatus.Busy, default, Encoding.UTF8.GetString(answer.Span), server.Node, server.Cluster),
            _ => new ControlReply(ControlStatus.Failed, default, Encoding.UTF8.GetString(answer.Span), server.Node, server.Cluster),
        };
    }

    private static async ValueTask<bool> ShowsAsync(byte[] pin, SslStream stream, TransportOptions options, CancellationToken cancellation)
    {
        await ControlFrames.WriteAsync(stream, ControlService.AuthorityVerb, default, cancellation).ConfigureAwait(false);
        return await ControlFrames.ReadAsync(stream, options.ControlBytesMax, cancellation).ConfigureAwait(false) is var (status, shown)
            && (ControlStatus)status == ControlStatus.Ok
            && PeerTls.IsPinned(stream.RemoteCertificate, shown.Span, pin);
    }

    private static ControlReply Unreachable(string fault) => new(ControlStatus.Unreachable, default, fault, NodeId.None, ClusterId.None);
}
