using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Transport;
using Holdfast.Wire;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>What is forwarded goes over the peers' connections, as frames of this face.</summary>
internal sealed class ForwardRoad(IPeerMesh mesh) : IForwardRoad
{
    private readonly ByteBuffer bytes = new();

    public bool TrySend(NodeId to, ReadOnlySpan<byte> frame)
    {
        bytes.Clear();
        var writer = new SpanWriter(bytes);
        new FrameHeader(FrameKind.Face, GroupId.Directory, 1).Encode(writer);
        writer.WriteBytes(frame);
        return mesh.TrySend(to, bytes.Written);
    }
}
