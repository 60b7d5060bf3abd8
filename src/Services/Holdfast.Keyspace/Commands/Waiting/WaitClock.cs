using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>The timeouts of a node's waiting clients, soonest first. As many as clients wait.</summary>
internal sealed class WaitClock
{
    private readonly SortedSet<Waiter> waiters = new(Comparer<Waiter>.Create(Compare));

    private readonly PriorityQueue<Action, Instant> alarms = new();

    /// <summary>When somebody must be told; never while nobody waits with a timeout.</summary>
    public Instant Next => Instant.Min(waiters.Min?.Deadline ?? Instant.Never, alarms.TryPeek(out _, out var soonest) ? soonest : Instant.Never);

    /// <summary>Has something done at a time, for one who does not wait for keys.</summary>
    public void At(Instant time, Action act) => alarms.Enqueue(act, time);

    public void Add(Waiter waiter)
    {
        if (waiter.Deadline < Instant.Never) waiters.Add(waiter);
    }

    public void Remove(Waiter waiter) => waiters.Remove(waiter);

    /// <summary>Ends the waits that are due.</summary>
    public void Look(Instant now)
    {
        while (alarms.TryPeek(out var act, out var due) && due <= now)
        {
            alarms.Dequeue();
            act();
        }

        while (waiters.Min is { } soonest && soonest.Deadline <= now) soonest.Client.Wait.RunOut();
    }

    private static int Compare(Waiter one, Waiter other)
    {
        var order = one.Deadline.CompareTo(other.Deadline);
        return order != 0 ? order : one.Client.Id.CompareTo(other.Client.Id);
    }
}
