namespace Holdfast.Vectors.Routing;

/// <summary>What one replica's answers took lately: a smoothed mean that choices compare, and the p95 after which a read is asked of another replica too. One thread at a time.</summary>
internal sealed class LatencyTrack
{
    /// <summary>How many answers are looked back on: enough for a p95, few enough to forget a bad minute.</summary>
    public const int Window = 128;

    /// <summary>With fewer answers than this nothing is known yet.</summary>
    public const int SamplesMin = 20;

    private const double Weight = 0.2;

    private readonly long[] samples = new long[Window];
    private long seen;
    private long p95Micros;

    /// <summary>The smoothed mean; zero before the first answer, so that a replica nobody asked is asked soon.</summary>
    public double MeanMicros { get; private set; }

    /// <summary>How many answers there were.</summary>
    public long Seen => seen;

    /// <summary>The p95 of the window; zero while too little is known.</summary>
    public long P95Micros => seen < SamplesMin ? 0 : p95Micros;

    /// <summary>Takes an answer's time.</summary>
    public void Add(long micros)
    {
        MeanMicros = seen == 0 ? micros : MeanMicros + (Weight * (micros - MeanMicros));
        samples[seen % Window] = micros;
        seen++;

        // Sorting a window costs some microseconds: it is done for every sixteenth answer, and as soon as there are enough.
        if (seen % 16 != 0 && seen != SamplesMin) return;
        var sorted = samples[..(int)Math.Min(seen, Window)];
        Array.Sort(sorted);
        p95Micros = sorted[Math.Min(sorted.Length - 1, sorted.Length * 95 / 100)];
    }
}
