using System.Diagnostics;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Replication;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>Hands shards over so that every node that lives leads about as many as any other: by the planner that all nodes share, from what this node sees, one shard at a time and only to a replica that has caught up.</summary>
internal sealed class LeaderBalance(ClusterNode cluster, Func<NodeId, bool> hears, KeyspaceLog log)
{
    private const ulong LagMax = 256;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RestBefore = TimeSpan.FromSeconds(2);

    private readonly Dictionary<GroupId, (Term Term, long Since)> reigns = [];
    private readonly Dictionary<GroupId, int> priorities = [];
    private long lookedAt;

    public async Task LookAsync(Topology topology, CancellationToken cancellation)
    {
        if (topology.Shards.Length == 0 || Stopwatch.GetElapsedTime(lookedAt) < LookEvery) return;
        lookedAt = Stopwatch.GetTimestamp();
        await PrioritiseAsync(topology).ConfigureAwait(false);
        var nodes = topology.Peers.Select(peer => new NodeFacts(peer.Node, "", !topology.Follows.ContainsKey(peer.Node) && (peer.Node == topology.Self || hears(peer.Node)))).ToArray();
        var groups = topology.Shards.Select((shard, i) => new GroupFacts(shard.Group, shard.Replicas, shard.Replicas.Length, topology.LeaderOf(i))).ToArray();
        foreach (var planned in Placement.Plan(nodes, groups))
        {
            var plan = planned with { Leader = LeaderOf(topology, planned) };
            if (cluster.FindGroup(plan.Group) is not { Status.IsServingLeader: true } group || plan.Leader == topology.Self || plan.Leader == NodeId.None) continue;
            if (!HasRested(group.Status) || !group.Status.Configuration.Contains(plan.Leader) || !hears(plan.Leader)) continue;
            if (!await HasCaughtUpAsync(group, plan.Leader).ConfigureAwait(false)) continue;
            cancellation.ThrowIfCancellationRequested();
            log(false, $"shard {plan.Group} is handed to node {plan.Leader}, so that leaders are spread evenly");
            await group.TransferLeadershipAsync(plan.Leader).ConfigureAwait(false);
            return;
        }
    }

    /// <summary>Who follows another votes in its shards and stands last: it leads when it is told to (CLUSTER FAILOVER), or when nobody else does.</summary>
    private async Task PrioritiseAsync(Topology topology)
    {
        var priority = topology.Follows.ContainsKey(topology.Self) ? 0 : new RaftOptions().ElectionPriority;
        foreach (var shard in topology.Shards)
        {
            if (priorities.GetValueOrDefault(shard.Group, new RaftOptions().ElectionPriority) == priority || cluster.FindGroup(shard.Group) is not { } group) continue;
            await group.SetElectionPriorityAsync(priority).ConfigureAwait(false);
            priorities[shard.Group] = priority;
        }
    }

    /// <summary>A shard that belongs to a node is led by it while it lives and does not follow another; the others as the planner says.</summary>
    private NodeId LeaderOf(Topology topology, GroupPlan plan) =>
        topology.Homes.TryGetValue(plan.Group, out var home) && !topology.Follows.ContainsKey(home) && (home == topology.Self || hears(home)) ? home : plan.Leader;

    /// <summary>A shard that has just changed hands stays where it is for a while: moving it costs its clients a moment.</summary>
    private bool HasRested(GroupStatus status)
    {
        if (!reigns.TryGetValue(status.Group, out var reign) || reign.Term != status.Term) reigns[status.Group] = reign = (status.Term, Stopwatch.GetTimestamp());
        return Stopwatch.GetElapsedTime(reign.Since) >= RestBefore;
    }

    private static async Task<bool> HasCaughtUpAsync(ReplicatedGroup group, NodeId target)
    {
        foreach (var place in await group.FollowersAsync().ConfigureAwait(false))
            if (place.Node == target) return place.Match.Value + LagMax >= group.Status.Commit.Value;
        return false;
    }
}
