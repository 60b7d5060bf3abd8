using Holdfast.Primitives;
using Holdfast.Transport;

namespace Holdfast.Replication;

/// <summary>
/// A face's part of a loop that talks with its like on the same loop of other nodes, over the peers' connections (pub/sub). What it sends may be lost: a peer that is not connected hears nothing. Its frames begin with a
/// <see cref="Consensus.FrameHeader"/> of kind <see cref="Consensus.FrameKind.Face"/>. On the loop's thread.
/// </summary>
public interface IFacePart : ILoopPart
{
    /// <summary>The way to the peers; told once, before the loop starts. What is sent leaves at the end of the turn.</summary>
    void Join(IPeerMesh mesh);

    /// <summary>What a peer's part has sent, without the header; valid during the call.</summary>
    void OnFrame(NodeId from, ReadOnlySpan<byte> body);

    /// <summary>A peer's connection is gone: what was sent to it may have arrived or not.</summary>
    void OnPeerDown(NodeId peer);
}
