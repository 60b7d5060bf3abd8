using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Cluster;

/// <summary>
/// What the cluster's logic needs of the node that it runs on: its replicas, its clocks and calls to others. Real: <see cref="NodeSeat"/>. In the simulator: a process of a virtual machine, so that the same runner, desk and
/// followers run there.
/// </summary>
internal interface INodeSeat
{
    /// <summary>What the cluster shall know of this node.</summary>
    MemberRecord Member { get; }

    /// <summary>The highest feature level that this program knows.</summary>
    uint FeatureLevelKnown { get; }

    /// <summary>The mistake that is planted; none in a program.</summary>
    PlantedProcedureBug Bug { get; }

    /// <summary>The node's monotonic clock.</summary>
    Instant Now { get; }

    /// <summary>Calendar time, microseconds since 1970.</summary>
    long WallMicros { get; }

    /// <summary>The groups on this node whose state is there, as of now.</summary>
    IReadOnlyList<ReplicatedGroup> Groups { get; }

    /// <summary>What the log held of a group when the node started; null when it held nothing.</summary>
    RecoveredGroup? FindRecovered(GroupId group);

    /// <summary>An empty state for a data group; null when this program does not carry its face.</summary>
    IStateMachine? NewState(GroupRecord group);

    /// <summary>Begins a replica, as the log knows it or with these members. The task ends when its state is there.</summary>
    /// <exception cref="SnapshotDamagedException">Its state cannot be restored, here or from others.</exception>
    /// <exception cref="ObjectDisposedException">It was deleted meanwhile, or the node stops.</exception>
    Task BeginReplicaAsync(GroupId group, IStateMachine? machine, Configuration initial);

    /// <summary>Ends a replica for good. Only on its group's committed tombstone (S6).</summary>
    Task DeleteReplicaAsync(GroupId group);

    /// <summary>Lets a replica's state go and keeps its log; false while that cannot be. Only on proof that its group counts on this node no more (S6).</summary>
    Task<bool> GiveUpStateAsync(GroupId group);

    /// <summary>Changes a group's members, if it is led here and has those that the change starts from at that moment.</summary>
    Task<bool> ChangeMembersAsync(ProcedureAction.ChangeMembers change);

    /// <summary>"host:port" of a member's peer port; null when it is not known.</summary>
    string? AddressOf(NodeId node);

    /// <summary>A control call to whoever answers there. Never throws for what the network or the other side does.</summary>
    ValueTask<ControlReply> CallAsync(string target, ushort verb, byte[] question, TimeSpan longest, CancellationToken cancellation);

    /// <summary>Waits.</summary>
    ValueTask WaitAsync(TimeSpan span, CancellationToken cancellation);

    /// <summary>Tells what happens, a sentence.</summary>
    void Say(string sentence);

    /// <summary>Tells what an operator should look at, a sentence.</summary>
    void Warn(string sentence);
}
