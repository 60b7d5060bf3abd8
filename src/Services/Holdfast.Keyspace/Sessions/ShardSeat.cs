using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace;

/// <summary>A shard as this node sees it: its state and log, when it has a replica here, and the convoys that go there. For the shard's loop.</summary>
internal sealed class ShardSeat
{
    public ShardSeat(ShardMachine machine, IShardLog log)
    {
        (Machine, Log) = (machine, log);
        Quorum = new Convoy(this, Durability.Quorum);
        Async = new Convoy(this, Durability.Async);
        Steps = new StepDesk(this);
    }

    public GroupId Group => Machine.Group;

    public ShardMachine Machine { get; }

    public IShardLog Log { get; }

    public Convoy Quorum { get; }

    public Convoy Async { get; }

    /// <summary>Steps of moves.</summary>
    public StepDesk Steps { get; }

    public Convoy ConvoyOf(Durability durability) => durability == Durability.Async ? Async : Quorum;
}
