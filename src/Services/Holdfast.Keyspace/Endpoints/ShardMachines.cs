using System.Collections.Concurrent;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>This node's shards: the machine of each group, made when the directory places one here, and the seat that is made when its replica has begun.</summary>
internal sealed class ShardMachines(KeyspaceNode node)
{
    private readonly ConcurrentDictionary<GroupId, ShardMachine> machines = new();
    private readonly ConcurrentDictionary<GroupId, ShardSeat> seats = new();

    public ShardMachine Make(GroupId group) => machines.GetOrAdd(group, id => new ShardMachine(id, node.Table, node));

    /// <summary>The seat of a shard; null while its replica has not begun, and once it has been given up because the shard lives elsewhere.</summary>
    public ShardSeat? SeatOf(GroupId group, Func<GroupId, ReplicatedGroup?> find)
    {
        if (!machines.TryGetValue(group, out var machine) || find(group) is not { Status.IsGivenUp: false } replica) return null;
        return seats.GetOrAdd(group, _ => new ShardSeat(machine, new GroupLog(replica)));
    }
}
