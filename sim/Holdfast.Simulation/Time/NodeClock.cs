using Holdfast.Primitives;

namespace Holdfast.Simulation.Time;

/// <summary>
/// One machine's monotonic clock: begins anywhere and runs a little too fast or too slow. Two clocks differ in speed by less than the bound
/// that leases are shortened by (S3); a mutation goes beyond it.
/// </summary>
internal sealed class NodeClock(SimClock world, long offsetTicks, double rate)
{
    /// <summary>The reading now.</summary>
    public Instant Now => new(offsetTicks + (long)(world.Now * rate));

    /// <summary>The true time at which this clock will certainly have passed a reading.</summary>
    public long TrueTimeOf(Instant reading) =>
        reading == Instant.Never ? long.MaxValue : (long)Math.Ceiling((reading.Ticks - offsetTicks) / rate) + 1;

    /// <summary>How long a local span takes in true time.</summary>
    public TimeSpan TrueSpan(TimeSpan local) => local / rate;
}
