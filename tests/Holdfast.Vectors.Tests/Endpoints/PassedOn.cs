using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>Collections of this process as they are, for tests that change one thing about them.</summary>
internal class PassedOn(LocalCollections inner) : ICollections
{
    public ClusterShown Cluster => inner.Cluster;

    public bool KnowsSplits => true;

    public WriteTurns Turns => inner.Turns;

    public ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel) => inner.ListAsync(cancel);

    public int CountHere => inner.CountHere;

    public ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel) => inner.FindAsync(name, cancel);

    public ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel) => inner.CreateAsync(name, config, cancel);

    public virtual ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel) => inner.UpdateAsync(known, config, layout, cancel);

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancel) => inner.DeleteAsync(name, cancel);

    public ValueTask<IReadOnlyDictionary<string, string>> AliasesAsync(CancellationToken cancel) => inner.AliasesAsync(cancel);

    public ValueTask ChangeAliasesAsync(IReadOnlyList<AliasChange> changes, CancellationToken cancel) => inner.ChangeAliasesAsync(changes, cancel);

    public virtual ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) => inner.ShardAsync(collection, shard, cancel);

    public IReadOnlyList<ShardPlace> PlacesOf(CollectionRecord collection) => inner.PlacesOf(collection);

    public ValueTask<IReadOnlyList<ShardStanding>> StandingsAsync(CollectionRecord collection, CancellationToken cancel) => inner.StandingsAsync(collection, cancel);

    public ValueTask<ReplicaStanding?> ReplicaAsync(CollectionRecord collection, int shard, ulong node, CancellationToken cancel) => inner.ReplicaAsync(collection, shard, node, cancel);

    public ValueTask<PeerStanding?> PeerAsync(ulong node, CancellationToken cancel) => inner.PeerAsync(node, cancel);

    public ValueTask CatchUpAsync(CancellationToken cancel) => inner.CatchUpAsync(cancel);

    public ValueTask PlaceAsync(CollectionRecord collection, int shard, IReadOnlyList<ulong> nodes, CancellationToken cancel) => inner.PlaceAsync(collection, shard, nodes, cancel);

    public ValueTask HandOverAsync(CollectionRecord collection, int shard, ulong leader, ulong to, CancellationToken cancel) => inner.HandOverAsync(collection, shard, leader, to, cancel);

    public ValueTask RemovePeerAsync(ulong node, bool isForced, CancellationToken cancel) => inner.RemovePeerAsync(node, isForced, cancel);
}
