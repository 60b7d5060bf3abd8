using System.Globalization;
using System.Text;

namespace Holdfast.Primitives.Metrics;

/// <summary>
/// How long things took, or how large they were: observations counted under fixed upper bounds, by many threads at once. One observation is a search through the bounds and two additions
/// without allocation; a reader sees counts that may lack what is being added at that moment.
/// </summary>
public sealed class Histogram
{
    /// <summary>Bounds for times of requests and disks: a tenth of a millisecond to about eight seconds, each twice the one before.</summary>
    public static readonly IReadOnlyList<double> Seconds = [0.0001, 0.0002, 0.0004, 0.0008, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];

    private readonly double[] bounds;
    private readonly Counter[] counts;
    private readonly Counter sumMicros = new();

    /// <summary>A histogram with the given upper bounds, rising, and one more for what is larger.</summary>
    public Histogram(IReadOnlyList<double> bounds)
    {
        this.bounds = [.. bounds];
        counts = new Counter[bounds.Count + 1];
        for (var i = 0; i < counts.Length; i++) counts[i] = new Counter();
    }

    /// <summary>How many observations there were.</summary>
    public long Count
    {
        get
        {
            long sum = 0;
            foreach (var count in counts) sum += count.Value;
            return sum;
        }
    }

    /// <summary>All observations added up, to a millionth.</summary>
    public double Sum => sumMicros.Value / 1e6;

    /// <summary>Adds a time.</summary>
    public void Observe(TimeSpan time) => Observe(time.TotalSeconds);

    /// <summary>Adds an observation, which must not be negative.</summary>
    public void Observe(double value)
    {
        var at = 0;
        while (at < bounds.Length && value > bounds[at]) at++;
        counts[at].Increment();
        sumMicros.Add((long)(value * 1e6));
    }

    /// <summary>The smallest bound below which the given share of the observations lies; infinity when they lie beyond the last, 0 when there are none.</summary>
    public double Quantile(double share)
    {
        var wanted = Count * share;
        double seen = 0;
        if (wanted <= 0) return 0;
        for (var i = 0; i < bounds.Length; i++)
            if ((seen += counts[i].Value) >= wanted) return bounds[i];
        return double.PositiveInfinity;
    }

    /// <summary>Prints the series in the text exposition format.</summary>
    internal void Print(StringBuilder page, string name, string labels)
    {
        long sum = 0;
        var comma = labels.Length > 0 ? "," : "";
        for (var i = 0; i < counts.Length; i++)
        {
            sum += counts[i].Value;
            var bound = i < bounds.Length ? bounds[i].ToString("R", CultureInfo.InvariantCulture) : "+Inf";
            page.Append(name).Append("_bucket{").Append(labels).Append(comma).Append("le=\"").Append(bound).Append("\"} ").Append(sum.ToString(CultureInfo.InvariantCulture)).Append('\n');
        }

        var braced = labels.Length > 0 ? $"{{{labels}}}" : "";
        page.Append(name).Append("_sum").Append(braced).Append(' ').Append(Sum.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        page.Append(name).Append("_count").Append(braced).Append(' ').Append(sum.ToString(CultureInfo.InvariantCulture)).Append('\n');
    }
}
