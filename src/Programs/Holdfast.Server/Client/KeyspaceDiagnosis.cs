using Holdfast.Coordination.Endpoints;

namespace Holdfast.Server.Client;

/// <summary>What operators of Redis clusters learn the hard way, as rules (R2.8): a replica for every master, odd counts, lag, ports, clients that know the slots, moves that were rehearsed.</summary>
internal static class KeyspaceDiagnosis
{
    private const int Slots = 16384;

    /// <summary>Entries behind: a second of ten thousand writes.</summary>
    private const ulong LagMax = 10_000;

    /// <summary>Below so many commands nothing is concluded from where clients sent them.</summary>
    private const long CommandsLeast = 10_000;

    public static IEnumerable<Finding> Of(IReadOnlyList<NodeAnswer> nodes)
    {
        var serving = nodes.Select(node => node.Status!).Where(status => status.Keyspace is not null).ToArray();
        if (serving.Length == 0) yield break;
        foreach (var node in nodes.Select(node => node.Status!).Where(status => status.Roles.Split(',').Contains("keyspace") && (status.Keyspace is null or { Port: 0 })))
            yield return new("redis-port", false, $"{node.Name} carries the Redis face and serves no client: start it with --redis HOST:PORT, or the slots that it leads are out of reach");
        var most = serving.MaxBy(status => status.Keyspace!.Shards)!.Keyspace!;
        if (most.Shards > 0 && serving.Max(status => status.Keyspace!.SlotsServed) < Slots)
            yield return new("slots-unserved", true, $"{Slots - serving.Max(status => status.Keyspace!.SlotsServed)} slots have no leader: a majority of each shard's replicas must run and reach each other");
        if (most is { Shards: > 0, ReplicasLeast: 1 } && serving.Length > 1)
            yield return new("shard-alone", false, "a shard has one replica: it does not survive the loss of its node; with three nodes every shard has three");
        else if (most is { Shards: > 0 } && most.ReplicasLeast % 2 == 0)
            yield return new("even-replicas", false, $"a shard has {most.ReplicasLeast} replicas, which survive no more losses than {most.ReplicasLeast - 1} would: add a node, or take one out");
        foreach (var node in serving)
        {
            var face = node.Keyspace!;
            if (face.LagMost > LagMax) yield return new("shard-lag", false, $"a follower of a shard that {node.Name} leads lacks {face.LagMost} entries: look at its disk and at the network to it");
            if (face.Commands >= CommandsLeast && face.Redirects * 5 > face.Commands)
                yield return new("clients-redirected", false, $"{face.Redirects * 100 / face.Commands} of 100 commands at {node.Name} were sent on to another node: its clients do not know the slots; let them use a cluster client (redis-cli -c, RedisCluster, ClusterClient)");
        }

        if (most is { Shards: > 1, MovesDone: 0 }) yield return new("moves-unrehearsed", false, "no slot was ever moved here: rehearse it before you need it (holdfast keyspace move 0 --to NODE, and back)");
        if (most.MovesFailed > 0) yield return new("moves-failed", false, $"{most.MovesFailed} moves of slots were given up: holdfast keyspace moves says why");
    }
}
