using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>A client's socket on the loop: reads what came into the session's buffer, and sends what the session may send. For the loop's thread.</summary>
internal sealed class RedisConnection : IReadyHandler, IClientWire
{
    private readonly RedisLoop owner;
    private readonly int descriptor;
    private LoopRegistration registration;
    private ReadyEvents interest = ReadyEvents.Readable;
    private bool isGone;
    private bool isTold;

    public RedisConnection(RedisLoop owner, int descriptor, string remote)
    {
        (this.owner, this.descriptor) = (owner, descriptor);
        Session = new ClientSession(owner.Node, this, owner.Buffers);
        Session.Traits.Address = remote;
        registration = owner.Loop.Register(descriptor, this, interest);
    }

    public ClientSession Session { get; }

    public void OnReady(ReadyEvents events, Instant now)
    {
        owner.OnTime(now);
        if ((events & ReadyEvents.Writable) != 0 && !TrySend()) return;
        if ((events & (ReadyEvents.Readable | ReadyEvents.HungUp | ReadyEvents.Failed)) == 0)
        {
            if (!Session.HasRequest) Session.GoOn();
            return;
        }

        var room = Session.IsBlocked && Session.Input.Length >= owner.Node.Options.UnreadBytesMax ? default : Session.Input.Room(Session.HasRequest);
        if (room.IsEmpty)
        {
            // A pending request holds its buffer, and a client that waits may not send without end: no more is read until that is over.
            Watch(interest & ~ReadyEvents.Readable);
            if ((events & (ReadyEvents.HungUp | ReadyEvents.Failed)) != 0) Session.Close();
            return;
        }

        var count = SocketCalls.Receive(descriptor, room);
        if (count == SocketCalls.Closed)
        {
            Session.Close();
            return;
        }

        if (count == 0) return;
        owner.Node.Counters.BytesIn += count;
        Session.Input.Received(count);
        if (!Session.HasRequest) Session.GoOn();
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
        if (!isFull && !client.HasRequest) Watch(interest | ReadyEvents.Readable);
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
        SocketCalls.Close(descriptor);
        owner.OnGone(this);
    }

    /// <summary>Sends what may be sent; false when the connection is gone.</summary>
    private bool TrySend()
    {
        while (!isGone && Session.Replies.Sendable is { IsEmpty: false } bytes)
        {
            var count = SocketCalls.Send(descriptor, bytes);
            if (count == SocketCalls.Closed)
            {
                Session.Close();
                return false;
            }

            owner.Node.Counters.BytesOut += count;
            Session.Replies.Sent(count);
            if (count == bytes.Length) continue;
            Watch(interest | ReadyEvents.Writable);
            return true;
        }

        if ((interest & ReadyEvents.Writable) != 0) Watch(interest & ~ReadyEvents.Writable);
        return !isGone;
    }

    private void Watch(ReadyEvents wanted)
    {
        if (wanted == interest || isGone) return;
        interest = wanted;
        owner.Loop.Modify(registration, wanted);
    }
}
