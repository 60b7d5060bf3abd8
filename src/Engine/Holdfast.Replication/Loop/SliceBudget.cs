using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>A slice of the loop's time, about a millisecond. The clock is a delegate, so that the simulator decides how fast work is.</summary>
internal sealed class SliceBudget(Func<Instant> clock)
{
    /// <summary>How long one piece of work may hold a loop.</summary>
    public static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(1);

    private Instant until;

    public bool IsSpent => clock() >= until;

    public void Begin() => until = clock() + Slice;
}
