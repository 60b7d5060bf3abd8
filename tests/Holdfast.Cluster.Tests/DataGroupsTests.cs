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
        await nodes.UntilAcceptedAsync(() => made[1].PlaceGroupAsync(groups[0], [new ReplicaPlace(Self(free), MemberRole.Voter), .. places.Skip(1)], CancellationToken.None));
        await nodes.UntilAsync(() => HasExactly(free, groups[0], made[0].View.Groups[groups[0]].Replicas));
        await nodes.UntilAsync(() => nodes.States[(NodesInProcess.NameOf(free), groups[0])].View.Settings.GetValueOrDefault("said") == "before the move");

        // What it had there is freed, and comes back when the group counts on that node again.
        var moved = made.First(node => Self(node) == places[0].Node);
        await nodes.UntilAsync(() => moved.FindGroup(groups[0])!.Status.IsGivenUp);
        Assert.All(made.Where(node => node != moved && node != free), node => Assert.False(node.FindGroup(groups[0])!.Status.IsGivenUp));
        await WriteAsync(nodes, made, groups[0], "after the move");
        await nodes.UntilAcceptedAsync(() => made[1].PlaceGroupAsync(groups[0], places, CancellationToken.None));
        await nodes.UntilAsync(() => HasExactly(moved, groups[0], places) && moved.FindGroup(groups[0])!.Status is { IsRestored: true, IsGivenUp: false });
        await nodes.UntilAsync(() => nodes.States[(NodesInProcess.NameOf(moved), groups[0])].View.Settings.GetValueOrDefault("said") == "after the move");
        await nodes.UntilAsync(() => free.FindGroup(groups[0])!.Status.IsGivenUp);

        var leaving = made[3];
        var self = Self(leaving);
        var said = nodes.Happened.Count;
        await nodes.UntilAcceptedAsync(() => made[0].LeaveAsync(self, CancellationToken.None));
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
        await nodes.UntilAcceptedAsync(() => made[2].DeleteGroupAsync(groups[4], CancellationToken.None));
        await nodes.UntilAsync(() => made.All(node => node.FindGroup(groups[4]) is null));
        Assert.All(made, node => Assert.Contains(groups[4], node.View.Tombstones));
        Assert.All(made, node => Assert.NotNull(node.FindGroup(groups[3])));
        var next = await made[0].CreateGroupAsync("keyspace", 3, CancellationToken.None);
        Assert.True(next.Id > groups[4].Value, $"group {next.Id} was created after {groups[4]} was deleted");
        await WriteAsync(nodes, made, new GroupId(next.Id), "in a new group");
    }

    [Fact]
    public async Task A_witness_counts_and_keeps_no_state_and_never_becomes_anything_else_in_its_place()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(4);
        var group = new GroupId((await made[0].CreateGroupAsync("keyspace", 3, CancellationToken.None)).Id);
        await nodes.UntilAsync(() => made.All(node => node.View.Groups.ContainsKey(group)));
        await WriteAsync(nodes, made, group, "before");
        var places = made[0].View.Groups[group].Replicas;
        var free = made.First(node => !places.Any(place => place.Node == Self(node)));

        ImmutableArray<ReplicaPlace> withWitness = [new ReplicaPlace(Self(free), MemberRole.Witness), .. places.Skip(1)];
        await nodes.UntilAcceptedAsync(() => made[1].PlaceGroupAsync(group, withWitness, CancellationToken.None));
        await nodes.UntilAsync(() => HasExactly(free, group, withWitness));
        Assert.True(free.FindGroup(group)!.IsWitness);
        Assert.False(nodes.States.ContainsKey((NodesInProcess.NameOf(free), group)));
        await WriteAsync(nodes, made, group, "with a witness");

        var refused = await free.PlaceGroupAsync(group, [new ReplicaPlace(Self(free), MemberRole.Voter), .. places.Skip(1)], CancellationToken.None);
        Assert.False(refused.Accepted);
        Assert.Contains("witness", refused.Reason, StringComparison.Ordinal);
        await nodes.UntilAsync(() => free.FindGroup(group)!.Status.Commit == made.First(node => node.FindGroup(group)?.Status.IsServingLeader == true).FindGroup(group)!.Status.Commit);
    }

    /// <summary>One replica whose state is lost here must not keep the node from everything else: other groups, joiners, addresses.</summary>
    [Fact]
    public async Task A_replica_that_cannot_begin_holds_up_nothing_else()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(1);
        var first = new GroupId((await made[0].CreateGroupAsync("keyspace", 1, CancellationToken.None)).Id);
        await WriteAsync(nodes, made, first, "something");
        made[0].FindGroup(first)!.TakeSnapshot();
        await nodes.UntilAsync(() => made[0].FindGroup(first)!.Status.Snapshot.Index > LogIndex.Zero);
        var again = await nodes.RestartAsync("n1", folder =>
        {
            foreach (var chunks in Directory.EnumerateFiles(Path.Combine(folder, "snapshots", first.ToString()), "chunks", SearchOption.AllDirectories)) Rot(chunks);
        });
        await nodes.UntilAsync(() => nodes.Happened.Any(line => line.Contains($"group {first} does not begin here", StringComparison.Ordinal)));
        await nodes.UntilAsync(() => again.Directory.Status.IsServingLeader);
        var second = await nodes.UntilAcceptedAsync(() => again.CreateGroupAsync("keyspace", 1, CancellationToken.None));
        await WriteAsync(nodes, [again], new GroupId(second.Id), "goes on");
    }

    private static void Rot(string path)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 0xFF;
        File.WriteAllBytes(path, bytes);
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
        for (var tries = 0; ; tries++)
        {
            ClusterNode? leader = null;
            await nodes.UntilAsync(() => (leader = made.FirstOrDefault(node => node.FindGroup(group)?.Status.IsServingLeader == true)) is not null);
            var outcome = await leader!.FindGroup(group)!.ProposeAsync(DirectoryCommand.SetSetting("said", words)); // Idempotent: an unknown outcome is asked for again.
            if (outcome.IsApplied) return;
            Assert.True(tries < 12, $"group {group}: {outcome.Status}");
        }
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
