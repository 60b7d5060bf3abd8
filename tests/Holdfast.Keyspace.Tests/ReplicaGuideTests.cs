using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Where shards get replicas: on their master, on who follows it, and on as many more as make an odd number.</summary>
public sealed class ReplicaGuideTests
{
    private static readonly ImmutableSortedDictionary<NodeId, NodeId> NobodyFollows = ImmutableSortedDictionary<NodeId, NodeId>.Empty;

    private static NodeId[] Nodes(params int[] nodes) => [.. nodes.Select(node => new NodeId((ulong)node))];

    private static GuidedShard Shard(int group, int master, params int[] replicas) => new(new GroupId((ulong)group), [.. Nodes(replicas)], new NodeId((ulong)master));

    [Fact]
    public void A_shard_of_a_lone_node_grows_to_three_when_there_are_three()
    {
        Assert.Null(ReplicaGuide.Next([Shard(2, 1, 1)], Nodes(1, 2), NobodyFollows, 3));
        Assert.Equal(Nodes(1, 2, 3), ReplicaGuide.Next([Shard(2, 1, 1)], Nodes(1, 2, 3), NobodyFollows, 3)!.Replicas);
        Assert.Null(ReplicaGuide.Next([Shard(2, 1, 1, 2, 3)], Nodes(1, 2, 3, 4), NobodyFollows, 3));
    }

    [Fact]
    public void Who_follows_a_master_has_a_replica_of_its_shards_in_the_place_of_who_does_not()
    {
        var follows = NobodyFollows.Add(new NodeId(6), new NodeId(1));
        var next = ReplicaGuide.Next([Shard(2, 1, 1, 2, 3), Shard(3, 2, 1, 2, 3)], Nodes(1, 2, 3, 6), follows, 3)!;
        Assert.Equal(new GroupId(2), next.Group);
        Assert.Equal(3, next.Replicas.Length);
        Assert.Contains(new NodeId(1), next.Replicas);
        Assert.Contains(new NodeId(6), next.Replicas);
        Assert.Null(ReplicaGuide.Next([Shard(2, 1, [.. next.Replicas.Select(node => (int)node.Value)]), Shard(3, 2, 1, 2, 3)], Nodes(1, 2, 3, 6), follows, 3));
    }

    [Fact]
    public void More_followers_than_replicas_are_all_voters_and_an_odd_number_of_them()
    {
        var follows = NobodyFollows.Add(new NodeId(4), new NodeId(1)).Add(new NodeId(5), new NodeId(1)).Add(new NodeId(6), new NodeId(1));
        var next = ReplicaGuide.Next([Shard(2, 1, 1, 2, 3)], Nodes(1, 2, 3, 4, 5, 6), follows, 3)!;
        Assert.Equal(5, next.Replicas.Length);
        foreach (var node in Nodes(1, 4, 5, 6)) Assert.Contains(node, next.Replicas);
    }

    [Fact]
    public void A_shard_with_a_replica_on_a_node_that_leaves_is_left_to_that_leaving()
    {
        Assert.Null(ReplicaGuide.Next([Shard(2, 1, 1, 9)], Nodes(1, 2, 3), NobodyFollows, 3));
    }

    [Fact]
    public void A_shard_whose_master_is_not_known_keeps_what_it_has()
    {
        Assert.Null(ReplicaGuide.Next([new GuidedShard(new GroupId(2), [.. Nodes(1, 2, 3)], NodeId.None)], Nodes(1, 2, 3, 4), NobodyFollows, 3));
    }

    [Fact]
    public void Slots_that_nobody_has_are_found_and_given_as_a_shard_more()
    {
        var layout = ShardLayout.With("", new GroupId(2), SlotRanges.Of([(0, 99)]));
        Assert.Equal("2:0-99", layout);
        Assert.Equal("100-149", ShardLayout.FreeOf(layout, SlotRanges.Of([(50, 149)])).ToString());
        layout = ShardLayout.With(layout, new GroupId(3), SlotRanges.Of([]));
        Assert.Empty(ShardLayout.Parse(layout)[new GroupId(3)]);
    }

    [Fact]
    public void What_a_lone_node_shall_have_is_read_as_it_was_written()
    {
        var claims = LoneClaims.None.With(SlotRanges.Of([(0, 5460)]), true).With(SlotRanges.Of([(7, 9)]), false) with { Epoch = 3 };
        var read = LoneClaims.Decode(claims.Encode());
        Assert.Equal("0-6,10-5460", read.Slots.ToString());
        Assert.Equal(3UL, read.Epoch);
        Assert.Equal(0, LoneClaims.Decode([]).Slots.Count);
        Assert.Equal(0, LoneClaims.Decode(claims.Encode()[..5]).Slots.Count);
    }
}
