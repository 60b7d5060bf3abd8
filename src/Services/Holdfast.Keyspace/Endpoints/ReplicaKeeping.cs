using System.Diagnostics;
using Holdfast.Cluster;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>Has shards placed as <see cref="ReplicaGuide"/> says, one at a time, by whoever leads the directory; the groups' procedures then add, wait until the new replica has caught up, and remove.</summary>
internal sealed class ReplicaKeeping(KeyspaceNode node, ClusterNode cluster, KeyspaceLog log)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    private long lookedAt;

    public async Task LookAsync(DirectoryView view, CancellationToken cancellation)
    {
        if (Stopwatch.GetElapsedTime(lookedAt) < LookEvery || view.Procedures.Values.Any(procedure => procedure is { State: ProcedureState.Running, Move: null })) return;
        lookedAt = Stopwatch.GetTimestamp();
        var topology = node.Topology;
        var shards = SlotClaims.Shards(view, group => topology.PlaceOf(group) is >= 0 and var place ? topology.LeaderOf(place) : NodeId.None);
        if (ReplicaGuide.Next(shards, SlotClaims.Carriers(view), topology.Follows, node.Options.Replicas) is not { } next) return;
        var places = next.Replicas.Select(replica => view.Groups[next.Group].Replicas.FirstOrDefault(place => place.Node == replica, new ReplicaPlace(replica, MemberRole.Voter)));
        log(false, $"shard {next.Group} is to have its replicas on nodes {string.Join(", ", next.Replicas)}");
        await cluster.PlaceGroupAsync(next.Group, [.. places], cancellation).ConfigureAwait(false);
    }
}
