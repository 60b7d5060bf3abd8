using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>What clients are told of slots whose shard has no leader at the moment: node-redis for one asks once, and never serves a slot again that the answer left out.</summary>
public sealed class ShownOwnersTests
{
    private readonly LocalNodes nodes = new(3);

    [Fact]
    public void A_shard_whose_leader_is_not_known_is_shown_with_a_node_that_has_a_replica()
    {
        var topology = Without(new LeaderBook());
        Assert.Equal(NodeId.None, topology.LeaderOf(1));
        Assert.Equal(nodes.All[1].Me, topology.ShownFor(1));
    }

    [Fact]
    public void A_shard_without_a_leader_is_shown_with_whoever_led_it_last()
    {
        var book = new LeaderBook();
        book.Hear(nodes.All[1].Shard.Group, new Term(7), nodes.All[2].Me);
        Assert.Equal(nodes.All[2].Me, Without(book).ShownFor(1));
    }

    [Fact]
    public void Every_slot_is_listed_while_leaders_are_not_known()
    {
        nodes.All[0].Node.Topology = Without(new LeaderBook());
        var told = nodes.Connect(forwards: false).Ask("CLUSTER", "SLOTS");
        foreach (var edge in (string[])["0", "5460", "5461", "10921", "10922", "16383"]) Assert.Contains(edge, told, StringComparison.Ordinal);
        Assert.Contains($":{nodes.All[0].Node.Topology.Peers[1].Port}", told, StringComparison.Ordinal);
    }

    private Topology Without(LeaderBook book)
    {
        var known = nodes.All[0].Node.Topology;
        return new Topology(known.Self, known.Peers, known.Shards, known.Seats) { Elsewhere = book };
    }
}
