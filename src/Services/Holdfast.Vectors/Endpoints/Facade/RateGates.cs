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
        if (tenants.GetOrAdd((collection.Id, tenant, isWrite), static (_, full) => new Bucket(full), perMinute).Take(perMinute)) return;
        Interlocked.Increment(ref refused);
        throw VectorFault.RateLimited($"Rate limiting exceeded: {(isWrite ? "Write" : "Read")} rate limit exceeded for tenant {tenant}, retry later");
    }

    /// <summary>Lets a request through, or refuses it.</summary>
    /// <exception cref="VectorFault">There were too many.</exception>
    public void Pass(CollectionRecord collection, bool isWrite)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict || !rules.Limits.TryGetValue(isWrite ? "write_rate_limit" : "read_rate_limit", out var perMinute)) return;
        if (!buckets.GetOrAdd((collection.Id, isWrite), static (_, full) => new Bucket(full), perMinute).Take(perMinute)) throw VectorFault.RateLimited($"Rate limiting exceeded: {(isWrite ? "Write" : "Read")} rate limit exceeded, retry later");
    }

    private sealed class Bucket(double full)
    {
        private readonly Lock gate = new();
        private double left = full;
        private long lookedAt = Environment.TickCount64;

        public bool Take(double perMinute)
        {
            lock (gate)
            {
                var now = Environment.TickCount64;
                left = Math.Min(perMinute, left + ((now - lookedAt) * perMinute / 60_000));
                lookedAt = now;
                if (left < 1) return false;
                left--;
                return true;
            }
        }
    }
}
