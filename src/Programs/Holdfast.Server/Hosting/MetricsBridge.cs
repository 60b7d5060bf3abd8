using System.Diagnostics.Metrics;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Server.Hosting;

/// <summary>
/// Our counters as instruments of <c>System.Diagnostics.Metrics</c>, under the meter "Holdfast": for dotnet-counters and for hosts that collect them in process. Asked only when somebody
/// listens. A histogram shows its number of observations. Families that come later are taken up when <see cref="TakeUp"/> is called again.
/// </summary>
internal sealed class MetricsBridge(MetricsRegistry metrics) : IDisposable
{
    private readonly Meter meter = new("Holdfast");
    private readonly HashSet<string> taken = new(StringComparer.Ordinal);

    /// <summary>Makes an instrument of every family that has none yet.</summary>
    public void TakeUp()
    {
        lock (taken)
        {
            foreach (var family in metrics.List())
            {
                if (!taken.Add(family.Name)) continue;
                if (family.Kind == "gauge") meter.CreateObservableGauge(family.Name, () => Read(family.Name), null, family.Help);
                else meter.CreateObservableCounter(family.Name, () => Read(family.Name), null, family.Help);
            }
        }
    }

    public void Dispose() => meter.Dispose();

    private IEnumerable<Measurement<double>> Read(string name)
    {
        foreach (var family in metrics.List())
            if (family.Name == name) return family.Series.Select(series => new Measurement<double>(series.Value, TagsOf(series.Labels)));
        return [];
    }

    private static KeyValuePair<string, object?>[] TagsOf(string labels)
    {
        if (labels.Length == 0) return [];
        return [.. labels.Split("\",").Select(label => label.Split("=\"")).Select(pair => KeyValuePair.Create(pair[0], (object?)pair[1].TrimEnd('"')))];
    }
}
