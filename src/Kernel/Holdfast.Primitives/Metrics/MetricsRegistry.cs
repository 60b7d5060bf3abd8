using System.Globalization;
using System.Text;

namespace Holdfast.Primitives.Metrics;

/// <summary>
/// What a node tells its monitoring: every room registers its counters and gauges here when it is built, and the front door prints them in the text
/// exposition format (Prometheus, version 0.0.4). Registering is rare and takes a lock; counting touches only the <see cref="Counter"/>.
/// </summary>
public sealed class MetricsRegistry
{
    /// <summary>No registry may hold more series than this: labels come from fixed tables, never from clients.</summary>
    public const int SeriesMax = 20_000;

    private readonly SortedDictionary<string, Family> families = new(StringComparer.Ordinal);
    private int seriesCount;

    /// <summary>The counter of that name and labels; the same one each time it is asked for.</summary>
    /// <param name="name">The name, ending in <c>_total</c> by custom.</param>
    /// <param name="help">One sentence for the reader of a dashboard.</param>
    /// <param name="labels">Labels as they are printed, for example <c>grpc_method="Put"</c>; empty for none.</param>
    public Counter Counter(string name, string help, string labels = "")
    {
        lock (families)
        {
            var family = FamilyOf(name, help, "counter");
            if (family.Series.TryGetValue(labels, out var series)) return series.Counter!;
            var counter = new Counter();
            AddSeries(family, labels, new Series(counter, null, null));
            return counter;
        }
    }

    /// <summary>The histogram of that name and labels; the same one each time it is asked for.</summary>
    /// <param name="name">The name, ending in its unit.</param>
    /// <param name="help">One sentence for the reader of a dashboard.</param>
    /// <param name="labels">Labels as they are printed; empty for none.</param>
    /// <param name="existing">One that its room already fills; null for a new one with <see cref="Metrics.Histogram.Seconds"/>.</param>
    public Histogram Histogram(string name, string help, string labels = "", Histogram? existing = null)
    {
        lock (families)
        {
            var family = FamilyOf(name, help, "histogram");
            if (family.Series.TryGetValue(labels, out var series)) return series.Histogram!;
            var histogram = existing ?? new Histogram(Metrics.Histogram.Seconds);
            AddSeries(family, labels, new Series(null, null, histogram));
            return histogram;
        }
    }

    /// <summary>A number that goes up and down, asked for when the page is printed. <paramref name="read"/> is called from any thread and must not block. A second registration replaces the first.</summary>
    public void Gauge(string name, string help, Func<double> read, string labels = "") => Sampled(name, help, "gauge", read, labels);

    /// <summary>A growing number that its room counts by itself, asked for when the page is printed. A second registration replaces the first.</summary>
    public void SampledCounter(string name, string help, Func<double> read, string labels = "") => Sampled(name, help, "counter", read, labels);

    /// <summary>The whole page.</summary>
    public string Print()
    {
        var page = new StringBuilder(4096);
        lock (families)
        {
            foreach (var (name, family) in families)
            {
                page.Append("# HELP ").Append(name).Append(' ').Append(family.Help).Append('\n');
                page.Append("# TYPE ").Append(name).Append(' ').Append(family.Kind).Append('\n');
                foreach (var (labels, series) in family.Series)
                {
                    if (series.Histogram is { } histogram)
                    {
                        histogram.Print(page, name, labels);
                        continue;
                    }

                    page.Append(name);
                    if (labels.Length > 0) page.Append('{').Append(labels).Append('}');
                    page.Append(' ').Append(series.Read()).Append('\n');
                }
            }
        }

        return page.ToString();
    }

    /// <summary>Every family as it stands, for a bridge to other instruments and for the reference page; a histogram shows its count.</summary>
    public IReadOnlyList<MetricFamily> List()
    {
        lock (families)
            return [.. families.Select(each => new MetricFamily(each.Key, each.Value.Kind, each.Value.Help, [.. each.Value.Series.Select(series => new MetricSeries(series.Key, series.Value.Value))]))];
    }

    private void Sampled(string name, string help, string kind, Func<double> read, string labels)
    {
        lock (families)
        {
            var family = FamilyOf(name, help, kind);
            if (!family.Series.ContainsKey(labels)) AddSeries(family, labels, new Series(null, read, null));
            else family.Series[labels] = new Series(null, read, null);
        }
    }

    private Family FamilyOf(string name, string help, string kind)
    {
        if (!families.TryGetValue(name, out var family)) families.Add(name, family = new Family(help, kind));
        Invariant.Holds(family.Kind == kind, "a metric was registered as a counter and as a gauge");
        return family;
    }

    private void AddSeries(Family family, string labels, Series series)
    {
        Invariant.Holds(++seriesCount <= SeriesMax, "too many metric series: a label grows without bound");
        family.Series.Add(labels, series);
    }

    private sealed record Family(string Help, string Kind)
    {
        public SortedDictionary<string, Series> Series { get; } = new(StringComparer.Ordinal);
    }

    private sealed record Series(Counter? Counter, Func<double>? Sample, Histogram? Histogram)
    {
        public double Value => Counter?.Value ?? Histogram?.Count ?? Sample!();

        public string Read() => Counter is not null
            ? Counter.Value.ToString(CultureInfo.InvariantCulture)
            : Sample!().ToString("R", CultureInfo.InvariantCulture);
    }
}

/// <summary>A metric's name and all its series.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">counter, gauge or histogram.</param>
/// <param name="Help">One sentence.</param>
/// <param name="Series">Its series.</param>
public sealed record MetricFamily(string Name, string Kind, string Help, IReadOnlyList<MetricSeries> Series);

/// <summary>One series now.</summary>
/// <param name="Labels">Its labels as they are printed.</param>
/// <param name="Value">Its value; a histogram's number of observations.</param>
public readonly record struct MetricSeries(string Labels, double Value);
