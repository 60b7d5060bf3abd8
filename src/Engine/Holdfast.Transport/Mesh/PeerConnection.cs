using Holdfast.Primitives;
using Holdfast.Wire.Peers;

namespace Holdfast.Transport;

/// <summary>What a connection tells its mesh. Called on the loop's thread.</summary>
internal interface IConnectionOwner
{
    void OnFrame(PeerConnection connection, ReadOnlySpan<byte> frame);

    /// <summary>Nothing more will come; called from the loop's dispatch, never from within a send.</summary>
    void OnBroken(PeerConnection connection, string reason);

    /// <summary>A send found the connection broken, or a read stopped at its bound: look at it in the next turn.</summary>
    void OnNeedsTurn(PeerConnection connection);
}

/// <summary>
/// A connection whose other side is known: frames in and out, each behind a <see cref="PeerFrameHeader"/>. Outbound frames are copied into one buffer with a bound and leave in as few
/// writes as the socket allows; inbound frames are handed on from where they were read.
/// </summary>
internal sealed class PeerConnection : IReadyHandler
{
    private const int BufferBytesMin = 64 * 1024;

    /// <summary>A buffer that grew beyond this is given back once it is empty, so that one burst does not hold memory for ever.</summary>
    private const int BufferBytesKept = 4 << 20;

    /// <summary>Bytes read for one peer before the others have their turn.</summary>
    private const int ReadBytesPerTurnMax = 4 << 20;

    private static readonly Mark AbsurdLength = new("transport: frame with an absurd length");
    private static readonly Mark DamagedFrame = new("transport: frame with a wrong checksum");
    private static readonly Mark OutboundFull = new("transport: outbound buffer full");
    private readonly EventLoop loop;
    private readonly IConnectionOwner owner;
    private readonly ByteChannel channel;
    private readonly int frameBytesMax;
    private readonly int outboundBytesMax;
    private byte[] inbound = GC.AllocateUninitializedArray<byte>(BufferBytesMin);
    private int inboundCount;
    private byte[] outbound = GC.AllocateUninitializedArray<byte>(BufferBytesMin);
    private int outboundStart;
    private int outboundEnd;
    private LoopRegistration registration;
    private bool isWatchingForRoom;
    private bool isClosed;

    public PeerConnection(EventLoop loop, IConnectionOwner owner, ByteChannel channel, NodeId peer, uint bootCount, int frameBytesMax, int outboundBytesMax)
    {
        this.loop = loop;
        this.owner = owner;
        this.channel = channel;
        this.frameBytesMax = frameBytesMax;
        this.outboundBytesMax = outboundBytesMax;
        Peer = peer;
        BootCount = bootCount;
        registration = loop.Register(channel.Descriptor, this, ReadyEvents.Readable);
    }

    public NodeId Peer { get; }

    public uint BootCount { get; }

    public string Remote => channel.Remote;

    /// <summary>Set when a send failed: the reason.</summary>
    public string? Doom { get; private set; }

    /// <summary>Whether the connection waits for its mesh's next flush.</summary>
    public bool IsDirty { get; set; }

    public int OutboundBytes => outboundEnd - outboundStart;

    /// <summary>Copies a frame; false when it does not fit under the bound.</summary>
    public bool TryAppend(ReadOnlySpan<byte> frame)
    {
        if (isClosed || Doom is not null) return false;
        Invariant.Holds(frame.Length <= frameBytesMax, "a frame longer than peers accept was sent");
        var needed = PeerFrameHeader.Size + frame.Length;
        if (OutboundBytes + needed > outboundBytesMax)
        {
            OutboundFull.Hit();
            return false;
        }

        MakeRoom(needed);
        PeerFrameHeader.Of(frame).Write(outbound.AsSpan(outboundEnd));
        frame.CopyTo(outbound.AsSpan(outboundEnd + PeerFrameHeader.Size));
        outboundEnd += needed;
        return true;
    }

    /// <summary>Hands to the network what it takes now; the rest follows when the socket has room.</summary>
    public void Flush()
    {
        IsDirty = false;
        if (isClosed || Doom is not null) return;
        while (true)
        {
            var count = channel.Send(outbound.AsSpan(outboundStart, OutboundBytes));
            if (count == ByteChannel.Closed)
            {
                Doom = channel.Fault;
                owner.OnNeedsTurn(this);
                return;
            }

            outboundStart += count;
            if (outboundStart == outboundEnd || count == 0) break;
        }

        if (outboundStart == outboundEnd) EmptyOutbound();
        WatchForRoom(OutboundBytes > 0 || channel.HasBacklog);
    }

    public void OnReady(ReadyEvents events, Instant now)
    {
        if ((events & ReadyEvents.Writable) != 0) Flush();
        if ((events & ~ReadyEvents.Writable) != 0) ReadOn();
    }

    /// <summary>Reads and hands on what has come in. At the end of it the connection may be closed.</summary>
    public void ReadOn()
    {
        var broken = isClosed ? null : ReadFrames();
        if (broken is not null) owner.OnBroken(this, broken);
    }

    /// <summary>Unregisters and closes. Idempotent.</summary>
    public void Close()
    {
        if (isClosed) return;
        isClosed = true;
        loop.Unregister(registration);
        registration = LoopRegistration.None;
        channel.Close();
    }

    /// <summary>Null while all is well, else why the connection must go.</summary>
    private string? ReadFrames()
    {
        for (var budget = ReadBytesPerTurnMax; budget > 0;)
        {
            var room = inbound.AsSpan(inboundCount);
            var count = channel.Receive(room);
            if (count == ByteChannel.Closed) return channel.Fault;
            if (count == 0) return null;
            inboundCount += count;
            budget -= count;
            if (HandOn() is { } fault) return fault;
            if (isClosed) return null;
            if (count < room.Length && channel.ShortReadMeansDrained) return null;
        }

        owner.OnNeedsTurn(this);
        return null;
    }

    private string? HandOn()
    {
        var start = 0;
        while (inboundCount - start >= PeerFrameHeader.Size)
        {
            var header = PeerFrameHeader.Read(inbound.AsSpan(start));
            if (header.Length > (uint)frameBytesMax)
            {
                AbsurdLength.Hit();
                return $"a frame of {header.Length} bytes was announced, {frameBytesMax} are allowed";
            }

            var whole = PeerFrameHeader.Size + (int)header.Length;
            if (inboundCount - start < whole) break;
            var body = inbound.AsSpan(start + PeerFrameHeader.Size, (int)header.Length);
            if (!header.Matches(body))
            {
                DamagedFrame.Hit();
                return "a frame's checksum is wrong";
            }

            owner.OnFrame(this, body);
            start += whole;
        }

        KeepRest(start);
        return null;
    }

    /// <summary>Moves an incomplete frame to the front and grows with what has really come in, never by what a length field claims.</summary>
    private void KeepRest(int start)
    {
        var rest = inboundCount - start;
        if (rest > 0 && start > 0) inbound.AsSpan(start, rest).CopyTo(inbound);
        inboundCount = rest;
        if (rest == inbound.Length) Array.Resize(ref inbound, Math.Min(inbound.Length * 2, frameBytesMax + PeerFrameHeader.Size + BufferBytesMin));
        else if (rest == 0 && inbound.Length > BufferBytesKept) inbound = GC.AllocateUninitializedArray<byte>(BufferBytesMin);
    }

    private void MakeRoom(int needed)
    {
        if (outboundEnd + needed <= outbound.Length) return;
        var waiting = OutboundBytes;
        if (waiting + needed <= outbound.Length)
        {
            outbound.AsSpan(outboundStart, waiting).CopyTo(outbound);
        }
        else
        {
            var grown = GC.AllocateUninitializedArray<byte>((int)Math.Min(Math.Max((long)outbound.Length * 2, waiting + needed), Math.Max(outboundBytesMax, waiting + needed)));
            outbound.AsSpan(outboundStart, waiting).CopyTo(grown);
            outbound = grown;
        }

        outboundStart = 0;
        outboundEnd = waiting;
    }

    private void EmptyOutbound()
    {
        outboundStart = 0;
        outboundEnd = 0;
        if (outbound.Length > BufferBytesKept) outbound = GC.AllocateUninitializedArray<byte>(BufferBytesMin);
    }

    private void WatchForRoom(bool wanted)
    {
        if (wanted == isWatchingForRoom) return;
        isWatchingForRoom = wanted;
        loop.Modify(registration, wanted ? ReadyEvents.Readable | ReadyEvents.Writable : ReadyEvents.Readable);
    }
}
