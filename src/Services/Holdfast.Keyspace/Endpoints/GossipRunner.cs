using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Gossip;
using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// This node's part in the gossip between the nodes that serve Redis clients: <c>fail?</c> and <c>fail</c> in CLUSTER NODES come from it, and what each says of its load. Messages are control calls on the peer port,
/// which CLUSTER NODES shows as the bus port; what answers the caller goes back in the call's reply. It informs, and decides nothing.
/// </summary>
internal sealed class GossipRunner
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan CallMax = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);

    private readonly KeyspaceNode node;
    private readonly ClusterNode cluster;
    private readonly GossipNode gossip;
    private readonly Lock gate = new();
    private readonly List<(NodeId To, ReadOnlyMemory<byte> Bytes)> outbox = [];
    private readonly CancellationToken stopping;
    private long saidAt;
    private long sent;
    private long received;

    public GossipRunner(NodeId self, KeyspaceNode node, ClusterNode cluster, CancellationToken stopping)
    {
        (this.node, this.cluster, this.stopping) = (node, cluster, stopping);
        gossip = new GossipNode(self, new GossipOptions(), new SeededRandom(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))), (to, bytes) => outbox.Add((to, bytes)));
    }

    private static Instant Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    /// <summary>How a node seems to be.</summary>
    public PeerHealth HealthOf(NodeId peer)
    {
        lock (gate) return (PeerHealth)gossip.StateOf(peer);
    }

    /// <summary>How many say that a node does not answer.</summary>
    public int AccusersOf(NodeId peer)
    {
        lock (gate) return gossip.AccusersOf(peer);
    }

    /// <summary>Messages so far, out and in.</summary>
    public (long Sent, long Received) CountMessages() => (Interlocked.Read(ref sent), Interlocked.Read(ref received));

    public async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Pulse);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping).ConfigureAwait(false))
            {
                lock (gate)
                {
                    Follow();
                    gossip.Tick(Now);
                }

                SendAll();
            }
        }
        catch (OperationCanceledException)
        {
            // The node stops.
        }
    }

    /// <summary>A message came; the first of ours that is for its sender goes back with the reply.</summary>
    public byte[] OnMessage(NodeId from, ReadOnlySpan<byte> bytes)
    {
        byte[] reply = [];
        Interlocked.Increment(ref received);
        lock (gate)
        {
            gossip.OnMessage(Now, from, bytes);
            var at = outbox.FindIndex(message => message.To == from);
            if (at >= 0)
            {
                reply = outbox[at].Bytes.ToArray();
                outbox.RemoveAt(at);
                Interlocked.Increment(ref sent);
            }
        }

        SendAll();
        return reply;
    }

    private void Follow()
    {
        var topology = node.Topology;
        foreach (var peer in topology.Peers) gossip.Meet(Now, peer.Node);
        foreach (var member in gossip.Members.ToArray())
            if (topology.PeerOf(member.Node) is null) gossip.Forget(member.Node);
        if (Stopwatch.GetElapsedTime(saidAt) < SayEvery || topology.PeerOf(topology.Self) is not { } self) return;
        saidAt = Stopwatch.GetTimestamp();
        gossip.Say(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ShardLayout.FormatAddress(self)};leads={topology.Led.Count()};clients={node.Clients.Count}")));
    }

    private void SendAll()
    {
        (NodeId To, ReadOnlyMemory<byte> Bytes)[] messages;
        lock (gate)
        {
            messages = [.. outbox];
            outbox.Clear();
        }

        foreach (var (to, bytes) in messages) _ = Task.Run(() => SendAsync(to, bytes.ToArray()), CancellationToken.None);
    }

    private async Task SendAsync(NodeId to, byte[] bytes)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            patience.CancelAfter(CallMax);
            Interlocked.Increment(ref sent);
            var reply = await cluster.CallAsync(to, KeyspaceVerbs.Gossip, bytes, patience.Token).ConfigureAwait(false);
            if (!reply.IsOk || reply.Server != to || reply.Payload.IsEmpty) return;
            Interlocked.Increment(ref received);
            lock (gate) gossip.OnMessage(Now, to, reply.Payload.Span);
        }
        catch (ObjectDisposedException)
        {
            // The node stops.
        }
    }
}
