using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>
/// The real <see cref="IPeerMesh"/>: one connection to each peer, on one loop. Of two nodes the one with the smaller id dials, so two connections never fight; it dials
/// again with a growing wait for as long as the peer is in the book. Connections that were dialled to us come from the <see cref="PeerListener"/>.
/// </summary>
/// <remarks>Made before its loop, because the loop's body needs a mesh: <c>new PeerMesh(...)</c>, then the body, then <c>new EventLoop(...)</c>, then <see cref="Attach"/>, then start.</remarks>
public sealed class PeerMesh : ILoopMesh, ILoopPart, IConnectionOwner
{
    /// <summary>Connections handed over by the listener that the loop has not taken yet. Beyond it they are closed: the dialler comes again.</summary>
    private const int ArrivalsMax = 256;

    /// <summary>Peers of one mesh, those who dialled before the book told of them included. Clusters are far smaller; this bounds what strangers can make us remember.</summary>
    private const int PeersMax = 4096;

    private static readonly Mark Superseded = new("transport: connection of an earlier start refused");
    private static readonly Mark Replaced = new("transport: connection replaced by a newer one");
    private readonly PeerConnectionKind kind;
    private readonly ushort loopIndex;
    private readonly LocalNode self;
    private readonly PeerAddresses addresses;
    private readonly PeerTls? tls;
    private readonly TransportOptions options;
    private readonly TransportLog log;
    private readonly int outboundBytesMax;
    private readonly Dictionary<NodeId, PeerLine> lines = [];
    private readonly List<PeerLine> order = [];
    private readonly List<PeerConnection> dirty = [];
    private readonly List<PeerConnection> needTurn = [];
    private readonly List<PeerConnection> turning = [];
    private readonly Lock arrivalsGate = new();
    private readonly Queue<Arrival> arrivals = new();
    private EventLoop? loop;
    private IPeerHandler? handler;
    private long bookVersion = -1;
    private bool isClosed;

    private readonly record struct Arrival(ByteChannel Channel, PeerPreamble Preamble);

    /// <summary>A mesh for the loop of the given index; the peers' loops of the same index are its other ends.</summary>
    public PeerMesh(int loopIndex, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions options, TransportLog log)
        : this(PeerConnectionKind.Mesh, loopIndex, self, addresses, tls, options, log)
    {
    }

    internal PeerMesh(PeerConnectionKind kind, int loopIndex, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions options, TransportLog log)
    {
        this.kind = kind;
        this.loopIndex = checked((ushort)loopIndex);
        this.self = self;
        this.addresses = addresses;
        this.tls = tls;
        this.options = options;
        this.log = log;
        outboundBytesMax = kind == PeerConnectionKind.Beat ? options.BeatOutboundBytesMax : options.OutboundBytesMax;
    }

    internal int LoopIndex => loopIndex;

    /// <inheritdoc/>
    public void Attach(EventLoop home, IPeerHandler frames)
    {
        Invariant.Holds(loop is null, "a mesh was attached twice");
        loop = home;
        handler = frames;
        home.Attach(this);
        addresses.Changed += home.Wake;
        self.ClusterKnown += home.Wake;
    }

    /// <inheritdoc/>
    public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
    {
        if (!lines.TryGetValue(to, out var line) || line.Connection is not { } connection) return false;
        if (!connection.TryAppend(frame)) return false;
        if (connection.IsDirty) return true;
        connection.IsDirty = true;
        dirty.Add(connection);
        return true;
    }

    /// <inheritdoc/>
    public void Flush()
    {
        foreach (var connection in dirty) connection.Flush();
        dirty.Clear();
    }

    /// <inheritdoc/>
    public bool IsConnected(NodeId peer) => lines.TryGetValue(peer, out var line) && line.Connection is not null;

    /// <summary>Adds the peers that are connected now, in the order of their ids.</summary>
    internal void ListConnected(List<NodeId> into)
    {
        foreach (var line in order)
            if (line.Connection is not null) into.Add(line.Peer);
    }

    /// <summary>Takes a connection that the listener has read the preamble of. From the listener's thread. False when too many wait: the caller closes it.</summary>
    internal bool TryAdopt(ByteChannel channel, in PeerPreamble preamble)
    {
        lock (arrivalsGate)
        {
            if (isClosed || loop is null || arrivals.Count >= ArrivalsMax) return false;
            arrivals.Enqueue(new Arrival(channel, preamble));
        }

        loop.Wake();
        return true;
    }

    Instant ILoopBody.Turn(Instant now)
    {
        TakeArrivals(now);
        ServeNeedy(now);
        if (bookVersion != addresses.Version) ReadBook();
        loop!.GoFirst(order.Count > 0);
        return Dial(now);
    }

    void ILoopPart.OnLoopEnded()
    {
        addresses.Changed -= loop!.Wake;
        self.ClusterKnown -= loop.Wake;
        lock (arrivalsGate)
        {
            isClosed = true;
            while (arrivals.TryDequeue(out var arrival)) arrival.Channel.Close();
        }

        foreach (var line in order)
        {
            line.Connection?.Close();
            line.Dial?.Dispose();
        }
    }

    void IConnectionOwner.OnFrame(PeerConnection connection, ReadOnlySpan<byte> frame) => handler!.OnFrame(connection.Peer, frame);

    void IConnectionOwner.OnBroken(PeerConnection connection, string reason) => Drop(connection, loop!.Now, reason);

    void IConnectionOwner.OnNeedsTurn(PeerConnection connection)
    {
        needTurn.Add(connection);
        loop!.Wake();
    }

    private void TakeArrivals(Instant now)
    {
        while (true)
        {
            Arrival arrival;
            lock (arrivalsGate)
            {
                if (!arrivals.TryDequeue(out arrival)) return;
            }

            Welcome(arrival.Channel, arrival.Preamble, now);
        }
    }

    /// <summary>The loop itself answers the preamble: a dialler is accepted only by a loop that moves.</summary>
    private void Welcome(ByteChannel channel, in PeerPreamble preamble, Instant now)
    {
        var verdict = JudgeArrival(preamble);
        if (!PeerGate.TryAnswer(channel, self, verdict) || verdict != PeerVerdict.Accepted)
        {
            channel.Close();
            return;
        }

        if (lines.TryGetValue(preamble.Sender, out var present) && present.Connection is { } older)
        {
            // The dialler has no connection, or it would not have dialled: ours is dead and we have not heard of it yet.
            Replaced.Hit();
            Drop(older, now, "replaced by a newer connection");
        }

        // Looked up only now: a peer that the book does not know is forgotten with its connection.
        Establish(LineOf(preamble.Sender), channel, preamble.BootCount, now);
    }

    private PeerVerdict JudgeArrival(in PeerPreamble preamble)
    {
        if (!lines.TryGetValue(preamble.Sender, out var line)) return lines.Count < PeersMax ? PeerVerdict.Accepted : PeerVerdict.Busy;
        if (line.Connection is not { } present || present.BootCount <= preamble.BootCount) return PeerVerdict.Accepted;
        Superseded.Hit();
        return PeerVerdict.Superseded;
    }

    private void Establish(PeerLine line, ByteChannel channel, uint bootCount, Instant now)
    {
        var connection = new PeerConnection(loop!, this, channel, line.Peer, bootCount, options.FrameBytesMax, outboundBytesMax);
        line.BecomeConnected(connection, now);
        log(TransportSeverity.Information, $"{Name} connected to {line} from {connection.Remote}");
        handler!.OnPeerUp(line.Peer);

        // Under TLS frames may have been decrypted along with the answer: nobody will report them.
        connection.ReadOn();
    }

    private void Drop(PeerConnection connection, Instant now, string reason)
    {
        connection.Close();
        if (!lines.TryGetValue(connection.Peer, out var line) || line.Connection != connection) return;
        line.BecomeDisconnected(now, options);
        log(TransportSeverity.Information, $"{Name} lost {line}: {reason}");
        if (line.Address is null) Forget(line);
        handler!.OnPeerDown(connection.Peer);
    }

    private void Forget(PeerLine line)
    {
        if (lines.Remove(line.Peer)) order.Remove(line);
    }

    private void ServeNeedy(Instant now)
    {
        if (needTurn.Count == 0) return;
        turning.AddRange(needTurn);
        needTurn.Clear();
        foreach (var connection in turning)
        {
            if (connection.Doom is { } reason) Drop(connection, now, reason);
            else connection.ReadOn();
        }

        turning.Clear();
    }

    private void ReadBook()
    {
        bookVersion = addresses.Version;
        var book = addresses.Snapshot();
        foreach (var (node, address) in book)
            if (node != self.Id) LineOf(node).LearnAddress(address);
        for (var i = order.Count - 1; i >= 0; i--)
        {
            var line = order[i];
            if (book.ContainsKey(line.Peer)) continue;
            line.ForgetAddress();
            if (!addresses.IsRemoved(line.Peer)) continue;
            if (line.Connection is { } connection) Drop(connection, loop!.Now, "removed from the cluster");
            Forget(line);
        }
    }

    private Instant Dial(Instant now)
    {
        var next = Instant.Never;
        if (self.Cluster == ClusterId.None) return next;

        // Indexed, because a dial that fails at once changes its line.
        for (var i = 0; i < order.Count; i++)
        {
            var line = order[i];
            if (line.Connection is not null || line.Address is null || line.Peer.CompareTo(self.Id) < 0) continue;
            if (line.Dial is { } running) running.Turn(now);
            else if (now >= line.NextDial) StartDial(line, now);
            if (line.Connection is null) next = Instant.Min(next, line.Dial?.Deadline ?? line.NextDial);
        }

        return next;
    }

    private void StartDial(PeerLine line, Instant now)
    {
        var preamble = new PeerPreamble(kind, self.Cluster, self.Id, self.BootCount, self.FeatureLevel, loopIndex, line.Peer);
        line.Dial = new PeerDial(loop!, line.Address!, preamble, tls, options, now, OnDialSettled);
        line.Dial.Start();
    }

    private void OnDialSettled(PeerDial dial)
    {
        if (!lines.TryGetValue(dial.Peer, out var line) || line.Dial != dial)
        {
            dial.Dispose();
            return;
        }

        var now = loop!.Now;
        if (dial.State == PeerDial.DialState.Accepted)
        {
            Establish(line, dial.TakeChannel(), dial.Answer.BootCount, now);
            return;
        }

        if (line.BecomeUnreached(now, options, dial.Fault))
            log(TransportSeverity.Warning, $"{Name} cannot reach {dial.Address}: {dial.Fault}{(line.Attempts > 1 ? $" (attempt {line.Attempts})" : "")}");
        loop.Wake();
    }

    private PeerLine LineOf(NodeId peer)
    {
        if (lines.TryGetValue(peer, out var line)) return line;
        line = new PeerLine(peer, options.RedialMin);
        lines.Add(peer, line);
        order.Add(line);
        order.Sort(static (left, right) => left.Peer.CompareTo(right.Peer));
        return line;
    }

    private string Name => kind == PeerConnectionKind.Beat ? "beats" : $"mesh {loopIndex}";
}
