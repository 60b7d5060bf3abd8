using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Nodes in one process that lead a shard each and forward to each other; what one sends another arrives in order, and as a message of its own.</summary>
internal sealed class LocalNodes
{
    private const int RoundsMax = 10_000;

    private readonly Queue<(NodeId From, NodeId To, byte[] Frame)> wire = new();
    private readonly HashSet<NodeId> down = [];

    public LocalNodes(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var (first, last) = (KeySlot.Count * i / count, (KeySlot.Count * (i + 1) / count) - 1);
            All.Add(new LocalShards(null, new NodeId((ulong)i + 1), new ClusterShard(new GroupId((ulong)i + 2), [(first, last)], [new NodeId((ulong)i + 1)])));
        }

        ImmutableArray<ClusterPeer> peers = [.. All.Select(each => new ClusterPeer(each.Me, "127.0.0.1", 6378 + (int)each.Me.Value, 16379))];
        ImmutableArray<ClusterShard> shards = [.. All.Select(each => each.Shard)];
        foreach (var node in All)
        {
            var book = new LeaderBook();
            foreach (var other in All) book.Hear(other.Shard.Group, new Term(1), other.Me);
            node.Node.Topology = new Topology(node.Me, peers, shards, [.. All.Select(other => other == node ? node.Seat : null)]) { Elsewhere = book };
            node.Node.Forwards.Road = new Road(this, node.Me);
        }
    }

    public List<LocalShards> All { get; } = [];

    /// <summary>A client of the first node whose commands are forwarded.</summary>
    public LocalClient Connect(bool forwards = true)
    {
        var client = new LocalClient(Turn, All[0].Node);
        client.Session.IsForwarding = forwards;
        return client;
    }

    /// <summary>A key whose slot a node leads.</summary>
    public string KeyAt(int node, int number = 0)
    {
        for (var i = 0; ; i++)
        {
            var key = $"k{i}";
            if (All[0].Node.Topology.ShardOf(KeySlot.Of(System.Text.Encoding.ASCII.GetBytes(key))) == node && number-- == 0) return key;
        }
    }

    /// <summary>Lets everything happen that can.</summary>
    public void Turn()
    {
        var isQuiet = false;
        for (var i = 0; i < RoundsMax && !isQuiet; i++)
        {
            foreach (var node in All)
            {
                node.Node.Forwards.Turn();
                node.Turn();
            }

            isQuiet = wire.Count == 0 && All.TrueForAll(node => node.Node.Resting.Count == 0 && !node.Seat.Quorum.WantsTurn && !node.Seat.Async.WantsTurn);
            while (wire.TryDequeue(out var message))
                if (!down.Contains(message.To) && !down.Contains(message.From)) All[(int)message.To.Value - 1].Node.Forwards.OnFrame(message.From, message.Frame);
        }
    }

    /// <summary>A node goes away, with whatever was on its way.</summary>
    public void Lose(int node)
    {
        down.Add(All[node].Me);
        wire.Clear();
        foreach (var other in All)
            if (other.Me != All[node].Me) other.Node.Forwards.OnPeerDown(All[node].Me);
    }

    /// <summary>A node is there again; nothing of what it was told before is with it.</summary>
    public void Return(int node)
    {
        down.Remove(All[node].Me);
        foreach (var other in All) All[node].Node.Forwards.OnPeerDown(other.Me);
    }

    private sealed class Road(LocalNodes nodes, NodeId from) : IForwardRoad
    {
        public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
        {
            if (nodes.down.Contains(to) || nodes.down.Contains(from)) return false;
            nodes.wire.Enqueue((from, to, frame.ToArray()));
            return true;
        }
    }
}
