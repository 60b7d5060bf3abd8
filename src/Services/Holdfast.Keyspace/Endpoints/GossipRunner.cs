using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Holdfast.Gossip;
using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>
/// This node's part in the gossip between the nodes that serve Redis clients: <c>fail?</c> and <c>fail</c> in CLUSTER NODES come from it, and what each says of its load. Messages are frames of this face between the
/// peers' ports, which CLUSTER NODES shows as the bus ports; one that finds no connection is lost, as any may be. It runs on the loop that serves the clients, so a node whose loop stands still is not well. It informs,
/// and decides nothing.
/// </summary>
internal sealed class GossipRunner
{
    private static readonly TimeSpan Pulse = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);

    private readonly KeyspaceNode node;
    private readonly IPeerMesh mesh;
    private readonly GossipNode gossip;
    private readonly ByteBuffer frame = new();
    private Instant pulseAt = Instant.Zero;
    private Instant sayAt = Instant.Zero;
    private long sent;
    private long received;

    public GossipRunner(NodeId self, KeyspaceNode node, IPeerMesh mesh)
    {
        (this.node, this.mesh) = (node, mesh);
        gossip = new GossipNode(self, new GossipOptions(), new SeededRandom(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))), Send);
        node.Health = peer => (PeerHealth)gossip.StateOf(peer);
        node.FailureReports = gossip.AccusersOf;
        node.GossipMessages = () => (sent, received);
    }

    /// <summary>Once a turn of the loop; when it wants the next.</summary>
    public Instant Turn(Instant now)
    {
        if (now < pulseAt) return pulseAt;
        Follow(now);
        gossip.Tick(now);
        return pulseAt = now + Pulse;
    }

    /// <summary>A frame has come from a peer: the face's kind, and a message.</summary>
    public void OnFrame(NodeId from, ReadOnlySpan<byte> body)
    {
        received++;
        gossip.OnMessage(node.Now, from, body[1..]);
    }

    private void Follow(Instant now)
    {
        var topology = node.Topology;
        foreach (var peer in topology.Peers) gossip.Meet(now, peer.Node);
        foreach (var member in gossip.Members.ToArray())
            if (topology.PeerOf(member.Node) is null) gossip.Forget(member.Node);
        if (now < sayAt || topology.PeerOf(topology.Self) is not { } self) return;
        sayAt = now + SayEvery;
        gossip.Say(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{ShardLayout.FormatAddress(self)};leads={topology.Led.Count()};clients={node.Clients.Count}")));
    }

    private void Send(NodeId to, ReadOnlyMemory<byte> message)
    {
        var writer = FaceFrames.Begin(frame);
        writer.WriteByte((byte)FaceFrame.Gossip);
        writer.WriteBytes(message.Span);
        if (mesh.TrySend(to, frame.Written)) sent++;
    }
}
