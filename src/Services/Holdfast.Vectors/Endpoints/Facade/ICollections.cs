using Holdfast.Vectors.Collections;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A collection that exists: its shards are found by its id, which is never given twice, so that one deleted and made again under its name shares nothing with the old.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Drawn when it was created.</param>
/// <param name="Config">As it was created, with its changes.</param>
internal sealed record CollectionRecord(string Name, string Id, CollectionConfig Config);

/// <summary>
/// Which collections there are and where their shards can be asked: the directory behind the cluster's nodes, or a table in one process.
/// </summary>
internal interface ICollections
{
    /// <summary>All of them, by name, those that were made a moment ago through another node included.</summary>
    ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel);

    /// <summary>A collection by its name or an alias; null when there is none, which was then asked of the directory's leader.</summary>
    ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel);

    /// <summary>Makes a collection and its shards; false when the name is taken.</summary>
    ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel);

    /// <summary>Deletes a collection with all its points; false when there is none.</summary>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancel);

    /// <summary>A shard of a collection, as it can be asked from this node.</summary>
    /// <exception cref="VectorFault">It cannot be reached just now.</exception>
    ValueTask<IShardGroup> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel);
}
