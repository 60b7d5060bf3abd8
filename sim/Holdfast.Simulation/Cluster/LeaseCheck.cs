using Holdfast.Primitives;
using Holdfast.Simulation.Running;

namespace Holdfast.Simulation.Cluster;

/// <summary>A lease lives at least as long as its holder was promised, counted from the call that got the promise, whoever leads meanwhile; then it ends.</summary>
internal sealed class LeaseCheck(ClusterWorld world)
{
    /// <summary>By how much the clock that judges may be faster than true time.</summary>
    private const double DriftMax = 0.01;

    private readonly Dictionary<long, long> promisedUntil = [];
    private readonly Dictionary<long, long> expiredAt = [];

    public int Expired => expiredAt.Count;

    /// <summary>A grant or a renewal that was called at a true time was answered with so many seconds.</summary>
    public void OnPromised(long id, long calledAt, long seconds)
    {
        if (seconds <= 0) return;
        var until = calledAt + (long)(TimeSpan.FromSeconds(seconds).Ticks * (1 - DriftMax));
        if (expiredAt.TryGetValue(id, out var at) && at < until) Fail(id, at, until);
        promisedUntil[id] = Math.Max(promisedUntil.GetValueOrDefault(id), until);
    }

    /// <summary>An entry ended the lease.</summary>
    public void OnEnded(long id, bool isExpiry)
    {
        if (!isExpiry) return;
        expiredAt[id] = world.Clock.Now;
        if (promisedUntil.TryGetValue(id, out var until) && world.Clock.Now < until) Fail(id, world.Clock.Now, until);
    }

    /// <summary>Until when, in true time, a lease's holder may rely on it.</summary>
    public long PromisedUntil(long id) => promisedUntil.GetValueOrDefault(id);

    /// <summary>Whether some lease's promise is over between two moments of true time, if nobody renews it.</summary>
    public bool IsAnyOverBetween(long from, long to)
    {
        foreach (var (id, until) in promisedUntil)
            if (until >= from && until <= to && !expiredAt.ContainsKey(id)) return true;
        return false;
    }

    public bool HasExpired(long id) => expiredAt.ContainsKey(id);

    private static void Fail(long id, long at, long until) =>
        throw new CheckFailedException($"lease {id} expired {(until - at) / 10_000} ms before its holder's promise was over");
}
