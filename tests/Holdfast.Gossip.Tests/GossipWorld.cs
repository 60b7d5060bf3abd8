using Holdfast.Primitives;

namespace Holdfast.Gossip.Tests;

/// <summary>Nodes, a network and a clock of steps of ten milliseconds.</summary>
internal sealed class GossipWorld
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly SeededRandom dice;
    private readonly PriorityQueue<(NodeId From, NodeId To, byte[] Bytes), (Instant At, long Order)> wires = new();
    private readonly HashSet<NodeId> dead = [];
    private readonly Dictionary<NodeId, TimeSpan> delays = [];
    private readonly Dictionary<NodeId, GossipNode> byId = [];
    private Instant now = Instant.Zero;
    private long order;

    /// <param name="count">How many nodes.</param>
    /// <param name="seed">For everything that is drawn.</param>
    /// <param name="meets">How many others each is told of; all by default.</param>
    public GossipWorld(int count, ulong seed, int meets = int.MaxValue)
    {
        dice = new SeededRandom(seed);
        for (var i = 1; i <= count; i++)
        {
            var self = new NodeId((ulong)i);
            var node = new GossipNode(self, new GossipOptions(), dice.Fork(), (to, bytes) => Send(self, to, bytes.ToArray()));
            node.Say(SaidBy(self));
            Nodes.Add(node);
            byId[self] = node;
        }

        foreach (var node in Nodes)
            foreach (var other in meets < count ? Nodes.Take(meets) : Nodes) node.Meet(now, other.Self);
    }

    public List<GossipNode> Nodes { get; } = [];

    public double Loss { get; init; }

    public double Repeat { get; init; }

    public IEnumerable<GossipNode> Alive => Nodes.Where(node => !dead.Contains(node.Self));

    public static byte[] SaidBy(NodeId node) => BitConverter.GetBytes(node.Value);

    public void Kill(NodeId node) => dead.Add(node);

    public void Revive(NodeId node) => dead.Remove(node);

    /// <summary>All that comes to a node and goes from it takes so much longer.</summary>
    public void SlowDown(NodeId node, TimeSpan delay) => delays[node] = delay;

    public void Run(TimeSpan span)
    {
        for (var end = now + span; now < end; now += Step)
        {
            while (wires.TryPeek(out var arrival, out var due) && due.At <= now)
            {
                wires.Dequeue();
                if (!dead.Contains(arrival.To)) byId[arrival.To].OnMessage(now, arrival.From, arrival.Bytes);
            }

            foreach (var node in Alive) node.Tick(now);
        }
    }

    public void RunUntil(TimeSpan span, Func<bool> holds)
    {
        for (var end = now + span; now < end;)
        {
            Run(TimeSpan.FromMilliseconds(200));
            if (holds()) return;
        }

        Assert.Fail($"not within {span.TotalSeconds} s");
    }

    private void Send(NodeId from, NodeId to, byte[] bytes)
    {
        Assert.InRange(bytes.Length, 1, new GossipOptions().MessageBytesMax);
        if (dead.Contains(from) || !byId.ContainsKey(to) || dice.Chance(Loss)) return;
        for (var copies = dice.Chance(Repeat) ? 2 : 1; copies > 0; copies--)
            wires.Enqueue((from, to, bytes), (now + dice.NextSpan(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(20)) + delays.GetValueOrDefault(from) + delays.GetValueOrDefault(to), order++));
    }
}
