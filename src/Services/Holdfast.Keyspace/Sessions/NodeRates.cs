using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>Rates for INFO: the mean of the last <see cref="SamplesMax"/> samples, as Redis takes it. For one thread; whoever looks now and then takes the samples.</summary>
internal sealed class NodeRates
{
    private const int SamplesMax = 16;
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(100);

    private readonly (double Commands, double BytesIn, double BytesOut)[] samples = new (double, double, double)[SamplesMax];
    private Instant sampledAt;
    private (long Commands, long BytesIn, long BytesOut) last;
    private int taken;

    /// <summary>Commands a second.</summary>
    public double Commands => samples.Sum(static sample => sample.Commands) / SamplesMax;

    /// <summary>Bytes from clients a second.</summary>
    public double BytesIn => samples.Sum(static sample => sample.BytesIn) / SamplesMax;

    /// <summary>Bytes to clients a second.</summary>
    public double BytesOut => samples.Sum(static sample => sample.BytesOut) / SamplesMax;

    /// <summary>Takes a sample when it is time. Counters that were set to zero meanwhile count from there.</summary>
    public void Look(Instant now, NodeCounters counters)
    {
        var passed = now - sampledAt;
        if (passed < Between) return;
        var current = (counters.Commands, counters.BytesIn, counters.BytesOut);
        if (current.Commands < last.Commands || current.BytesIn < last.BytesIn || current.BytesOut < last.BytesOut) last = default;
        if (taken > 0) samples[taken % SamplesMax] = ((current.Commands - last.Commands) / passed.TotalSeconds, (current.BytesIn - last.BytesIn) / passed.TotalSeconds, (current.BytesOut - last.BytesOut) / passed.TotalSeconds);
        (sampledAt, last) = (now, current);
        taken++;
    }
}
