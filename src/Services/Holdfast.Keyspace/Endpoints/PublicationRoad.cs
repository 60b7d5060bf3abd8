using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>PUBLISH to the other nodes, over the peers' connections: a frame to each, at most once. Nodes that carry no Redis face drop it.</summary>
internal sealed class PublicationRoad(KeyspaceNode node, IPeerMesh mesh) : IPublicationRoad
{
    /// <summary>Larger messages reach this node's subscribers only: a frame between nodes is bounded (<see cref="TransportOptions.FrameBytesMax"/>).</summary>
    public const int BytesMax = 15 * 1024 * 1024;

    private static readonly Mark TooLarge = new("keyspace: a published message was too large for the other nodes", elsewhere: "ForeignBytesTests: the simulated clients use registers and transactions only");
    private static readonly Mark Unsent = new("keyspace: a published message did not reach a node that is not connected", elsewhere: "ForeignBytesTests: the simulated clients use registers and transactions only");

    private readonly ByteBuffer frame = new();

    public void Tell(ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
        if (channel.Length + (long)message.Length > BytesMax)
        {
            TooLarge.Hit();
            return;
        }

        var topology = node.Topology;
        if (topology.Peers.Length < 2) return;
        var writer = FaceFrames.Begin(frame);
        writer.WriteByte((byte)FaceFrame.Publication);
        writer.WriteBlock(channel);
        writer.WriteBytes(message);
        foreach (var peer in topology.Peers)
            if (peer.Node != topology.Self && !mesh.TrySend(peer.Node, frame.Written)) Unsent.Hit();
    }

    /// <summary>What another node has sent.</summary>
    public static void Deliver(KeyspaceNode node, ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        if ((FaceFrame)reader.ReadByte() != FaceFrame.Publication) return;
        var channel = reader.ReadBlock();
        if (reader.IsWhole) node.Subscriptions.Deliver(channel, reader.Rest, node.WallMicros);
    }
}
