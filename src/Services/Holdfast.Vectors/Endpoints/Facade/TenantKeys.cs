using System.Collections.Concurrent;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Which payload key names a collection's tenants, as it was seen a moment ago: asked anew after a while, because an index may be made or deleted anywhere. Bounded: when there are too many, all are forgotten.</summary>
internal sealed class TenantKeys
{
    private const int CollectionsMax = 1024;

    private static readonly TimeSpan KnownFor = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, (string? Key, long Since)> known = new(StringComparer.Ordinal);

    /// <summary>The key; null when there is none.</summary>
    /// <param name="collection">The collection's id.</param>
    /// <param name="look">Looks for it.</param>
    public async ValueTask<string?> KeyOfAsync(string collection, Func<ValueTask<string?>> look)
    {
        if (known.TryGetValue(collection, out var seen) && Environment.TickCount64 - seen.Since < KnownFor.TotalMilliseconds) return seen.Key;
        var key = await look().ConfigureAwait(false);
        if (known.Count >= CollectionsMax) known.Clear();
        known[collection] = (key, Environment.TickCount64);
        return key;
    }
}
