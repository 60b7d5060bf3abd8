using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>
/// The peers of this node, as one loop sees them: one multiplexed connection per pair of nodes and loop. Two implementations: epoll (with managed
/// sockets for TLS) and the simulator's. For the loop's own thread.
/// </summary>
public interface IPeerMesh
{
    /// <summary>Copies a frame into the peer's outbound buffer. False, and nothing sent, when the peer is not connected or its buffer is full: the protocol repeats what matters.</summary>
    bool TrySend(NodeId to, ReadOnlySpan<byte> frame);

    /// <summary>Hands what was buffered to the network; called once at the end of a turn.</summary>
    void Flush();

    /// <summary>Whether a connection to the peer is up.</summary>
    bool IsConnected(NodeId peer);
}

/// <summary>What a loop does about its peers. Called on the loop's own thread.</summary>
public interface IPeerHandler
{
    /// <summary>A whole frame has come in; valid during the call.</summary>
    void OnFrame(NodeId from, ReadOnlySpan<byte> frame);

    /// <summary>A peer is connected, anew or for the first time.</summary>
    void OnPeerUp(NodeId peer);

    /// <summary>A peer's connection is gone.</summary>
    void OnPeerDown(NodeId peer);
}
