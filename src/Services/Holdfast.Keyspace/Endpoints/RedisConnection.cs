using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>A client's socket on the loop: reads what came into the session's buffer, and sends what the session may send. For the loop's thread.</summary>
internal sealed class RedisConnection : IReadyHandler, IClientWire
{
    /// <summary>Records of one client under TLS that are read before it is the others' turn.</summary>
    private const int ReadsPerTurn = 16;

    private readonly RedisLoop owner;
    private readonly int descriptor;
    private readonly TlsLink? tls;
    private LoopRegistration registration;
    private ReadyEvents interest = ReadyEvents.Readable;
    private bool isGone;
    private bool isTold;

    /// <param name="owner">The loop.</param>
    /// <param name="descriptor">The connected socket; the connection's from now on.</param>
    /// <param name="remote">Where the client is.</param>
    /// <param name="tls">The protection; null in the clear.</param>
    /// <param name="forwards">Whether its commands for other nodes are forwarded.</param>
    public RedisConnection(RedisLoop owner, int descriptor, string remote, TlsLink? tls, bool forwards)
    {
        (this.owner, this.descriptor, this.tls) = (owner, descriptor, tls);
        Session = new ClientSession(owner.Node, this, owner.Buffers) { IsTls = tls is not null, IsForwarding = forwards };
        var traits = Session.Traits;
        (traits.Address, traits.LocalAddress, traits.Descriptor) = (remote, SocketCalls.LocalOf(descriptor), descriptor);
        registration = owner.Loop.Register(descriptor, this, interest);
    }

    public ClientSession Session { get; }

    public void OnReady(ReadyEvents events, Instant now)
    {
        owner.OnTime(now);
        if ((events & ~ReadyEvents.Writable) != 0) tls?.OnReadable();
        if (tls is { IsOpen: false } && !TryHandshake()) return;
        if ((events & ReadyEvents.Writable) != 0 && !TrySend()) return;
        if ((events & (ReadyEvents.Readable | ReadyEvents.HungUp | ReadyEvents.Failed)) == 0)
        {
            if (!Session.HasRequest) Session.GoOn();
            return;
        }

        if (tls is null)
        {
            Read(events);
            return;
        }

        // What is decrypted already is not seen by the loop: it is read until nothing is left.
        var left = ReadsPerTurn;
        while (!isGone && Read(events))
        {
            if (--left > 0) continue;
            owner.ReadSoon(this);
            return;
        }
    }

    /// <summary>Reads what fits. False when nothing more came, or nothing more fits.</summary>
    private bool Read(ReadyEvents events)
    {
        var room = (Session.IsBlocked || Session.IsAside) && Session.Input.Length >= owner.Node.Options.UnreadBytesMax ? default : Session.Input.Room(Session.HasRequest);
        if (room.IsEmpty)
        {
            // A pending request holds its buffer, and a client that waits may not send without end: no more is read until that is over.
            Watch(interest & ~ReadyEvents.Readable);
            if ((events & (ReadyEvents.HungUp | ReadyEvents.Failed)) != 0) Session.Close();
            return false;
        }

        var count = tls is null ? SocketCalls.Receive(descriptor, room) : tls.Receive(room);
        if (count == SocketCalls.Closed)
        {
            Session.Close();
            return false;
        }

        if (count == 0) return false;
        owner.Node.Counters.BytesIn += count;
        Session.Input.Received(count);
        if (!Session.HasRequest) Session.GoOn();
        return (interest & ReadyEvents.Readable) != 0;
    }

    public void OnSendable(ClientSession client)
    {
        if (!TrySend()) return;
        if (client is { IsLeaving: true, Replies.Length: 0 })
        {
            client.Close();
            return;
        }

        var isFull = client.Replies.Length > owner.Node.Options.UnreadBytesMax;
        if (!isFull && !client.HasRequest)
        {
            if (tls is not null && (interest & ReadyEvents.Readable) == 0) owner.ReadSoon(this);
            Watch(interest | ReadyEvents.Readable);
        }
        else if (isFull) Watch(interest & ~ReadyEvents.Readable);
    }

    public void OnTold(ClientSession client)
    {
        if (isTold) return;
        if (owner.TryCollect(this)) isTold = true;
        else OnSendable(client);
    }

    /// <summary>Sends what was collected for it in this turn.</summary>
    public void SendTold()
    {
        isTold = false;
        if (!isGone) OnSendable(Session);
    }

    public void OnClosed(ClientSession client)
    {
        if (isGone) return;
        isGone = true;
        owner.Loop.Unregister(registration);
        tls?.Close();
        SocketCalls.Close(descriptor);
        owner.OnGone(this);
    }

    /// <summary>Sends what may be sent; false when the connection is gone.</summary>
    private bool TrySend()
    {
        while (!isGone && Session.Replies.Sendable is { IsEmpty: false } bytes)
        {
            var count = tls is null ? SocketCalls.Send(descriptor, bytes) : tls.Send(bytes);
            if (count == SocketCalls.Closed)
            {
                Session.Close();
                return false;
            }

            owner.Node.Counters.BytesOut += count;
            Session.Replies.Sent(count);
            if (tls is null ? count == bytes.Length : !tls.HasBacklog) continue;
            Watch(interest | ReadyEvents.Writable);
            return true;
        }

        if (!isGone && tls is { HasBacklog: true } && tls.Send([]) == SocketCalls.Closed)
        {
            Session.Close();
            return false;
        }

        Watch(tls is { HasBacklog: true } ? interest | ReadyEvents.Writable : interest & ~ReadyEvents.Writable);
        return !isGone;
    }

    /// <summary>Goes on with the handshake; false while it is not done, and when the client is cut off.</summary>
    private bool TryHandshake()
    {
        if (!tls!.TryHandshake())
        {
            owner.Node.Counters.RejectedClients++;
            Session.Close();
            return false;
        }

        Watch(tls.HasBacklog ? interest | ReadyEvents.Writable : interest & ~ReadyEvents.Writable);
        return tls.IsOpen;
    }

    private void Watch(ReadyEvents wanted)
    {
        if (wanted == interest || isGone) return;
        interest = wanted;
        owner.Loop.Modify(registration, wanted);
    }
}
