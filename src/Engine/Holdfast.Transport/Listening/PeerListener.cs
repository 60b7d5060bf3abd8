using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>
/// The peer port of a node. On a thread of its own it accepts, agrees on TLS and reads the preamble, each connection with a deadline and all of them under a bound, and then hands the
/// connection to the mesh of the right loop, to the beats or to the control service. The loops never see who did not say, properly, who they are.
/// </summary>
public sealed class PeerListener : IDisposable, ILoopBody, IReadyHandler
{
    private const int AcceptsPerTurnMax = 64;
    private const int BacklogOfKernel = 512;
    private static readonly TimeSpan PauseWhenOutOfDescriptors = TimeSpan.FromMilliseconds(100);
    private static readonly Mark Flooded = new("transport: oldest half-open connection closed");
    private static readonly Mark TooSlow = new("transport: half-open connection timed out");
    private static readonly Mark OutOfDescriptors = new("transport: accept failed");
    private readonly LocalNode self;
    private readonly PeerAddresses addresses;
    private readonly PeerTls? tls;
    private readonly TransportOptions options;
    private readonly TransportLog log;
    private readonly EventLoop loop;
    private readonly Socket socket;
    private readonly LinkedList<HalfOpen> halfOpen = new();
    private readonly Dictionary<int, PeerMesh> meshes = [];
    private LoopRegistration registration;
    private Instant acceptAgainAt = Instant.Never;
    private BeatService? beats;
    private ControlService? control;

    /// <summary>Binds the port at once, so that a taken port is known before anything else starts; serves after <see cref="Start"/>.</summary>
    /// <exception cref="SocketException">The port cannot be bound.</exception>
    public PeerListener(IPEndPoint bind, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions options, TransportLog log, Action<Exception>? onFatal = null)
    {
        this.self = self;
        this.addresses = addresses;
        this.tls = tls;
        this.options = options;
        this.log = log;
        socket = new Socket(bind.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            socket.Bind(bind);
            socket.Listen(BacklogOfKernel);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        Endpoint = (IPEndPoint)socket.LocalEndPoint!;
        loop = new EventLoop("peer-door", this, onFatal);
    }

    /// <summary>Where it listens; the port is the real one when 0 was asked for.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Connections that have not yet said who they are.</summary>
    internal int HalfOpenCount => halfOpen.Count;

    /// <summary>Serves the mesh of a loop. Before <see cref="Start"/>.</summary>
    public void Serve(PeerMesh mesh) => meshes.Add(mesh.LoopIndex, mesh);

    /// <summary>Serves the beats. Before <see cref="Start"/>.</summary>
    public void Serve(BeatService service) => beats = service;

    /// <summary>Serves control calls. Before <see cref="Start"/>.</summary>
    public void Serve(ControlService service)
    {
        control = service;
        if (tls is not null) service.Add(ControlService.AuthorityVerb, (_, _) => new(tls.ShowAuthorities()), allowsAnonymous: true);
    }

    /// <summary>Begins to accept.</summary>
    public void Start()
    {
        registration = loop.Register((int)socket.Handle, this, ReadyEvents.Readable);
        loop.Start();
    }

    /// <summary>Stops accepting. Connections handed over live on.</summary>
    public void Dispose()
    {
        loop.Dispose();
        foreach (var connection in halfOpen) connection.Channel.Close();
        halfOpen.Clear();
        socket.Dispose();
    }

    void IReadyHandler.OnReady(ReadyEvents events, Instant now)
    {
        for (var i = 0; i < AcceptsPerTurnMax; i++)
            if (!TryAccept(now)) return;
    }

    Instant ILoopBody.Turn(Instant now)
    {
        // All have the same allowance, so the list is in the order of the deadlines.
        while (halfOpen.First is { } oldest && oldest.Value.Deadline <= now)
        {
            TooSlow.Hit();
            Refuse(oldest.Value, null);
        }

        if (acceptAgainAt <= now)
        {
            acceptAgainAt = Instant.Never;
            loop.Modify(registration, ReadyEvents.Readable);
        }

        return Instant.Min(acceptAgainAt, halfOpen.First?.Value.Deadline ?? Instant.Never);
    }

    /// <summary>Closes a connection that will not be served. Strangers are not worth a log line each, only those who tried to speak.</summary>
    internal void Refuse(HalfOpen connection, string? reason)
    {
        if (reason is not null) log(TransportSeverity.Warning, $"peer connection from {connection.Channel.Remote} refused: {reason}");
        Release(connection);
        connection.Channel.Close();
    }

    /// <summary>A connection has said who it is.</summary>
    internal void OnPreamble(HalfOpen connection, ReadOnlySpan<byte> bytes)
    {
        var channel = connection.Channel;
        switch (PeerPreamble.Read(bytes, out var preamble))
        {
            case PeerPreambleFault.Malformed:
                Refuse(connection, "not a Holdfast preamble");
                return;
            case PeerPreambleFault.OtherVersion:
                PeerGate.TryAnswer(channel, self, PeerVerdict.OtherVersion);
                Refuse(connection, "another protocol version");
                return;
        }

        var verdict = PeerGate.Judge(preamble, self, addresses, channel.IsAuthenticated);
        if (verdict == PeerVerdict.Accepted)
        {
            Release(connection);
            verdict = HandOver(channel, preamble);
            if (verdict == PeerVerdict.Accepted) return;
        }

        PeerGate.TryAnswer(channel, self, verdict);
        Refuse(connection, $"{preamble.Sender} of cluster {preamble.Cluster} wants {preamble.Kind} {preamble.Loop} with {preamble.Wanted}: {verdict}");
    }

    private PeerVerdict HandOver(ByteChannel channel, in PeerPreamble preamble)
    {
        switch (preamble.Kind)
        {
            case PeerConnectionKind.Mesh when meshes.TryGetValue(preamble.Loop, out var mesh):
                return mesh.TryAdopt(channel, preamble) ? PeerVerdict.Accepted : PeerVerdict.Busy;
            case PeerConnectionKind.Beat when beats is not null:
                return beats.TryAdopt(channel, preamble) ? PeerVerdict.Accepted : PeerVerdict.Busy;
            case PeerConnectionKind.Control when control is not null:
                return control.TryAdopt(channel, preamble, self) ? PeerVerdict.Accepted : PeerVerdict.Busy;
            default:
                return PeerVerdict.NoSuchDoor;
        }
    }

    private bool TryAccept(Instant now)
    {
        Socket accepted;
        try
        {
            accepted = socket.Accept();
        }
        catch (SocketException fault)
        {
            if (fault.SocketErrorCode is SocketError.WouldBlock or SocketError.ConnectionAborted or SocketError.ConnectionReset or SocketError.Interrupted) return false;

            // Out of descriptors: the waiting connection stays readable, so look away for a while instead of spinning.
            OutOfDescriptors.Hit();
            log(TransportSeverity.Warning, $"the peer port cannot accept: {fault.SocketErrorCode}");
            loop.Modify(registration, ReadyEvents.None);
            acceptAgainAt = now + PauseWhenOutOfDescriptors;
            return false;
        }

        if (halfOpen.Count >= options.HalfOpenMax)
        {
            // A peer says who it is within a round trip, so the oldest silent one is the least likely to be a peer.
            Flooded.Hit();
            Refuse(halfOpen.First!.Value, null);
        }

        Admit(accepted, now);
        return true;
    }

    private void Admit(Socket accepted, Instant now)
    {
        try
        {
            SocketTuning.Apply(accepted, options);
            if (tls is { IsReady: false })
            {
                // A joiner has nothing to show yet; whoever comes now comes again.
                accepted.Dispose();
                return;
            }

            var channel = tls is null ? (ByteChannel)new PlainChannel(accepted) : TlsChannel.Accept(accepted, tls);
            var connection = new HalfOpen(loop, this, channel, now + options.HandshakeMax);
            connection.Place = halfOpen.AddLast(connection);
        }
        catch (SocketException)
        {
            // Gone between being accepted and being looked at.
            accepted.Dispose();
        }
    }

    private void Release(HalfOpen connection)
    {
        connection.Unregister();
        if (connection.Place is { } place) halfOpen.Remove(place);
        connection.Place = null;
    }
}
