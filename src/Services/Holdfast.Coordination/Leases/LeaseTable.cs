using System.Collections.Immutable;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Leases;

/// <summary>A lease as all replicas know it.</summary>
/// <param name="Seconds">How long it was granted for.</param>
/// <param name="Renewals">Renewals that came through the log. An expiry names the number it knew, and is void when another renewal came before it.</param>
internal readonly record struct LeaseGrant(long Seconds, long Renewals);

/// <summary>
/// The replicated half of leases: which exist, for how long they were granted, and which keys hang on them. No time runs here: when a lease ends is
/// the leader's judgement (<see cref="LeaseClock"/>), made known by a revocation in the log.
/// </summary>
internal sealed class LeaseTable
{
    private static readonly Comparer<KeyRecord> ByKey = Comparer<KeyRecord>.Create((left, right) => left.Key.AsSpan().SequenceCompareTo(right.Key));
    private readonly Dictionary<long, HashSet<KeyRecord>> keys = [];

    /// <summary>Leases by id. Immutable, so that a snapshot takes the whole table in O(1).</summary>
    public ImmutableSortedDictionary<long, LeaseGrant> Granted { get; private set; } = ImmutableSortedDictionary<long, LeaseGrant>.Empty;

    /// <summary>Whether the lease exists.</summary>
    public bool Contains(long id) => Granted.ContainsKey(id);

    /// <summary>Adds a lease, or replaces what is known of it.</summary>
    public void Set(long id, LeaseGrant grant) => Granted = Granted.SetItem(id, grant);

    /// <summary>Removes a lease whose keys are gone.</summary>
    public void Remove(long id)
    {
        Invariant.Holds(!keys.TryGetValue(id, out var left) || left.Count == 0, "a lease goes while keys still hang on it");
        keys.Remove(id);
        Granted = Granted.Remove(id);
    }

    /// <summary>Hangs a key on a lease.</summary>
    public void Attach(long id, KeyRecord record)
    {
        if (!keys.TryGetValue(id, out var attached)) keys[id] = attached = [];
        attached.Add(record);
    }

    /// <summary>Takes a key off a lease.</summary>
    public void Detach(long id, KeyRecord record)
    {
        if (!keys.TryGetValue(id, out var attached)) return;
        attached.Remove(record);
        if (attached.Count == 0) keys.Remove(id);
    }

    /// <summary>The keys of a lease in no order: for what comes out the same in any.</summary>
    public IReadOnlyCollection<KeyRecord> AnyOrderKeysOf(long id) => keys.TryGetValue(id, out var attached) ? attached : [];

    /// <summary>The keys of a lease in byte order: a set's own order differs between replicas.</summary>
    public KeyRecord[] KeysOf(long id)
    {
        if (!keys.TryGetValue(id, out var attached)) return [];
        KeyRecord[] sorted = [.. attached];
        Array.Sort(sorted, ByKey);
        return sorted;
    }
}
