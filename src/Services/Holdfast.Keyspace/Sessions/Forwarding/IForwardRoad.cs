using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Takes what is forwarded to other nodes, in order. What it took either arrives or the peer goes down at both ends (<see cref="ForwardDesk.OnPeerDown"/>).</summary>
internal interface IForwardRoad
{
    /// <summary>False, and nothing sent, when the node is not connected or cannot be sent more now.</summary>
    bool TrySend(NodeId to, ReadOnlySpan<byte> frame);
}
