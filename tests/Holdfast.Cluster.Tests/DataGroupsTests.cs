using System.Collections.Immutable;
using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

/// <summary>Data groups over whole nodes: placed, moved, emptied off a leaving node, deleted. What the directory wishes, the groups' own logs carry out.</summary>
public sealed class DataGroupsTests
{
    private const int Groups = 5;

    [Fact]
    public async Task S5_data_groups_are_placed_one_moves_and_a_leaving_node_leaves_them_first_and_the_directory_last()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(4);
        var groups = await CreateAsync(nodes, made);
        for (var i = 0; i < Groups; i++) Assert.Equal(3, made[0].View.Groups[groups[i]].Replicas.Length);
        var load = made.Select(node => made[0].View.Groups.Values.Count(group => group.Replicas.Any(place => place.Node == Self(node)))).ToArray();
        Assert.True(load.Max() - load.Min() <= 1, $"replicas per node: {string.Join(' ', load)}");
        foreach (var group in groups) await WriteAsync(nodes, made, group, "before the move");

        // Move the first group's first replica to the node that has none of it.
        var places = made[0].View.Groups[groups[0]].Replicas;
        var free = made.First(node => !places.Any(place => place.Node == Self(node)));
        Assert.True((await made[1].PlaceGroupAsync(groups[0], [new ReplicaPlace(Self(free), MemberRole.Voter), .. places.Skip(1)], CancellationToken.None)).Accepted);
        await nodes.UntilAsync(() => HasExactly(free, groups[0], made[0].View.Groups[groups[0]].Replicas));
        await nodes.UntilAsync(() => nodes.States[(NodesInProcess.NameOf(free), groups[0])].View.Settings.GetValueOrDefault("said") == "before the move");

        var leaving = made[3];
        var self = Self(leaving);
        var said = nodes.Happened.Count;
        Assert.True((await made[0].LeaveAsync(self, CancellationToken.None)).Accepted);
        await nodes.UntilAsync(() => made[0].View.Removed.Contains(self));
        Assert.DoesNotContain(made[0].View.Groups.Values, group => group.Replicas.Any(place => place.Node == self));
        var left = OrderOfLeaving(nodes.Happened.Skip(said), self);
        Assert.Equal(["1", "0"], left.TakeLast(2));
        Assert.True(left.Count >= 3, $"left groups {string.Join(' ', left)}");
        foreach (var group in groups) await WriteAsync(nodes, made[..3], group, "after the leave");
    }

    [Fact]
    public async Task S6_a_group_is_deleted_everywhere_on_its_tombstone_and_its_id_is_never_used_again()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(3);
        var groups = await CreateAsync(nodes, made);
        Assert.True((await made[2].DeleteGroupAsync(groups[4], CancellationToken.None)).Accepted);
        await nodes.UntilAsync(() => made.All(node => node.FindGroup(groups[4]) is null));
        Assert.All(made, node => Assert.Contains(groups[4], node.View.Tombstones));
        Assert.All(made, node => Assert.NotNull(node.FindGroup(groups[3])));
        var next = await made[0].CreateGroupAsync("keyspace", 3, CancellationToken.None);
        Assert.True(next.Id > groups[4].Value, $"group {next.Id} was created after {groups[4]} was deleted");
        await WriteAsync(nodes, made, new GroupId(next.Id), "in a new group");
    }

    private static NodeId Self(ClusterNode node) => node.Directory.Status.Self;

    private static async Task<GroupId[]> CreateAsync(NodesInProcess nodes, ClusterNode[] made)
    {
        var groups = new GroupId[Groups];
        for (var i = 0; i < Groups; i++)
        {
            var reply = await made[i % made.Length].CreateGroupAsync("keyspace", 3, CancellationToken.None);
            Assert.True(reply.Accepted, reply.Reason);
            groups[i] = new GroupId(reply.Id);
            var last = i;
            await nodes.UntilAsync(() => made.All(node => node.View.Groups.ContainsKey(groups[last])));
        }

        foreach (var group in groups) await nodes.UntilAsync(() => made.Any(node => node.FindGroup(group)?.Status.IsServingLeader == true));
        return groups;
    }

    /// <summary>Writes into a group, at whichever node leads it.</summary>
    private static async Task WriteAsync(NodesInProcess nodes, ClusterNode[] made, GroupId group, string words)
    {
        ClusterNode? leader = null;
        await nodes.UntilAsync(() => (leader = made.FirstOrDefault(node => node.FindGroup(group)?.Status.IsServingLeader == true)) is not null);
        var outcome = await leader!.FindGroup(group)!.ProposeAsync(DirectoryCommand.SetSetting("said", words));
        Assert.True(outcome.IsApplied, $"group {group}: {outcome.Status}");
    }

    private static bool HasExactly(ClusterNode node, GroupId group, ImmutableArray<ReplicaPlace> places)
    {
        if (node.FindGroup(group)?.Status.Configuration is not { IsJoint: false } configuration) return false;
        return configuration.Equals(Configuration.Of(places.Select(place => new Member(place.Node, place.Role)).ToArray()));
    }

    /// <summary>The groups in the order in which a node was taken out of them, from what the runner said.</summary>
    private static List<string> OrderOfLeaving(IEnumerable<string> said, NodeId node)
    {
        var order = new List<string>();
        foreach (var line in said)
        {
            var at = line.IndexOf("group ", StringComparison.Ordinal);
            var become = line.IndexOf(" become ", StringComparison.Ordinal);
            if (at < 0 || become < 0 || !line[..become].Contains(node.ToString(), StringComparison.Ordinal) || line[become..].Contains(node.ToString(), StringComparison.Ordinal)) continue;
            var group = line[(at + 6)..line.IndexOf(':', at)];
            order.Remove(group); // Asked for again when the first request was lost: the last one counts.
            order.Add(group);
        }

        return order;
    }
}
