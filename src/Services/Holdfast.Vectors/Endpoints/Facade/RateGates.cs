using System.Collections.Concurrent;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>How many requests a minute a collection's strict mode allows on this node: a bucket each for reads and writes, full at first, that fills evenly.</summary>
internal sealed class RateGates
{
    private readonly ConcurrentDictionary<(string Collection, bool IsWrite), Bucket> buckets = new();

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
