namespace Holdfast.Simulation.Time;

/// <summary>When an event happens: by time, and among equal times in the order of scheduling, so that the order is total and the same in every run.</summary>
internal readonly record struct EventTime(long Ticks, ulong Sequence) : IComparable<EventTime>
{
    public int CompareTo(EventTime other) => Ticks != other.Ticks ? Ticks.CompareTo(other.Ticks) : Sequence.CompareTo(other.Sequence);
}

/// <summary>
/// The world's one clock and the queue of everything that is going to happen. Time stands still while an event runs and jumps to the next one.
/// Nodes do not see this clock but their own, drifting <see cref="NodeClock"/>.
/// </summary>
internal sealed class SimClock
{
    private readonly PriorityQueue<Action, EventTime> queue = new();
    private ulong sequence;

    /// <summary>True time, in ticks of 100 ns since the run began.</summary>
    public long Now { get; private set; }

    /// <summary>How many events have run.</summary>
    public long EventsRun { get; private set; }

    public bool IsEmpty => queue.Count == 0;

    /// <summary>Schedules an event; one that lies in the past happens now.</summary>
    public void At(long ticks, Action action) => queue.Enqueue(action, new EventTime(Math.Max(ticks, Now), ++sequence));

    public void After(TimeSpan delay, Action action) => At(Now + delay.Ticks, action);

    /// <summary>Runs the next event if it lies before <paramref name="end"/>.</summary>
    public bool RunNext(long end)
    {
        if (!queue.TryPeek(out _, out var time) || time.Ticks >= end) return false;
        var action = queue.Dequeue();
        Now = time.Ticks;
        EventsRun++;
        action();
        return true;
    }

    /// <summary>Lets the rest of the time pass.</summary>
    public void AdvanceTo(long ticks) => Now = Math.Max(Now, ticks);
}
