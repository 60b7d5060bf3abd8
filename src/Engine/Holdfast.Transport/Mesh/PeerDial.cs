using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>
/// One attempt to reach a peer: find its address, connect, agree on TLS, say who we are, hear the answer; never waiting, and given up at a deadline.
/// Its owner asks <see cref="State"/> after each step and takes the channel when it is <see cref="DialState.Accepted"/>.
/// </summary>
internal sealed class PeerDial : IReadyHandler
{
    private readonly EventLoop loop;
    private readonly PeerAddress address;
    private readonly PeerPreamble preamble;
    private readonly PeerTls? tls;
    private readonly TransportOptions options;
    private readonly Action<PeerDial> settled;
    private readonly byte[] answerBytes = new byte[PeerAnswer.Size];
    private int answerCount;
    private int preambleSent;
    private Socket? socket;
    private ByteChannel? channel;
    private LoopRegistration registration = LoopRegistration.None;
    private Task<IPAddress[]>? resolving;
    private readonly CancellationTokenSource cancellation = new();

    /// <summary>An attempt; <c>settled</c> is called on the loop's thread, once, when the state is final.</summary>
    public PeerDial(EventLoop loop, PeerAddress address, in PeerPreamble preamble, PeerTls? tls, TransportOptions options, Instant now, Action<PeerDial> settled)
    {
        this.loop = loop;
        this.address = address;
        this.preamble = preamble;
        this.tls = tls;
        this.options = options;
        this.settled = settled;
        Deadline = now + options.HandshakeMax;
    }

    public enum DialState
    {
        Resolving,
        Connecting,
        Securing,
        Introducing,
        Accepted,
        Failed,
    }

    public DialState State { get; private set; }

    public Instant Deadline { get; }

    public NodeId Peer => address.Node;

    public PeerAddress Address => address;

    /// <summary>Why it failed.</summary>
    public string Fault { get; private set; } = "";

    /// <summary>The peer's own words, once accepted.</summary>
    public PeerAnswer Answer { get; private set; }

    /// <summary>Begins. It may have failed already when this returns.</summary>
    public void Start()
    {
        if (HostPort.TryResolveAtOnce(address.Host, out var literal))
        {
            Connect(literal);
            return;
        }

        resolving = HostPort.ResolveAsync(address.Host, cancellation.Token).AsTask();
        resolving.ContinueWith(static (_, loop) => ((EventLoop)loop!).Wake(), loop, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Called each turn: looks whether the name is resolved or time is up.</summary>
    public void Turn(Instant now)
    {
        if (State is DialState.Accepted or DialState.Failed) return;
        if (now >= Deadline)
        {
            Fail($"no answer within {options.HandshakeMax.TotalSeconds:0.#} s while {State.ToString().ToLowerInvariant()}");
            return;
        }

        if (State != DialState.Resolving || resolving is not { IsCompleted: true }) return;
        if (resolving.IsCompletedSuccessfully && resolving.Result.Length > 0) Connect(resolving.Result[0]);
        else Fail($"{address.Host} cannot be resolved: {resolving.Exception?.InnerException?.Message ?? "no address"}");
    }

    /// <summary>Gives the accepted channel to the caller, unregistered.</summary>
    public ByteChannel TakeChannel()
    {
        Invariant.Holds(State == DialState.Accepted, "a channel was taken from a dial that was not accepted");
        var taken = channel!;
        channel = null;
        socket = null;
        Dispose();
        return taken;
    }

    /// <summary>Gives up without a word.</summary>
    public void Dispose()
    {
        cancellation.Cancel();
        if (registration != LoopRegistration.None) loop.Unregister(registration);
        registration = LoopRegistration.None;
        if (channel is not null) channel.Close();
        else socket?.Dispose();
        channel = null;
        socket = null;
    }

    public void OnReady(ReadyEvents events, Instant now)
    {
        switch (State)
        {
            case DialState.Connecting:
                FinishConnecting();
                break;
            case DialState.Securing:
                Secure();
                break;
            case DialState.Introducing:
                Introduce();
                break;

            // Resolving: no socket yet. Accepted, Failed: unregistered.
            case DialState.Resolving:
            case DialState.Accepted:
            case DialState.Failed:
                break;
        }
    }

    private void Connect(IPAddress target)
    {
        State = DialState.Connecting;
        try
        {
            socket = new Socket(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            SocketTuning.Apply(socket, options);
            socket.Connect(new IPEndPoint(target, address.Port));
        }
        catch (SocketException inProgress) when (inProgress.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress or SocketError.IOPending)
        {
            // The usual case: the descriptor becomes writable when the connection stands or has failed.
        }
        catch (SocketException fault)
        {
            Fail(fault.SocketErrorCode.ToString());
            return;
        }

        registration = loop.Register((int)socket!.Handle, this, ReadyEvents.Writable);
    }

    private void FinishConnecting()
    {
        var error = (SocketError)(int)socket!.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
        if (error != SocketError.Success)
        {
            Fail(error.ToString());
            return;
        }

        channel = tls is null ? new PlainChannel(socket) : TlsChannel.Dial(socket, tls);
        State = DialState.Securing;
        Secure();
    }

    private void Secure()
    {
        switch (channel!.Handshake())
        {
            case HandshakeState.Done:
                State = DialState.Introducing;
                Introduce();
                break;
            case HandshakeState.Failed:
                Fail(channel.Fault);
                break;
            case HandshakeState.Pending:
                loop.Modify(registration, channel.HasBacklog ? ReadyEvents.Readable | ReadyEvents.Writable : ReadyEvents.Readable);
                break;
        }
    }

    private void Introduce()
    {
        if (preambleSent < PeerPreamble.Size)
        {
            Span<byte> bytes = stackalloc byte[PeerPreamble.Size];
            preamble.Write(bytes);
            var sent = channel!.Send(bytes[preambleSent..]);
            if (sent == ByteChannel.Closed)
            {
                Fail(channel.Fault);
                return;
            }

            preambleSent += sent;
        }
        else
        {
            channel!.Send([]);
        }

        var isWaitingForRoom = preambleSent < PeerPreamble.Size || channel.HasBacklog;
        loop.Modify(registration, isWaitingForRoom ? ReadyEvents.Readable | ReadyEvents.Writable : ReadyEvents.Readable);
        Listen();
    }

    private void Listen()
    {
        while (answerCount < PeerAnswer.Size)
        {
            var count = channel!.Receive(answerBytes.AsSpan(answerCount));
            if (count == 0) return;
            if (count == ByteChannel.Closed)
            {
                Fail(channel.Fault);
                return;
            }

            answerCount += count;
        }

        if (!PeerAnswer.TryRead(answerBytes, out var answer)) Fail("the other side is not a Holdfast peer port");
        else if (answer.Verdict != PeerVerdict.Accepted) Fail($"refused: {Explain(answer)}");
        else if (answer.Node != address.Node) Fail($"reached {answer.Node} instead");
        else
        {
            Answer = answer;
            State = DialState.Accepted;
            settled(this);
        }
    }

    private string Explain(in PeerAnswer answer) => answer.Verdict switch
    {
        PeerVerdict.OtherCluster => $"it belongs to cluster {answer.Cluster}, we to {preamble.Cluster}",
        PeerVerdict.OtherNode => $"it is {answer.Node}, not {address.Node} (another incarnation, or the address is wrong)",
        PeerVerdict.OtherVersion => "it speaks another protocol version",
        PeerVerdict.WrongDirection => "of two nodes the one with the smaller id dials",
        PeerVerdict.Removed => "this node was removed from the cluster",
        PeerVerdict.NoSuchDoor => $"it has no loop {preamble.Loop}",
        PeerVerdict.Superseded => "a later start of this node is connected",
        PeerVerdict.NoCertificate => "it asks for a certificate of the cluster",
        PeerVerdict.Busy => "it is busy",
        _ => answer.Verdict.ToString(),
    };

    private void Fail(string fault)
    {
        Fault = fault;
        State = DialState.Failed;
        Dispose();
        settled(this);
    }
}
