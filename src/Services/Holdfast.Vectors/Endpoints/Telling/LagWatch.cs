using System.Collections.Concurrent;
using Holdfast.Cluster;
using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>How long this node's replicas of each collection have not had all that they know to be committed: the lag that an eventual read may show.</summary>
internal sealed class LagWatch
{
    private const string Name = "holdfast_vectors_replication_lag_seconds";
    private const string Meaning = "How long this node's replicas of a collection have not had all that they know to be committed; without a name, those of any.";
    private const int CollectionsMax = 500;

    private readonly MetricsRegistry metrics;

    private readonly ConcurrentDictionary<ulong, long> wholeAt = new();
    private readonly ConcurrentDictionary<string, double> lags = new(StringComparer.Ordinal);

    /// <summary>Shows what it sees in a registry.</summary>
    public LagWatch(MetricsRegistry metrics)
    {
        this.metrics = metrics;
        metrics.Gauge(Name, Meaning, () => lags.Values.DefaultIfEmpty(0).Max());
    }

    /// <summary>Looks.</summary>
    public void Look(ClusterNode cluster, DirectoryView view, DirectoryCollections collections)
    {
        var (now, worst) = (Environment.TickCount64, new Dictionary<string, double>(StringComparer.Ordinal));
        foreach (var (name, group) in collections.GroupsOf(view))
        {
            if (cluster.FindGroup(group)?.Status is not { } status) continue;
            if (status.Applied >= status.Commit || status.IsGivenUp) wholeAt[group.Value] = now;
            worst[name] = Math.Max(worst.GetValueOrDefault(name), (now - wholeAt.GetOrAdd(group.Value, now)) / 1000.0);
        }

        foreach (var name in lags.Keys)
            if (!worst.ContainsKey(name)) lags[name] = 0;
        foreach (var (name, seconds) in worst)
        {
            if (!lags.ContainsKey(name) && lags.Count < CollectionsMax)
                metrics.Gauge(Name, Meaning, () => lags.GetValueOrDefault(name), $"collection=\"{name.Replace("\\", "\\\\", StringComparison.Ordinal)}\"");
            if (lags.Count < CollectionsMax || lags.ContainsKey(name)) lags[name] = seconds;
        }
    }
}
