namespace Holdfast.Transport;

/// <summary>The bounds of what nodes send each other. Each may differ between nodes, except that nobody should send frames larger than the others accept.</summary>
public sealed record TransportOptions
{
    /// <summary>Frame bytes that may wait for one peer on one loop. When they are reached, <see cref="IPeerMesh.TrySend"/> says false. Default 64 MiB: a second of a fast network.</summary>
    public int OutboundBytesMax { get; init; } = 64 << 20;

    /// <summary>The longest frame that is sent or accepted. A longer length closes the connection. Default 16 MiB: sixteen of the largest entries.</summary>
    public int FrameBytesMax { get; init; } = 16 << 20;

    /// <summary>Bytes that may wait for one peer on the beat connection; a beat that finds them waiting is dropped, because only the newest is worth anything. Default 64 KiB.</summary>
    public int BeatOutboundBytesMax { get; init; } = 64 << 10;

    /// <summary>Time between two beats to a peer. Default 50 ms: six fit into a lease of 300 ms.</summary>
    public TimeSpan BeatInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The wait before dialling again, doubled up to <see cref="RedialMax"/>. Default 20 ms.</summary>
    public TimeSpan RedialMin { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>The longest wait before dialling again. Default 1 s.</summary>
    public TimeSpan RedialMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a connection may take to be made and to say who it is, in either direction. Default 2 s.</summary>
    public TimeSpan HandshakeMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Connections that have not yet said who they are. Beyond it the oldest is closed, so that a flood of silent ones cannot keep a peer out. Default 1024.</summary>
    public int HalfOpenMax { get; init; } = 1024;

    /// <summary>How long sent bytes may stay unacknowledged before the connection is given up. Default 3 s: after a network cut a peer is dialled anew instead of waiting for TCP's minutes.</summary>
    public TimeSpan UnacknowledgedMax { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Control calls that run at once on a node. Default 64.</summary>
    public int ControlCallsMax { get; init; } = 64;

    /// <summary>The longest control request or response. Default 4 MiB.</summary>
    public int ControlBytesMax { get; init; } = 4 << 20;

    /// <summary>How long a control connection may stay silent between or within requests. Default 10 s.</summary>
    public TimeSpan ControlIdleMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>All that is wrong with the values, a sentence each; empty when they can be used.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (FrameBytesMax < 1024) faults.Add("FrameBytesMax must be at least 1024.");
        if (OutboundBytesMax < FrameBytesMax) faults.Add("OutboundBytesMax must hold at least one frame of FrameBytesMax.");
        if (BeatOutboundBytesMax < 1024) faults.Add("BeatOutboundBytesMax must be at least 1024.");
        if (BeatInterval < TimeSpan.FromMilliseconds(1)) faults.Add("BeatInterval must be at least a millisecond.");
        if (RedialMin <= TimeSpan.Zero) faults.Add("RedialMin must be positive.");
        if (RedialMax < RedialMin) faults.Add("RedialMax must not be below RedialMin.");
        if (HandshakeMax <= TimeSpan.Zero) faults.Add("HandshakeMax must be positive.");
        if (HalfOpenMax < 1) faults.Add("HalfOpenMax must be positive.");
        if (UnacknowledgedMax < TimeSpan.FromMilliseconds(100)) faults.Add("UnacknowledgedMax must be at least 100 ms.");
        if (ControlCallsMax < 1) faults.Add("ControlCallsMax must be positive.");
        if (ControlBytesMax < 1024) faults.Add("ControlBytesMax must be at least 1024.");
        if (ControlIdleMax <= TimeSpan.Zero) faults.Add("ControlIdleMax must be positive.");
        return faults;
    }
}
