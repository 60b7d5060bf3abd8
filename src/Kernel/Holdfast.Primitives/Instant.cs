using System.Globalization;

namespace Holdfast.Primitives;

/// <summary>
/// A reading of this process's monotonic clock, in ticks of 100 ns since an arbitrary beginning. Readings of two processes
/// cannot be compared; nothing replicated may hold one. Calendar time enters only as an entry's stamped time.
/// </summary>
public readonly record struct Instant(long Ticks) : IComparable<Instant>
{
    /// <summary>The clock's beginning: earlier than any reading.</summary>
    public static readonly Instant Zero;

    /// <summary>Later than any reading: a deadline that never comes.</summary>
    public static readonly Instant Never = new(long.MaxValue);

    /// <summary>The earlier of two.</summary>
    public static Instant Min(Instant left, Instant right) => left <= right ? left : right;

    /// <summary>The later of two.</summary>
    public static Instant Max(Instant left, Instant right) => left >= right ? left : right;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Ticks.CompareTo(other.Ticks);

    /// <summary>The reading a while later; <see cref="Never"/> stays never.</summary>
    public static Instant operator +(Instant instant, TimeSpan span) => instant == Never ? Never : new(instant.Ticks + span.Ticks);

    /// <summary>The reading a while earlier.</summary>
    public static Instant operator -(Instant instant, TimeSpan span) => new(instant.Ticks - span.Ticks);

    /// <summary>The time from <paramref name="right"/> to <paramref name="left"/>.</summary>
    public static TimeSpan operator -(Instant left, Instant right) => new(left.Ticks - right.Ticks);

    /// <summary>Before.</summary>
    public static bool operator <(Instant left, Instant right) => left.Ticks < right.Ticks;

    /// <summary>After.</summary>
    public static bool operator >(Instant left, Instant right) => left.Ticks > right.Ticks;

    /// <summary>Not after.</summary>
    public static bool operator <=(Instant left, Instant right) => left.Ticks <= right.Ticks;

    /// <summary>Not before.</summary>
    public static bool operator >=(Instant left, Instant right) => left.Ticks >= right.Ticks;

    /// <inheritdoc/>
    public override string ToString() => this == Never ? "never" : (Ticks / 10_000.0).ToString("F3", CultureInfo.InvariantCulture) + "ms";
}
