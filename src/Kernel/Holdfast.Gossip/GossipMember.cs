using Holdfast.Primitives;

namespace Holdfast.Gossip;

/// <summary>What is believed of a node.</summary>
public enum GossipState : byte
{
    /// <summary>It answers, as far as anybody said.</summary>
    Alive = 0,

    /// <summary>Somebody did not reach it, and it has not objected yet.</summary>
    Suspect = 1,

    /// <summary>It did not object in time.</summary>
    Down = 2,
}

/// <summary>A node as this one believes it to be. It informs; nobody decides anything by it.</summary>
/// <param name="Node">The incarnation.</param>
/// <param name="State">What is believed of it.</param>
/// <param name="Age">Rises when the node objects to being suspected, or says something new of itself; only the node itself raises it (SWIM: the incarnation number).</param>
/// <param name="Metadata">What it says of itself.</param>
public sealed record GossipMember(NodeId Node, GossipState State, ulong Age, ReadOnlyMemory<byte> Metadata)
{
    /// <summary>Others that suspect it, this node included.</summary>
    public int Accusers { get; init; }
}
