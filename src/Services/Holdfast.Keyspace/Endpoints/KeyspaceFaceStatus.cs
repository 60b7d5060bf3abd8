namespace Holdfast.Keyspace.Endpoints;

/// <summary>The Redis face of a node, at a glance.</summary>
/// <param name="Port">Where Redis clients are served; 0 for nowhere.</param>
/// <param name="ShardsLed">Shards that this node leads.</param>
/// <param name="SlotsServed">Slots with a leader, of the whole cluster, as this node knows it.</param>
/// <param name="Shards">Shards of the whole cluster.</param>
/// <param name="ReplicasLeast">Replicas of the shard that has fewest.</param>
/// <param name="LagMost">Entries that the slowest follower of a shard that is led here lacks.</param>
public sealed record KeyspaceFaceStatus(int Port, int ShardsLed, int SlotsServed, int Shards, int ReplicasLeast, ulong LagMost)
{
    /// <summary>Commands since the start.</summary>
    public long Commands { get; init; }

    /// <summary>Of them those that were sent to another node.</summary>
    public long Redirects { get; init; }

    /// <summary>Moves of slots that came to their end, among those that the directory remembers.</summary>
    public int MovesDone { get; init; }

    /// <summary>Moves that were given up.</summary>
    public int MovesFailed { get; init; }

    /// <summary>Moves under way.</summary>
    public int MovesRunning { get; init; }
}
