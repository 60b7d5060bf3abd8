using System.Diagnostics;
using Holdfast.Primitives;

namespace Holdfast.Transport;

/// <summary>The process's monotonic clock, as an <see cref="Instant"/>. It counts neither calendar changes nor, on Linux, the time a machine sleeps.</summary>
public static class MonotonicClock
{
    private static readonly long StampsPerTick = Math.Max(1, Stopwatch.Frequency / TimeSpan.TicksPerSecond);

    /// <summary>Now.</summary>
    public static Instant Now => new(Stopwatch.GetTimestamp() / StampsPerTick);
}
