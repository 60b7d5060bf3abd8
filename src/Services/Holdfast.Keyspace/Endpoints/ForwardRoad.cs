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
        FaceFrames.Begin(bytes).WriteBytes(frame);
        return mesh.TrySend(to, bytes.Written);
    }
}
