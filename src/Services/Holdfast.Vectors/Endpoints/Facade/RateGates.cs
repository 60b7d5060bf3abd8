using System.Collections.Concurrent;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>How many requests a minute a collection's strict mode allows on this node: a bucket each for reads and writes, full at first, that fills evenly.</summary>
internal sealed class RateGates
{
    /// <summary>Tenants whose requests are counted at once; when there are more, all begin anew.</summary>
    private const int TenantsMax = 20_000;

    private readonly ConcurrentDictionary<(string Collection, bool IsWrite), Bucket> buckets = new();
    private readonly ConcurrentDictionary<(string Collection, string Tenant, bool IsWrite), Bucket> tenants = new();
    private long refused;

    /// <summary>Requests of tenants that were refused because there were too many.</summary>
    public long TenantsRefused => Volatile.Read(ref refused);

    /// <summary>Lets a tenant's request through, or refuses it: its own, whatever the others do.</summary>
    /// <exception cref="VectorFault">There were too many.</exception>
    public void Pass(CollectionRecord collection, string tenant, bool isWrite, double perMinute)
    {
        if (tenants.Count >= TenantsMax) tenants.Clear();
        var bucket = tenants.GetOrAdd((collection.Id, tenant, isWrite), static (_, full) => new Bucket(full), perMinute);
        if (bucket.Take(perMinute, 1)) return;
        Interlocked.Increment(ref refused);
        throw VectorFault.RateLimited($"Rate limiting exceeded: {(isWrite ? "Write" : "Read")} rate limit exceeded for tenant {tenant}, retry later", bucket.SecondsUntil(perMinute, 1));
    }

    /// <summary>Lets a request through, or refuses it.</summary>
    /// <param name="collection">What it is about.</param>
    /// <param name="isWrite">Which of the limits it counts against.</param>
    /// <param name="cost">As how many requests it counts: a write as the points that it is about.</param>
    /// <exception cref="VectorFault">There were too many.</exception>
    public void Pass(CollectionRecord collection, bool isWrite, long cost)
    {
        if (LimitOf(collection, isWrite) is not { } perMinute) return;
        var bucket = buckets.GetOrAdd((collection.Id, isWrite), static (_, full) => new Bucket(full), perMinute);
        if (bucket.Take(perMinute, cost)) return;
        var word = isWrite ? "Write" : "Read";
        var seconds = bucket.SecondsUntil(perMinute, cost);
        if (cost > perMinute) throw VectorFault.RateLimited($"Rate limiting exceeded: {word} rate limit exceeded, request larger than rate limiter capacity, please try to split your request", seconds);
        throw VectorFault.RateLimited(cost == 1 ? $"Rate limiting exceeded: {word} rate limit exceeded, retry later" : FormattableString.Invariant($"Rate limiting exceeded: {word} rate limit exceeded: Operation requires {cost} tokens but only {Math.Floor(bucket.Left):F0} were available. Retry after {seconds}s"), seconds);
    }

    /// <summary>What a collection's strict mode allows a minute; null for anything.</summary>
    public static double? LimitOf(CollectionRecord collection, bool isWrite) =>
        collection.Config.Rules is { IsStrict: true } rules && rules.Limits.TryGetValue(isWrite ? "write_rate_limit" : "read_rate_limit", out var perMinute) ? perMinute : null;

    private sealed class Bucket(double full)
    {
        private readonly Lock gate = new();
        private double left = full;
        private long lookedAt = Environment.TickCount64;

        /// <summary>What is left in it, as of the last look.</summary>
        public double Left => Volatile.Read(ref left);

        /// <summary>Seconds until it has so much again, at most until it is full.</summary>
        public int SecondsUntil(double perMinute, double cost) => (int)Math.Clamp(Math.Ceiling((Math.Min(cost, perMinute) - Left) * 60 / perMinute), 1, 3600);

        public bool Take(double perMinute, double cost)
        {
            lock (gate)
            {
                var now = Environment.TickCount64;
                left = Math.Min(perMinute, left + ((now - lookedAt) * perMinute / 60_000));
                lookedAt = now;
                if (left < cost) return false;
                left -= cost;
                return true;
            }
        }
    }
}
