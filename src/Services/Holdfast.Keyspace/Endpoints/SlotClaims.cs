using System.Collections.Immutable;
using Holdfast.Cluster;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// Gives slots that nobody has to this node, in a cluster whose slots are given out by hand: makes a shard for them and writes both into the layout, if nobody else has written meanwhile. The shard's first leader then
/// claims them in its log. Each step may be done again after a crash: a shard that was made and has no place in the layout yet is taken up by whoever comes next.
/// </summary>
internal sealed class SlotClaims(KeyspaceNode node, ClusterNode cluster, NodeId self)
{
    private const int TriesMax = 200;
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(50);

    /// <summary>Null when none of the slots is nobody's any more; else why that is so still.</summary>
    public async Task<string?> ClaimAsync(SlotRanges slots, CancellationToken cancellation)
    {
        for (var tries = 0; tries < TriesMax; tries++, await Task.Delay(Glance, cancellation).ConfigureAwait(false))
        {
            var known = cluster.View.Settings.GetValueOrDefault(ShardLayout.Setting, "");
            var free = ShardLayout.FreeOf(known, slots);
            if (free.IsEmpty) return null;
            if (await FreshShardAsync(self, cancellation).ConfigureAwait(false) is not { } group) continue;
            await cluster.CompareSettingAsync(ShardLayout.Setting, known, ShardLayout.With(known, group, free), cancellation).ConfigureAwait(false);
        }

        return "the directory does not decide: ask again";
    }

    /// <summary>Makes a shard without slots that belongs to a node; false when the directory did not decide.</summary>
    public async Task<bool> MakeEmptyAsync(NodeId home, CancellationToken cancellation)
    {
        var known = cluster.View.Settings.GetValueOrDefault(ShardLayout.Setting, "");
        return await FreshShardAsync(home, cancellation).ConfigureAwait(false) is { } group
            && (await cluster.CompareSettingAsync(ShardLayout.Setting, known, ShardLayout.With(known, group, SlotRanges.Of([])), cancellation).ConfigureAwait(false)).Accepted;
    }

    /// <summary>A shard of that node that has no place in the layout; null when the directory does not decide now.</summary>
    private async Task<GroupId?> FreshShardAsync(NodeId home, CancellationToken cancellation)
    {
        var view = cluster.View;
        var layout = ShardLayout.Parse(view.Settings.GetValueOrDefault(ShardLayout.Setting, ""));
        foreach (var (id, group) in view.Groups)
        {
            if (group.Face != ShardLayout.Face || layout.ContainsKey(id) || !group.Replicas.Any(place => place.Node == home)) continue;
            if (ShardLayout.NodeIn(view.Settings, ShardLayout.HomePrefix + id) is var owner && owner != NodeId.None && owner != home) continue;
            if ((await cluster.SetSettingAsync(ShardLayout.HomePrefix + id, home.ToString(), once: true, cancellation).ConfigureAwait(false)).Accepted) return id;
        }

        var replicas = ReplicaGuide.Fresh(home, Shards(view, _ => NodeId.None), Carriers(view), node.Options.Replicas);
        var made = await cluster.CreateGroupAsync(ShardLayout.Face, replicas, cancellation).ConfigureAwait(false);
        return made.Accepted && (await cluster.SetSettingAsync(ShardLayout.HomePrefix + made.Id, home.ToString(), once: true, cancellation).ConfigureAwait(false)).Accepted ? new GroupId(made.Id) : null;
    }

    /// <summary>The nodes that may carry a replica more: those that serve Redis clients and neither come nor go.</summary>
    public static NodeId[] Carriers(DirectoryView view) =>
        [.. view.Members.Values.Where(member => member.Roles.Carry(ShardLayout.Face) && view.Settings.ContainsKey(ShardLayout.AddressPrefix + member.Node) && view.RunningAbout(member.Node) is null && !view.IsBeingReplaced(member.Node)).Select(member => member.Node)];

    /// <summary>The shards with their masters: whom they belong to, or else who leads them.</summary>
    public static GuidedShard[] Shards(DirectoryView view, Func<GroupId, NodeId> leaderOf) =>
    [
        .. view.Groups.Values.Where(group => group.Face == ShardLayout.Face).Select(group => new GuidedShard(group.Id, [.. group.Replicas.Select(place => place.Node)],
            ShardLayout.NodeIn(view.Settings, ShardLayout.HomePrefix + group.Id) is var home && home != NodeId.None ? home : leaderOf(group.Id))),
    ];
}
