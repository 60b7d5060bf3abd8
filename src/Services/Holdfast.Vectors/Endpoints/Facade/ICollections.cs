using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A collection that exists: its shards are found by its id, which is never given twice, so that one deleted and made again under its name shares nothing with the old.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Id">Drawn when it was created.</param>
/// <param name="Config">As it was created, with its changes.</param>
/// <param name="Layout">Its shards.</param>
internal sealed record CollectionRecord(string Name, string Id, CollectionConfig Config, ShardLayout Layout);

/// <summary>A change of the aliases; several are made at once or not at all.</summary>
/// <param name="Alias">The name that is given or taken.</param>
/// <param name="Collection">What it is to name; null when it goes.</param>
/// <param name="RenamedFrom">Instead of a collection: the alias whose place it takes.</param>
internal sealed record AliasChange(string Alias, string? Collection, string? RenamedFrom = null);

/// <summary>Where a shard's replicas are.</summary>
/// <param name="Shard">Its number.</param>
/// <param name="Nodes">The nodes, by their ids.</param>
internal sealed record ShardPlace(int Shard, IReadOnlyList<ulong> Nodes);

/// <summary>How a node stands in the directory's group.</summary>
internal sealed record PeerStanding(bool Leads, ulong Term, ulong Commit, ulong Applied, bool IsVoter);

/// <summary>A node, as Qdrant's cluster page shows a peer.</summary>
internal sealed record PeerShown(ulong Id, string Uri);

/// <summary>The cluster, as Qdrant's cluster page shows it.</summary>
internal sealed record ClusterShown(ulong Self, IReadOnlyList<PeerShown> Peers, ulong Term, ulong Commit, ulong Leader, bool IsLeader, bool IsVoter);

/// <summary>
/// Which collections there are and where their shards can be asked: the directory behind the cluster's nodes, or a table in one process.
/// </summary>
internal interface ICollections
{
    /// <summary>All of them, by name, those that were made a moment ago through another node included.</summary>
    ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel);

    /// <summary>How many this node knows of.</summary>
    int CountHere { get; }

    /// <summary>A collection by its name or an alias; null when there is none, which was then asked of the directory's leader.</summary>
    ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel);

    /// <summary>Makes a collection and its shards; false when the name is taken.</summary>
    ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel);

    /// <summary>Replaces what is recorded of a collection; false when somebody else changed it meanwhile.</summary>
    ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel);

    /// <summary>Deletes a collection with all its points; false when there is none.</summary>
    ValueTask<bool> DeleteAsync(string name, CancellationToken cancel);

    /// <summary>Aliases and what they name.</summary>
    ValueTask<IReadOnlyDictionary<string, string>> AliasesAsync(CancellationToken cancel);

    /// <summary>Changes aliases, all at once.</summary>
    ValueTask ChangeAliasesAsync(IReadOnlyList<AliasChange> changes, CancellationToken cancel);

    /// <summary>A shard of a collection, wherever its replicas are.</summary>
    /// <exception cref="VectorFault">It cannot be reached just now.</exception>
    ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel);

    /// <summary>Where its shards are to be.</summary>
    IReadOnlyList<ShardPlace> PlacesOf(CollectionRecord collection);

    /// <summary>Where its shards are to be and where they are, those that a split makes too; asked of their leaders.</summary>
    ValueTask<IReadOnlyList<ShardStanding>> StandingsAsync(CollectionRecord collection, CancellationToken cancel);

    /// <summary>How a replica of a shard stands, by its own word; null when it does not answer.</summary>
    ValueTask<Routing.ReplicaStanding?> ReplicaAsync(CollectionRecord collection, int shard, ulong node, CancellationToken cancel);

    /// <summary>How a node stands in the directory's group, by its own word; null when it does not answer.</summary>
    ValueTask<PeerStanding?> PeerAsync(ulong node, CancellationToken cancel);

    /// <summary>Returns when this node has heard from the directory's leader and has what it has.</summary>
    ValueTask CatchUpAsync(CancellationToken cancel);

    /// <summary>Whether every member's program knows splits.</summary>
    bool KnowsSplits { get; }

    /// <summary>Says where a shard's replicas are to be; its group then takes them in and lets them go, step by step, while it serves.</summary>
    ValueTask PlaceAsync(CollectionRecord collection, int shard, IReadOnlyList<ulong> nodes, CancellationToken cancel);

    /// <summary>Has the node that leads a shard hand it over to another of its replicas; begun is not done.</summary>
    /// <exception cref="VectorFault">It does not lead, or does not answer.</exception>
    ValueTask HandOverAsync(CollectionRecord collection, int shard, ulong leader, ulong to, CancellationToken cancel);

    /// <summary>Begins to take a node out of the cluster.</summary>
    /// <param name="node">Which.</param>
    /// <param name="isForced">Whether even one with replicas, which go elsewhere first; else it is refused, as Qdrant does.</param>
    /// <param name="cancel">Ends the wait for the directory.</param>
    ValueTask RemovePeerAsync(ulong node, bool isForced, CancellationToken cancel);

    /// <summary>Which large write is prepared next on this node.</summary>
    WriteTurns Turns { get; }

    /// <summary>The cluster.</summary>
    ClusterShown Cluster { get; }
}
