using System.Collections.Concurrent;
using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Endpoints.Routing;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>What is counted of requests: by collection and by what was asked, how many, how many were refused, and how long they took. Names of collections that do not exist count as none.</summary>
internal sealed class VectorMeters
{
    /// <summary>Series are bounded: requests of further collections are counted together, without a name.</summary>
    private const int CollectionsMax = 500;

    private readonly MetricsRegistry registry;
    private readonly ConcurrentDictionary<(string Collection, string Operation), (Histogram Seconds, Counter Failed)> series = new();
    private readonly ConcurrentDictionary<string, bool> collections = new(StringComparer.Ordinal);

    /// <summary>Meters in a registry.</summary>
    public VectorMeters(MetricsRegistry registry, ReplicaBoard? board)
    {
        this.registry = registry;
        TenantsFull("");
        series[("", "")] = Begin(("", "")); // So that the page lists them before the first request.
        if (board is null) return;
        registry.SampledCounter("holdfast_vectors_hedged_reads_total", "Reads of shards that were asked of a second replica, because the first took longer than its p95.", () => board.Hedged);
        registry.SampledCounter("holdfast_vectors_hedges_won_total", "Hedged reads whose second replica answered first.", () => board.HedgesWon);
    }

    /// <summary>Notes that a tenant has as much as it may have.</summary>
    public void NoteTenantRefused(string collection)
    {
        if (!collections.ContainsKey(collection) && (collections.Count >= CollectionsMax || !collections.TryAdd(collection, true))) collection = "";
        TenantsFull(collection).Increment();
    }

    /// <summary>Shows what the gates have refused.</summary>
    public void Show(Facade.RateGates gates) =>
        registry.SampledCounter("holdfast_vectors_tenant_requests_refused_total", "Requests of tenants that were refused because there were too many of them.", () => gates.TenantsRefused);

    /// <summary>Shows what Qdrant's dashboards look for: which version is spoken, and how many collections this node knows of.</summary>
    public void Show(Facade.ICollections collections)
    {
        registry.Gauge("app_info", "information about qdrant server", static () => 1, $"name=\"{Rest.ServicePages.AppName}\",version=\"{Rest.ServicePages.ApiVersion}\"");
        registry.Gauge("collections_total", "number of collections", () => collections.CountHere);
    }

    /// <summary>The page that Prometheus reads.</summary>
    public string Print() => registry.Print();

    /// <summary>By operation: how many requests there were, and their mean and 95th percentile in seconds.</summary>
    public IReadOnlyList<(string Collection, string Operation, long Count, double MeanSeconds, double P95Seconds)> List() =>
        [.. series.Select(each => (each.Key.Collection, each.Key.Operation, each.Value.Seconds.Count, each.Value.Seconds.Sum / Math.Max(1, each.Value.Seconds.Count), each.Value.Seconds.Quantile(0.95)))];

    /// <summary>Notes a request that was answered.</summary>
    /// <param name="collection">Its collection; empty for none.</param>
    /// <param name="operation">What was asked, such as "POST /collections/{name}/points/query" or a gRPC method.</param>
    /// <param name="time">What it took.</param>
    /// <param name="isFailure">Whether it was refused or failed.</param>
    public void Note(string collection, string operation, TimeSpan time, bool isFailure)
    {
        if (collection.Length > 0 && !collections.ContainsKey(collection) && (isFailure || collections.Count >= CollectionsMax || !collections.TryAdd(collection, true))) collection = "";
        var (seconds, failed) = series.GetOrAdd((collection, operation), Begin);
        seconds.Observe(time);
        if (isFailure) failed.Increment();
    }

    private Counter TenantsFull(string collection) =>
        registry.Counter("holdfast_vectors_tenant_writes_refused_total", "Writes of tenants that were refused because they have as much as they may have.", collection.Length == 0 ? "" : $"collection=\"{Escaped(collection)}\"");

    private (Histogram Seconds, Counter Failed) Begin((string Collection, string Operation) key)
    {
        var labels = $"collection=\"{Escaped(key.Collection)}\",operation=\"{Escaped(key.Operation)}\"";
        return (
            registry.Histogram("holdfast_vectors_request_seconds", "What requests of vector clients took, by collection and operation.", labels),
            registry.Counter("holdfast_vectors_requests_failed_total", "Requests of vector clients that were refused or failed.", labels));
    }

    private static string Escaped(string label) => label.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
