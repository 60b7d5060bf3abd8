using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>Who this process is, as its preambles say it. The cluster becomes known at bootstrap or by joining, once; everything else is known at start.</summary>
public sealed class LocalNode
{
    private ulong cluster;

    /// <summary>An identity.</summary>
    /// <param name="id">This incarnation (S4).</param>
    /// <param name="bootCount">How often this data directory has been started.</param>
    /// <param name="featureLevel">The highest feature level that this binary knows.</param>
    /// <param name="cluster">The cluster, or none while there is none.</param>
    public LocalNode(NodeId id, uint bootCount, uint featureLevel, ClusterId cluster)
    {
        Id = id;
        BootCount = bootCount;
        FeatureLevel = featureLevel;
        this.cluster = cluster.Value;
    }

    /// <summary>This incarnation.</summary>
    public NodeId Id { get; }

    /// <summary>How often this data directory has been started.</summary>
    public uint BootCount { get; }

    /// <summary>The highest feature level that this binary knows.</summary>
    public uint FeatureLevel { get; }

    /// <summary>The cluster, or none: then no mesh and no beat connection is made or accepted.</summary>
    public ClusterId Cluster => new(Volatile.Read(ref cluster));

    /// <summary>Raised once, when the cluster becomes known, on the thread that made it known.</summary>
    public event Action? ClusterKnown;

    /// <summary>The cluster is known now. A node never changes its cluster.</summary>
    public void BecomeMemberOf(ClusterId known)
    {
        Invariant.Holds(known != ClusterId.None, "a node cannot become a member of no cluster");
        var before = Interlocked.CompareExchange(ref cluster, known.Value, 0);
        Invariant.Holds(before == 0 || before == known.Value, "a node was told to change its cluster");
        if (before == 0) ClusterKnown?.Invoke();
    }
}
