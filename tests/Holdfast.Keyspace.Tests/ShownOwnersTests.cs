using Holdfast.Primitives;
using Holdfast.Replication;

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

    [Fact]
    public void A_replica_that_was_left_behind_does_not_hide_who_leads_by_now()
    {
        var book = new LeaderBook();
        book.Hear(nodes.All[1].Shard.Group, new Term(7), nodes.All[2].Me);
        var known = nodes.All[0].Node.Topology;
        var behind = new ShardSeat(new ShardMachine(known.Shards[1].Group, nodes.All[0].Node.Table, nodes.All[0].Node), new DeafLog());
        var topology = new Topology(known.Self, known.Peers, known.Shards, known.Seats.SetItem(1, behind)) { Elsewhere = book };
        Assert.True(topology.IsHearsay(1));
        Assert.Equal(nodes.All[2].Me, topology.LeaderOf(1));
        Assert.Equal(known.Shards[1].Replicas, topology.VotersOf(1));

        // Where the directory places a replica here, who led is not who leads.
        var placed = known.Shards.SetItem(1, known.Shards[1] with { Replicas = [.. known.Shards[1].Replicas, known.Self] });
        topology = new Topology(known.Self, known.Peers, placed, topology.Seats) { Elsewhere = book };
        Assert.False(topology.IsHearsay(1));
        Assert.Equal(NodeId.None, topology.LeaderOf(1));
    }

    private Topology Without(LeaderBook book)
    {
        var known = nodes.All[0].Node.Topology;
        return new Topology(known.Self, known.Peers, known.Shards, known.Seats) { Elsewhere = book };
    }

    /// <summary>The log of a replica that hears of nobody.</summary>
    private sealed class DeafLog : IShardLog
    {
        public NodeId Leader => NodeId.None;

        public bool IsLedHere => false;

        public Term Term => new(6);

        public void ReadReplica(TimeSpan ageMax, IReadCompletion completion) => throw new NotSupportedException();

        public void Propose(ReadOnlySpan<byte> work, in ProposeOptions options, IProposalCompletion completion) => throw new NotSupportedException();
    }
}
