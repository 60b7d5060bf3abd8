using Holdfast.Simulation.Cluster;
using Holdfast.Vectors;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Simulation.Vectors;

/// <summary>The one collection's record, as the directory's group would keep it: changed only by who knows what it was.</summary>
internal sealed class VectorDirectory
{
    public CollectionRecord Record { get; private set; } = new("c", "1", VectorSite.Config, ShardLayout.Of(VectorSite.Config));

    /// <summary>Sets what is recorded if it is what somebody knew it to be.</summary>
    public bool Compare(CollectionRecord known, ShardLayout layout)
    {
        if (!ReferenceEquals(known, Record)) return false;
        Record = known with { Layout = layout };
        return true;
    }
}

/// <summary>
/// The collection as one process finds it: every question takes its way there and back, and whoever changes it may not hear whether it was changed. (That the directory's group itself agrees is the other worlds' to
/// check.)
/// </summary>
internal sealed class SiteCollections(ClusterProcess process, VectorSite site) : ICollections
{
    private readonly HashSet<int> toldTargets = [];

    private ClusterWorld World => process.World;

    private VectorDirectory Directory => World.VectorCheck.Directory;

    public ClusterShown Cluster => throw new NotSupportedException();

    public bool KnowsSplits => true;

    public WriteTurns Turns => throw new NotSupportedException();

    public async ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel) => await AskAsync(() => Directory.Record, mayBeLost: false);

    public async ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel) => await AskAsync(() => Directory.Compare(known, layout), mayBeLost: !World.IsHealed);

    /// <summary>A shard; the one that a split makes is told what its collection is by whoever reaches it first.</summary>
    public async ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel)
    {
        var reached = site.ShardOf(ClusterWorld.VectorIds[shard]);
        if (collection.Layout.Split?.Target != shard || toldTargets.Contains(shard)) return reached;
        await reached.ProposeAsync(ShardCommand.Configure(collection.Config.Json), cancel);
        toldTargets.Add(shard);
        return reached;
    }

    public async ValueTask CatchUpAsync(CancellationToken cancel) => await AskAsync(() => true, mayBeLost: false);

    public ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel) => throw new NotSupportedException();

    public int CountHere => throw new NotSupportedException();

    public ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask<IReadOnlyDictionary<string, string>> AliasesAsync(CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask ChangeAliasesAsync(IReadOnlyList<AliasChange> changes, CancellationToken cancel) => throw new NotSupportedException();

    public IReadOnlyList<ShardPlace> PlacesOf(CollectionRecord collection) => throw new NotSupportedException();

    public ValueTask<IReadOnlyList<ShardStanding>> StandingsAsync(CollectionRecord collection, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask<ReplicaStanding?> ReplicaAsync(CollectionRecord collection, int shard, ulong node, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask<PeerStanding?> PeerAsync(ulong node, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask PlaceAsync(CollectionRecord collection, int shard, IReadOnlyList<ulong> nodes, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask HandOverAsync(CollectionRecord collection, int shard, ulong leader, ulong to, CancellationToken cancel) => throw new NotSupportedException();

    public ValueTask RemovePeerAsync(ulong node, bool isForced, CancellationToken cancel) => throw new NotSupportedException();

    private Task<T> AskAsync<T>(Func<T> ask, bool mayBeLost)
    {
        var asked = new TaskCompletionSource<T>();
        World.Clock.After(Way(), () =>
        {
            var answer = ask();
            var isLost = mayBeLost && process.Dice.Chance(0.1);
            World.Clock.After(Way(), () => process.WhenAwake(() =>
            {
                if (isLost) asked.TrySetException(VectorFault.Unknown("the directory's answer was lost"));
                else asked.TrySetResult(answer);
            }));
        });
        return asked.Task;
    }

    private TimeSpan Way() => process.Dice.NextSpan(World.Options.DelayMin, World.Options.DelayMax);
}
