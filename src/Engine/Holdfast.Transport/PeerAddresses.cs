using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>Where a node is reached by its peers.</summary>
/// <param name="Node">The incarnation.</param>
/// <param name="Name">The name that people gave it.</param>
/// <param name="Host">A host name or an address literal, without brackets.</param>
/// <param name="Port">The peer port.</param>
public sealed record PeerAddress(NodeId Node, string Name, string Host, int Port)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name} ({Node}) at {HostPort.Format(Host, Port)}";
}

/// <summary>
/// The address book of the cluster's nodes, kept by the cluster room and read by every mesh. Whoever is in it is connected to; whoever was removed is
/// refused for good, because an incarnation's id is never used again (S4). For all threads.
/// </summary>
public sealed class PeerAddresses
{
    private readonly Lock gate = new();
    private ImmutableSortedDictionary<NodeId, PeerAddress> known = ImmutableSortedDictionary<NodeId, PeerAddress>.Empty;
    private ImmutableHashSet<NodeId> removed = [];
    private long version;

    /// <summary>Raised after each change, on the changer's thread.</summary>
    public event Action? Changed;

    /// <summary>Grows with each change.</summary>
    public long Version => Volatile.Read(ref version);

    /// <summary>All entries in the order of their ids, as they are now.</summary>
    public ImmutableSortedDictionary<NodeId, PeerAddress> Snapshot()
    {
        lock (gate) return known;
    }

    /// <summary>Adds an address or replaces it. A removed id stays removed.</summary>
    public void Set(PeerAddress address)
    {
        Invariant.Holds(address.Node != NodeId.None, "an address without a node was entered into the book");
        lock (gate)
        {
            if (removed.Contains(address.Node)) return;
            if (known.TryGetValue(address.Node, out var before) && before == address) return;
            known = known.SetItem(address.Node, address);
            version++;
        }

        Changed?.Invoke();
    }

    /// <summary>The node has left the cluster: its connections are closed and no new ones are made or accepted.</summary>
    public void Remove(NodeId node)
    {
        lock (gate)
        {
            if (removed.Contains(node)) return;
            removed = removed.Add(node);
            known = known.Remove(node);
            version++;
        }

        Changed?.Invoke();
    }

    /// <summary>Where a node is, or false.</summary>
    public bool TryGet(NodeId node, out PeerAddress address)
    {
        lock (gate) return known.TryGetValue(node, out address!);
    }

    /// <summary>Whether the id has been removed.</summary>
    public bool IsRemoved(NodeId node)
    {
        lock (gate) return removed.Contains(node);
    }
}
