using System.Globalization;

namespace Holdfast.Primitives;

/// <summary>
/// One incarnation of one node. A node draws its id when its data directory is created, so a wiped node comes back under
/// its old <em>name</em> with a new <see cref="NodeId"/>: whatever the old one promised cannot be mistaken for the new one's word (S4).
/// Zero is nobody.
/// </summary>
public readonly record struct NodeId(ulong Value) : IComparable<NodeId>
{
    /// <summary>Nobody: no vote cast, no leader known.</summary>
    public static readonly NodeId None;

    /// <inheritdoc/>
    public int CompareTo(NodeId other) => Value.CompareTo(other.Value);

    /// <summary>Sixteen hex digits at most, as etcd prints member ids.</summary>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}

/// <summary>One replicated log. Ids are never reused (S6). Zero is the directory, one the etcd keyspace.</summary>
public readonly record struct GroupId(ulong Value) : IComparable<GroupId>
{
    /// <summary>Group 0: the cluster's own metadata.</summary>
    public static readonly GroupId Directory;

    /// <summary>Group 1: the etcd keyspace.</summary>
    public static readonly GroupId Coordination = new(1);

    /// <inheritdoc/>
    public int CompareTo(GroupId other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The cluster, drawn once at bootstrap and carried by every frame and file, so that two clusters never mix. Zero: not yet part of one.</summary>
public readonly record struct ClusterId(ulong Value)
{
    /// <summary>Not yet part of a cluster.</summary>
    public static readonly ClusterId None;

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("x", CultureInfo.InvariantCulture);
}
