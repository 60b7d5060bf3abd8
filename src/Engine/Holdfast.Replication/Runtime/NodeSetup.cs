using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication;

/// <summary>What a live node is built from.</summary>
public sealed record NodeSetup
{
    /// <summary>Who this process is; its cluster must be known when the node is opened.</summary>
    public required LocalNode Self { get; init; }

    /// <summary>The data directory.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Where peers are.</summary>
    public required PeerAddresses Addresses { get; init; }

    /// <summary>The peer port, bound and not yet started; its owner starts it after the node was built, and ends it.</summary>
    public required PeerListener Listener { get; init; }

    /// <summary>Certificates between nodes; null in the clear.</summary>
    public PeerTls? Tls { get; init; }

    /// <summary>Bounds of the transport.</summary>
    public TransportOptions Transport { get; init; } = new();

    /// <summary>Where the transport speaks.</summary>
    public TransportLog Log { get; init; } = (_, _) => { };

    /// <summary>Event loops for groups, 1 to 4; the same on every node. Default 1.</summary>
    public int Loops { get; init; } = 1;

    /// <summary>Makes what else lives on each loop, beside its groups, such as a face's sockets: it turns before the groups are flushed. Called once per loop, before the loop starts.</summary>
    public Func<EventLoop, ILoopPart?> LoopParts { get; init; } = _ => null;

    /// <summary>Options of the write-ahead log; its cluster is set by the node. Null for the defaults.</summary>
    public WalOptions? Wal { get; init; }

    /// <summary>What to do when a thread of the node broke an invariant or the log failed; by default the process ends at once.</summary>
    public Action<Exception> OnFatal { get; init; } = fault => Environment.FailFast($"holdfast: {fault.Message}", fault);
}
