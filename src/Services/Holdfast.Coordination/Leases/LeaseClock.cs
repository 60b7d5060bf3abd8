using Holdfast.Primitives;

namespace Holdfast.Coordination.Leases;

/// <summary>A lease whose time is up, and how many renewals by the log were known when that was found.</summary>
internal readonly record struct ExpiredLease(long Id, long Renewals);

/// <summary>
/// The leader's half of leases: when each runs out, on this process's monotonic clock. Only a leader has one running. A new leader gives every lease its
/// full time anew, so leases may live longer than asked for, never shorter; a follower's clock ends nothing.
/// A lease granted or renewed by an entry starts at the next <see cref="Tick"/>, which is later than the entry: the safe side again.
/// </summary>
internal sealed class LeaseClock
{
    /// <summary>How long after an expiry was proposed it is proposed again, should the first proposal have come to nothing.</summary>
    public static readonly TimeSpan ExpiryRetry = TimeSpan.FromSeconds(5);

    private static readonly Mark RenewedTooLate = new("coordination: lease renewed while its expiry is under way");
    private readonly Dictionary<long, Running> running = [];
    private readonly PriorityQueue<long, long> byDeadline = new();
    private readonly List<long> starting = [];
    private bool startsAll;

    /// <summary>Whether this replica leads.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>This replica leads now: all leases start anew at the next tick.</summary>
    public void Start()
    {
        Stop();
        (IsRunning, startsAll) = (true, true);
    }

    /// <summary>This replica does not lead any more.</summary>
    public void Stop()
    {
        (IsRunning, startsAll) = (false, false);
        running.Clear();
        byDeadline.Clear();
        starting.Clear();
    }

    /// <summary>Whether some lease may be due, so that it is worth confirming leadership.</summary>
    public bool IsDue(Instant now) => IsRunning && byDeadline.TryPeek(out _, out var ticks) && ticks <= now.Ticks;

    /// <summary>A lease was granted, or renewed through the log.</summary>
    public void StartAtNextTick(long id)
    {
        if (IsRunning && !startsAll) starting.Add(id);
    }

    /// <summary>A lease is gone.</summary>
    public void Forget(long id) => running.Remove(id);

    /// <summary>
    /// Renews a lease on the leader. Returns its seconds; 0 when there is no such lease, or its expiry is already on its way into the log: promising
    /// more time then would be a lie. The caller has confirmed its leadership after the client's request arrived.
    /// </summary>
    public long Renew(long id, Instant now, LeaseTable leases)
    {
        if (!leases.Granted.TryGetValue(id, out var grant)) return 0;
        if (running.TryGetValue(id, out var lease) && lease.IsExpiring)
        {
            RenewedTooLate.Hit();
            return 0;
        }

        Run(id, now + TimeSpan.FromSeconds(grant.Seconds));
        return grant.Seconds;
    }

    /// <summary>Whole seconds that a lease has left, rounded down as etcd does; its full time while it has not started.</summary>
    public long RemainingSeconds(long id, Instant now, LeaseGrant grant) =>
        running.TryGetValue(id, out var lease) ? Math.Max(0, (long)(lease.Deadline - now).TotalSeconds) : grant.Seconds;

    /// <summary>
    /// Starts what is to be started and finds up to <paramref name="expiredMax"/> leases whose time is up, to be proposed as expired.
    /// <paramref name="isConfirmed"/>: leadership holds at <paramref name="now"/>; without that nothing expires.
    /// </summary>
    public void Tick(Instant now, bool isConfirmed, LeaseTable leases, int expiredMax, List<ExpiredLease> expired)
    {
        if (!IsRunning) return;
        StartWaiting(now, leases);
        if (!isConfirmed) return;
        while (expired.Count < expiredMax && byDeadline.TryPeek(out var id, out var ticks) && ticks <= now.Ticks)
        {
            byDeadline.Dequeue();
            if (!running.TryGetValue(id, out var lease)) continue;
            if (lease.Deadline > now)
            {
                byDeadline.Enqueue(id, lease.Deadline.Ticks);
                continue;
            }

            if (!leases.Granted.TryGetValue(id, out var grant))
            {
                running.Remove(id);
                continue;
            }

            expired.Add(new ExpiredLease(id, grant.Renewals));
            var retry = now + ExpiryRetry;
            running[id] = lease with { Deadline = retry, IsExpiring = true };
            byDeadline.Enqueue(id, retry.Ticks);
        }
    }

    private void StartWaiting(Instant now, LeaseTable leases)
    {
        if (startsAll)
        {
            startsAll = false;
            foreach (var (id, grant) in leases.Granted) Run(id, now + TimeSpan.FromSeconds(grant.Seconds));
        }

        foreach (var id in starting)
            if (leases.Granted.TryGetValue(id, out var grant)) Run(id, now + TimeSpan.FromSeconds(grant.Seconds));
        starting.Clear();
    }

    /// <summary>One place in the queue per lease: a renewal only moves the deadline, and the queue finds out when it gets there.</summary>
    private void Run(long id, Instant deadline)
    {
        if (!running.ContainsKey(id)) byDeadline.Enqueue(id, deadline.Ticks);
        running[id] = new Running(deadline, false);
    }

    private readonly record struct Running(Instant Deadline, bool IsExpiring);
}
