using Holdfast.Primitives;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Replication;

/// <summary>What a live node is built from.</summary>
public sealed record NodeSetup
{
    /// <summary>Who this process is; its cluster must be known when the node is opened.</summary>
    public required LocalNode Self { get; init; }

    /// <summary>The data directory: the log and the snapshots, where nothing else is said.</summary>
    public required IDisk Disk { get; init; }

    /// <summary>Another log than the write-ahead log on <see cref="Disk"/> (R1.7); null for that one.</summary>
    public LogOpening? OpenLog { get; init; }

    /// <summary>
    /// Where snapshots lie, if not on <see cref="Disk"/>: the snapshot store asks a disk for files by path, and another store is another disk (R1.7). What <see cref="IDiskFile.Sync"/> has returned for must outlive the process.
    /// </summary>
    public IDisk? SnapshotDisk { get; init; }

    /// <summary>Another transport than TCP (R1.7); null for that one, which needs <see cref="Addresses"/> and <see cref="Listener"/>.</summary>
    public IPeerNetwork? Network { get; init; }

    /// <summary>Where peers are. Needed unless <see cref="Network"/> is given.</summary>
    public PeerAddresses? Addresses { get; init; }

    /// <summary>The peer port, bound and not yet started; its owner starts it after the node was built, and ends it. Needed unless <see cref="Network"/> is given.</summary>
    public PeerListener? Listener { get; init; }

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

    internal IPeerNetwork PlanNetwork()
    {
        if (Network is not null) return Network;
        Invariant.Holds(Addresses is not null && Listener is not null, "a node needs addresses and a listener, or a network of its own");
        return new PeerNetwork(Self, Addresses, Listener, Tls, Transport, Log, OnFatal);
    }

    internal (INodeLog Log, WalRecovery Recovery) OpenOwnLog(ClusterId cluster, IWalCompletions completions, Action<WalRecovery>? judge)
    {
        var options = (Wal ?? new WalOptions { Cluster = cluster }) with { Cluster = cluster };
        var log = WriteAheadLog.Open(Disk, options, out var recovery, judge);
        return (new WalThread(log, completions, options.CommitBytesMax), recovery);
    }
}
