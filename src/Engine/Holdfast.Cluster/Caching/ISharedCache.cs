namespace Holdfast.Cluster;

/// <summary>
/// A cache that faces share: what PostgreSQL answered, what a model embedded. It may forget anything at any time and is never the only copy.
/// The local one lives in this process; one that the keyspace holds is seen by all nodes, so calls are asynchronous and may fail to find
/// what was set a moment ago. Spaces keep faces apart: <c>postgres/orders</c>, <c>embeddings/minilm</c>.
/// </summary>
public interface ISharedCache
{
    /// <summary>The value, or null when it is not there or its time is up. The bytes belong to the cache: nobody changes them.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default);

    /// <summary>Keeps a value for at most <paramref name="timeToLive"/>. False when it is too large to be kept; then an older value is gone as well.</summary>
    ValueTask<bool> SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel = default);

    /// <summary>Forgets a value. When this returns, no later read that begins on any node sees it.</summary>
    ValueTask InvalidateAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel = default);

    /// <summary>Forgets a whole space.</summary>
    ValueTask InvalidateSpaceAsync(string space, CancellationToken cancel = default);
}
