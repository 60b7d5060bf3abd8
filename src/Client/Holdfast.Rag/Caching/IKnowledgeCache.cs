namespace Holdfast.Rag.Caching;

/// <summary>
/// Where embeddings and answers may be kept between questions. It may forget anything at any time, and is never the only copy. This room knows nothing of the server, so the program lays the cache that faces share
/// behind it; a service lays behind it what it has.
/// </summary>
public interface IKnowledgeCache
{
    /// <summary>The value; null when it is not there, its time is up, or the cache is away.</summary>
    ValueTask<ReadOnlyMemory<byte>?> GetAsync(string space, ReadOnlyMemory<byte> key, CancellationToken cancel);

    /// <summary>Keeps a value for at most so long; a cache that is away or full keeps nothing and says nothing.</summary>
    ValueTask SetAsync(string space, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, TimeSpan timeToLive, CancellationToken cancel);
}
