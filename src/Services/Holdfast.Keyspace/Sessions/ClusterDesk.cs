using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>What a command asks of the cluster: something that takes longer than a turn, and is decided elsewhere.</summary>
internal abstract record ClusterWish
{
    private ClusterWish()
    {
    }

    /// <summary>Slots shall go to a shard that a node leads; done when they are there.</summary>
    public sealed record Move(SlotRanges Slots, NodeId Target) : ClusterWish;

    /// <summary>The same, done when it is written down and will be brought to its end.</summary>
    public sealed record BeginMove(SlotRanges Slots, NodeId Target) : ClusterWish;

    /// <summary>A move of that slot that is under way shall be given up, if it can be; done when it has ended.</summary>
    public sealed record Settle(int Slot) : ClusterWish;

    /// <summary>A move shall be given up, if it can be.</summary>
    public sealed record CancelMove(ulong Id) : ClusterWish;

    /// <summary>Slots shall be spread evenly over the nodes; with <paramref name="IsPlanOnly"/> only say how. Replies with lines.</summary>
    public sealed record Rebalance(bool IsPlanOnly) : ClusterWish;

    /// <summary>This node shall lead no shards: it follows another.</summary>
    public sealed record Follow(NodeId Master) : ClusterWish;

    /// <summary>This node shall take the place of the node that it follows.</summary>
    public sealed record TakeOver : ClusterWish;

    /// <summary>A node shall leave the cluster; it must have no slots.</summary>
    public sealed record Forget(NodeId Node) : ClusterWish;

    /// <summary>Slots that nobody has shall be this node's.</summary>
    public sealed record AddSlots(SlotRanges Slots) : ClusterWish;

    /// <summary>Slots that a node without a cluster was to have shall be nobody's again, and its epoch as it was, or none.</summary>
    public sealed record DropSlots(SlotRanges Slots, bool DropsEpoch) : ClusterWish;

    /// <summary>A node without a cluster shall show this config epoch.</summary>
    public sealed record SetEpoch(ulong Epoch) : ClusterWish;

    /// <summary>This node and another shall be of one cluster.</summary>
    /// <param name="Host">Where the other serves Redis clients.</param>
    /// <param name="Port">Its Redis port.</param>
    /// <param name="BusPort">Its peer port; 0 when that is to be found out.</param>
    public sealed record Meet(string Host, int Port, int BusPort) : ClusterWish;

    /// <summary>This node shall begin anew, if its cluster has removed it; nothing happens in a cluster that has not.</summary>
    public sealed record BeginAnew : ClusterWish;

    /// <summary>Has every shard led here write something that is confirmed when a quorum has all before it on disk.</summary>
    public sealed record Confirm : ClusterWish;
}

/// <summary>How a wish ended: a fault in Redis's form ("ERR …"), or none; and lines to be told.</summary>
internal readonly record struct WishOutcome(string? Fault, IReadOnlyList<string> Lines)
{
    public static WishOutcome Done { get; } = new(null, []);

    public static WishOutcome Refused(string why) => new("ERR " + why, []);
}

/// <summary>Does what commands ask of the cluster. The end is told on the loop.</summary>
internal interface IClusterDesk
{
    void Do(ClusterWish wish, Action<WishOutcome> done);

    /// <summary>The moves under way and those that ended last, a line each: number, slots, source, target, state, note.</summary>
    IReadOnlyList<string> Moves();

    /// <summary>How many of them are done, were given up, are under way.</summary>
    (int Done, int Failed, int Running) CountMoves();
}
