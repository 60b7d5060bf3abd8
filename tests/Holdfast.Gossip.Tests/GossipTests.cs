using Holdfast.Primitives;

namespace Holdfast.Gossip.Tests;

/// <summary>Nodes that gossip, in one thread and virtual time: up to two hundred, over a network that loses, delays and repeats.</summary>
public sealed class GossipTests
{
    [Fact]
    public void Everybody_learns_of_everybody_from_one_seed()
    {
        var world = new GossipWorld(50, seed: 1, meets: 1);
        world.RunUntil(TimeSpan.FromSeconds(40), () => world.Nodes.All(node => node.Members.Count() == 49 && node.Members.All(member => member.Metadata.Span.SequenceEqual(GossipWorld.SaidBy(member.Node)))));
    }

    [Theory]
    [InlineData(20, 2)]
    [InlineData(200, 3)]
    public void A_node_that_dies_is_found_down_by_all_and_nobody_else_is(int count, ulong seed)
    {
        var world = new GossipWorld(count, seed) { Loss = 0.02 };
        world.Run(TimeSpan.FromSeconds(20));
        var victim = world.Nodes[count / 2].Self;
        world.Kill(victim);
        world.RunUntil(TimeSpan.FromSeconds(90), () => world.Alive.All(node => node.StateOf(victim) == GossipState.Down));
        world.Run(TimeSpan.FromSeconds(20));
        Assert.All(world.Alive, node => Assert.Equal([victim], node.Members.Where(member => member.State == GossipState.Down).Select(member => member.Node).ToArray()));
    }

    [Fact]
    public void Two_hundred_nodes_that_lose_a_tenth_of_their_messages_call_nobody_down()
    {
        var world = new GossipWorld(200, seed: 4) { Loss = 0.1, Repeat = 0.05 };
        for (var second = 0; second < 60; second++)
        {
            world.Run(TimeSpan.FromSeconds(1));
            Assert.All(world.Nodes, node => Assert.DoesNotContain(node.Members, member => member.State == GossipState.Down));
        }
    }

    [Fact]
    public void A_node_that_is_slow_itself_accuses_nobody_for_good()
    {
        var world = new GossipWorld(60, seed: 5);
        world.Run(TimeSpan.FromSeconds(10));
        var slow = world.Nodes[7];
        world.SlowDown(slow.Self, TimeSpan.FromMilliseconds(350));
        world.Run(TimeSpan.FromSeconds(60));
        Assert.True(slow.LocalHealthScore > 0, "a node whose messages are late believes itself well");
        Assert.All(world.Nodes.Where(node => node != slow), node => Assert.DoesNotContain(node.Members, member => member.Node != slow.Self && member.State == GossipState.Down));
    }

    [Fact]
    public void A_node_that_comes_back_is_alive_again_for_all()
    {
        var world = new GossipWorld(30, seed: 6);
        world.Run(TimeSpan.FromSeconds(10));
        var victim = world.Nodes[3].Self;
        world.Kill(victim);
        world.RunUntil(TimeSpan.FromSeconds(60), () => world.Alive.All(node => node.StateOf(victim) == GossipState.Down));
        world.Revive(victim);
        world.RunUntil(TimeSpan.FromSeconds(60), () => world.Alive.All(node => node.Self == victim || node.StateOf(victim) == GossipState.Alive));
    }

    [Fact]
    public void What_a_node_says_anew_is_heard_by_all()
    {
        var world = new GossipWorld(100, seed: 7) { Loss = 0.05 };
        world.Run(TimeSpan.FromSeconds(10));
        world.Nodes[0].Say(new byte[] { 42 });
        world.RunUntil(TimeSpan.FromSeconds(30), () => world.Nodes.Skip(1).All(node => node.Members.First(member => member.Node == world.Nodes[0].Self).Metadata.Span.SequenceEqual([(byte)42])));
    }

    [Fact]
    public void What_is_no_message_is_dropped()
    {
        var sent = 0;
        var node = new GossipNode(new NodeId(1), new GossipOptions(), new SeededRandom(1), (_, _) => sent++);
        var dice = new SeededRandom(8);
        var whole = new GossipMessage(GossipVerb.Ping, 7, new NodeId(1), [new GossipNews(new NodeId(3), GossipState.Suspect, 1, new NodeId(4), new byte[10])]).Encode();
        for (var length = 0; length < whole.Length; length++) node.OnMessage(Instant.Zero, new NodeId(2), whole.AsSpan(0, length));
        for (var i = 0; i < 10_000; i++)
        {
            var bytes = new byte[dice.Next(80)];
            for (var at = 0; at < bytes.Length; at++) bytes[at] = (byte)dice.Next(256);
            node.OnMessage(Instant.Zero, new NodeId(2), bytes);
        }

        Assert.Equal(0, sent);
        node.OnMessage(Instant.Zero, new NodeId(2), whole);
        Assert.Equal(1, sent);
    }
}
