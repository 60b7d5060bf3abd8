using System.Globalization;

namespace Holdfast.VectorBench;

/// <summary>What some calls took, from any thread.</summary>
internal sealed class Latencies
{
    private readonly Lock gate = new();
    private readonly List<double> millis = [];

    /// <summary>Takes one.</summary>
    public void Add(TimeSpan took)
    {
        lock (gate) millis.Add(took.TotalMilliseconds);
    }

    /// <summary>The value below which so large a share lies; NaN when there is none.</summary>
    public double At(double share)
    {
        lock (gate)
        {
            if (millis.Count == 0) return double.NaN;
            var sorted = millis.Order().ToArray();
            return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
        }
    }

    /// <summary>How many.</summary>
    public int Count
    {
        get
        {
            lock (gate) return millis.Count;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"n {Count} p50 {At(0.5):F2} p95 {At(0.95):F2} p99 {At(0.99):F2} max {At(1):F2} ms");
}
