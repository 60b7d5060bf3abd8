using CsCheck;
using Holdfast.Primitives;

namespace Holdfast.Cluster.Tests;

public sealed class PlacementTests
{
    private static readonly Gen<(NodeFacts[] Nodes, GroupFacts[] Groups)> Worlds =
        from nodeCount in Gen.Int[1, 7]
        from zones in Gen.Int[0, 3].Array[nodeCount]
        from accepts in Gen.Int[0, 5].Array[nodeCount]
        from groupCount in Gen.Int[1, 5]
        from wanted in Gen.Int[0, 2].Array[groupCount]
        from places in Gen.Int[0, 127].Array[groupCount]
        select (
            Enumerable.Range(0, nodeCount).Select(i => new NodeFacts(new NodeId((ulong)i + 1), $"z{zones[i]}", accepts[i] > 0)).ToArray(),
            Enumerable.Range(0, groupCount).Select(i => new GroupFacts(
                new GroupId((ulong)i + 2),
                [.. Enumerable.Range(0, nodeCount).Where(n => (places[i] >> n & 1) != 0).Select(n => new NodeId((ulong)n + 1))],
                wanted[i] * 2 + 1,
                new NodeId((ulong)(places[i] % nodeCount) + 1))).ToArray());

    [Fact]
    public void One_group_is_spread_as_evenly_as_the_slow_oracle_and_moves_as_little() => Worlds.Sample(
        world =>
        {
            var group = world.Groups[0];
            var plan = Placement.Plan(world.Nodes, [group])[0];
            var best = Best(world.Nodes, group);
            if (best is null) return plan.Refusal.Length > 0 && plan.Replicas.SequenceEqual(group.Replicas);
            // Evening out may move one replica of a single group nowhere: loads differ by one at most.
            return (Placement.Unevenness(plan.Replicas, world.Nodes), plan.Moved) == best.Value;
        },
        iter: 3000);

    [Fact]
    public void Every_plan_keeps_the_rules() => Worlds.Sample(
        world =>
        {
            foreach (var plan in Placement.Plan(world.Nodes, world.Groups))
            {
                var group = world.Groups.Single(one => one.Group == plan.Group);
                if (plan.Refusal.Length > 0) continue;
                if (plan.Replicas.Length != group.ReplicasWanted || plan.Replicas.Distinct().Count() != plan.Replicas.Length) return false;
                if (plan.Replicas.Any(replica => !world.Nodes.Single(node => node.Node == replica).Accepts)) return false;
                if (!plan.Replicas.Contains(plan.Leader)) return false;
                if (Placement.Unevenness(plan.Replicas, world.Nodes) != Best(world.Nodes, group)!.Value.Unevenness) return false;
            }

            return true;
        },
        iter: 2000);

    [Fact]
    public void Leaders_are_spread_as_evenly_as_the_slow_oracle() => Worlds.Sample(
        world =>
        {
            var plans = Placement.Plan(world.Nodes, world.Groups).Where(plan => plan.Leader != NodeId.None).ToArray();
            var able = plans.Select(plan => plan.Replicas.Where(replica => world.Nodes.Any(node => node.Node == replica && node.Accepts)).ToArray()).ToArray();
            return Squares(plans.Select(plan => plan.Leader)) == LeastSquares(able, [], 0);
        },
        iter: 1000);

    [Fact]
    public void A_second_plan_of_the_planned_world_moves_nothing() => Worlds.Sample(
        world =>
        {
            var first = Placement.Plan(world.Nodes, world.Groups);
            var after = world.Groups.Select(group => first.Single(plan => plan.Group == group.Group))
                .Select((plan, i) => world.Groups[i] with { Replicas = plan.Replicas, Leader = plan.Leader }).ToArray();
            return Placement.Plan(world.Nodes, after).All(plan => plan.Moved == 0 && plan.Leader == first.Single(one => one.Group == plan.Group).Leader);
        },
        iter: 1000);

    [Fact]
    public void A_witness_stands_in_where_there_are_too_few_nodes_with_data()
    {
        NodeFacts[] nodes = [new(new NodeId(1), "", true), new(new NodeId(2), "", true), new(new NodeId(3), "", true) { IsWitness = true }];
        var plan = Placement.Plan(nodes, [new GroupFacts(new GroupId(2), [], 3, NodeId.None)])[0];
        Assert.Equal("", plan.Refusal);
        Assert.Equal([new NodeId(1), new NodeId(2), new NodeId(3)], plan.Replicas);
        Assert.Equal([new NodeId(3)], plan.Witnesses);
        Assert.NotEqual(new NodeId(3), plan.Leader);
    }

    [Fact]
    public void A_witness_takes_the_place_of_data_only_where_that_spreads_a_group_over_more_zones()
    {
        NodeFacts[] spread = [new(new NodeId(1), "a", true), new(new NodeId(2), "a", true), new(new NodeId(3), "b", true), new(new NodeId(4), "c", true) { IsWitness = true }];
        var plan = Placement.Plan(spread, [new GroupFacts(new GroupId(2), [], 3, NodeId.None)])[0];
        Assert.Equal([new NodeId(1), new NodeId(3), new NodeId(4)], plan.Replicas); // Whatever zone is lost, two places are left.
        Assert.Equal([new NodeId(4)], plan.Witnesses);

        NodeFacts[] alike = [.. spread.Select(node => node with { Zone = "" })];
        Assert.Empty(Placement.Plan(alike, [new GroupFacts(new GroupId(2), [], 3, NodeId.None)])[0].Witnesses);
    }

    [Fact]
    public void Witnesses_are_never_as_many_as_make_a_majority()
    {
        NodeFacts[] nodes = [new(new NodeId(1), "a", true), .. Enumerable.Range(2, 4).Select(node => new NodeFacts(new NodeId((ulong)node), $"z{node}", true) { IsWitness = true })];
        Assert.Contains("1 can take one with its data, 1 as a witness", Placement.Plan(nodes, [new GroupFacts(new GroupId(2), [], 3, NodeId.None)])[0].Refusal, StringComparison.Ordinal);
        NodeFacts[] five = [.. nodes, new(new NodeId(6), "b", true), new(new NodeId(7), "c", true)];
        Assert.Equal(2, Placement.Plan(five, [new GroupFacts(new GroupId(2), [], 5, NodeId.None)])[0].Witnesses.Length);
    }

    [Fact]
    public void Data_is_evened_out_over_nodes_with_data_and_never_onto_a_witness()
    {
        NodeFacts[] nodes = [new(new NodeId(1), "", true), new(new NodeId(2), "", true), new(new NodeId(3), "", true) { IsWitness = true }];
        var groups = Enumerable.Range(2, 6).Select(group => new GroupFacts(new GroupId((ulong)group), [new NodeId(1)], 1, new NodeId(1))).ToArray();
        foreach (var plan in Placement.Plan(nodes, groups)) Assert.DoesNotContain(new NodeId(3), plan.Replicas);
    }

    [Fact]
    public void As_many_replicas_as_there_are_places_for_witnesses_among_them()
    {
        var view = DirectoryView.Empty with { Members = DirectoryView.Empty.Members.AddRange(Enumerable.Range(1, 5).Select(id => KeyValuePair.Create(new NodeId((ulong)id), Cast.Node((ulong)id) with { Roles = id >= 4 ? NodeRoles.Witness : NodeRoles.Keyspace }))) };
        Assert.Equal(3, ReplicaCount.For(view, "keyspace", 3));
        Assert.Equal(5, ReplicaCount.For(view, "keyspace", 5));
        Assert.Equal(1, ReplicaCount.For(view, "vectors", 3)); // Nobody carries it: one, which the planner refuses in words.
        var two = view with { Members = view.Members.Remove(new NodeId(3)) };
        Assert.Equal(3, ReplicaCount.For(two, "keyspace", 3));
        Assert.Equal(3, ReplicaCount.For(two, "keyspace", 5));
        Assert.True(NodeRoles.Witness.Witnesses("keyspace"));
        Assert.False((NodeRoles.Witness | NodeRoles.Keyspace).Witnesses("keyspace"));
    }

    [Fact]
    public void Impossible_wishes_are_refused_in_words()
    {
        NodeFacts[] nodes = [new(new NodeId(1), "a", true), new(new NodeId(2), "b", true), new(new NodeId(3), "c", false)];
        Assert.Contains("odd", Placement.Plan(nodes, [new GroupFacts(new GroupId(2), [], 2, NodeId.None)])[0].Refusal, StringComparison.Ordinal);
        Assert.Contains("2 can take one", Placement.Plan(nodes, [new GroupFacts(new GroupId(2), [], 3, NodeId.None)])[0].Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Replicas_of_many_groups_are_evened_out()
    {
        var nodes = Enumerable.Range(1, 5).Select(i => new NodeFacts(new NodeId((ulong)i), "", true)).ToArray();
        var crowded = Enumerable.Range(2, 10).Select(i => new GroupFacts(new GroupId((ulong)i), [new NodeId(1), new NodeId(2), new NodeId(3)], 3, new NodeId(1))).ToArray();
        var plans = Placement.Plan(nodes, crowded);
        var loads = nodes.Select(node => plans.Count(plan => plan.Replicas.Contains(node.Node))).ToArray();
        Assert.Equal(1, loads.Max() - loads.Min() + 1);
        Assert.All(nodes, node => Assert.Equal(2, plans.Count(plan => plan.Leader == node.Node)));
    }

    private static (int Unevenness, int Moved)? Best(NodeFacts[] nodes, GroupFacts group)
    {
        (int Unevenness, int Moved)? best = null;
        for (var mask = 0; mask < 1 << nodes.Length; mask++)
        {
            var chosen = nodes.Where((node, i) => (mask >> i & 1) != 0).ToArray();
            if (chosen.Length != group.ReplicasWanted || chosen.Any(node => !node.Accepts)) continue;
            var found = (Placement.Unevenness(chosen.Select(node => node.Node), nodes), chosen.Count(node => !group.Replicas.Contains(node.Node)));
            if (best is null || found.CompareTo(best.Value) < 0) best = found;
        }

        return best;
    }

    private static int LeastSquares(NodeId[][] able, List<NodeId> chosen, int at)
    {
        if (at == able.Length) return Squares(chosen);
        var least = int.MaxValue;
        foreach (var node in able[at])
        {
            chosen.Add(node);
            least = Math.Min(least, LeastSquares(able, chosen, at + 1));
            chosen.RemoveAt(chosen.Count - 1);
        }

        return least;
    }

    private static int Squares(IEnumerable<NodeId> leaders) => leaders.GroupBy(leader => leader).Sum(group => group.Count() * group.Count());
}
