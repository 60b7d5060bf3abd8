using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>A connection that has come in and has not yet said who it is: a channel, the bytes of a preamble so far, and a deadline.</summary>
internal sealed class HalfOpen : IReadyHandler
{
    private readonly EventLoop loop;
    private readonly PeerListener listener;
    private readonly byte[] bytes = new byte[PeerPreamble.Size];
    private LoopRegistration registration;
    private bool isSecured;
    private int count;

    public HalfOpen(EventLoop loop, PeerListener listener, ByteChannel channel, Instant deadline)
    {
        this.loop = loop;
        this.listener = listener;
        Channel = channel;
        Deadline = deadline;
        registration = loop.Register(channel.Descriptor, this, ReadyEvents.Readable);
    }

    public ByteChannel Channel { get; }

    public Instant Deadline { get; }

    public LinkedListNode<HalfOpen>? Place { get; set; }

    public void OnReady(ReadyEvents events, Instant now)
    {
        if (!isSecured && !Secure()) return;
        while (count < bytes.Length)
        {
            var read = Channel.Receive(bytes.AsSpan(count));
            if (read == ByteChannel.Closed)
            {
                listener.Refuse(this, null);
                return;
            }

            if (read == 0) return;
            count += read;
        }

        listener.OnPreamble(this, bytes);
    }

    /// <summary>Gives the connection's descriptor back to nobody.</summary>
    public void Unregister()
    {
        if (registration == LoopRegistration.None) return;
        loop.Unregister(registration);
        registration = LoopRegistration.None;
    }

    private bool Secure()
    {
        switch (Channel.Handshake())
        {
            case HandshakeState.Failed:
                listener.Refuse(this, Channel.Fault);
                return false;
            case HandshakeState.Pending:
                loop.Modify(registration, Channel.HasBacklog ? ReadyEvents.Readable | ReadyEvents.Writable : ReadyEvents.Readable);
                return false;
            default:
                isSecured = true;
                loop.Modify(registration, ReadyEvents.Readable);
                return true;
        }
    }
}
