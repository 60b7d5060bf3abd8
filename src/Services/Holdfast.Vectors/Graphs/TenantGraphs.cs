using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Graphs;

/// <summary>The graph that one tenant's rows of a sealed segment have for themselves. They lie together, and so it is a graph over a run of the segment's rows, and over a part of its codes and vectors.</summary>
/// <param name="Tenant">As <see cref="TenantKey"/> writes it.</param>
/// <param name="From">The run's first row; a multiple of 64, so that bits of rows begin with a word.</param>
/// <param name="To">The row behind the last.</param>
/// <param name="Index">The graph; its row 0 is <see cref="From"/>.</param>
internal sealed record TenantGraph(string Tenant, int From, int To, VectorIndex Index);

/// <summary>The graphs that the tenants of one column of a segment have: of those that are large and lie together. Derived; immutable.</summary>
internal sealed class TenantGraphs(TenantKey key, IReadOnlyList<TenantGraph> graphs)
{
    private readonly Dictionary<string, TenantGraph> byTenant = graphs.ToDictionary(graph => graph.Tenant, StringComparer.Ordinal);

    /// <summary>By what tenants were named when these were built.</summary>
    public TenantKey Key => key;

    /// <summary>How many there are.</summary>
    public int Count => byTenant.Count;

    /// <summary>A tenant's; null when it has none.</summary>
    public TenantGraph? Of(string tenant) => byTenant.GetValueOrDefault(tenant);
}
