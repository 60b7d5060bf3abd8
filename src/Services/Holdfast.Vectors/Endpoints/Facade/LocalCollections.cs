using System.Collections.Concurrent;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Collections of one process, without a log: for tests of the door, and for trying clients out. What a replicated group does in turns, a lock does here.</summary>
internal sealed class LocalCollections(IndexWorkers? workers, int segmentRowsMax = 0, PlantedShardBug bug = PlantedShardBug.None) : ICollections
{
    private readonly ConcurrentDictionary<string, (CollectionRecord Record, ConcurrentDictionary<int, LocalShard> Shards)> all = new(StringComparer.Ordinal);
    private readonly Lock gate = new();
    private SortedDictionary<string, string> aliases = new(StringComparer.Ordinal);
    private int created;

    public WriteTurns Turns { get; } = new(1);

    public ClusterShown Cluster => new(1, [new PeerShown(1, "")], 1, 0, 1, true, true);

    public ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel) => new([.. all.Values.Select(one => one.Record).OrderBy(record => record.Name, StringComparer.Ordinal)]);

    public int CountHere => all.Count;

    public ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel) => new(all.TryGetValue(aliases.GetValueOrDefault(name, name), out var one) ? one.Record : null);

    public async ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel)
    {
        if (aliases.ContainsKey(name)) throw VectorFault.BadInput($"Can't create collection with name {name}. Alias with the same name already exists");
        var record = new CollectionRecord(name, Interlocked.Increment(ref created).ToString(CultureInfo.InvariantCulture), config, ShardLayout.Of(config));
        var shards = new ConcurrentDictionary<int, LocalShard>();
        foreach (var number in record.Layout.Numbers) await AddAsync(shards, number, config, cancel).ConfigureAwait(false);
        return all.TryAdd(name, (record, shards));
    }

    public async ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel)
    {
        if (!all.TryGetValue(known.Name, out var one) || one.Record != known) return false;
        foreach (var number in layout.WithGroups)
            if (!one.Shards.ContainsKey(number)) await AddAsync(one.Shards, number, config, cancel).ConfigureAwait(false);
        return all.TryUpdate(known.Name, (known with { Config = config, Layout = layout }, one.Shards), one);
    }

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancel)
    {
        if (!all.TryRemove(name, out var one)) return new(false);
        lock (gate) aliases = new(aliases.Where(each => each.Value != name).ToDictionary(), StringComparer.Ordinal);
        foreach (var shard in one.Shards.Values) workers?.Remove(shard.Machine);
        return new(true);
    }

    public ValueTask<IReadOnlyDictionary<string, string>> AliasesAsync(CancellationToken cancel) => new(aliases);

    public ValueTask ChangeAliasesAsync(IReadOnlyList<AliasChange> changes, CancellationToken cancel)
    {
        lock (gate) aliases = AliasBook.Apply(aliases, changes, all.ContainsKey);
        return default;
    }

    public ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) =>
        all.TryGetValue(collection.Name, out var one) && one.Shards.TryGetValue(shard, out var found) ? new(new NearShard(found) { Turns = Turns }) : throw VectorFault.NoSuchCollection(collection.Name);

    public IReadOnlyList<ShardPlace> PlacesOf(CollectionRecord collection) => [.. collection.Layout.Numbers.Select(number => new ShardPlace(number, [1]))];

    public ValueTask<IReadOnlyList<ShardStanding>> StandingsAsync(CollectionRecord collection, CancellationToken cancel) => new([.. collection.Layout.WithGroups.Select(number => new ShardStanding(number, [1], [1], [], 1))]);

    public ValueTask<ReplicaStanding?> ReplicaAsync(CollectionRecord collection, int shard, ulong node, CancellationToken cancel) =>
        new(all.TryGetValue(collection.Name, out var one) && one.Shards.TryGetValue(shard, out var found) ? new ReplicaStanding(true, true, 1, found.Position.Applied.Value, found.Position.Committed.Value, found.Machine.StateHash, found.Machine.State!.Store.Count, 0) : null);

    public ValueTask<PeerStanding?> PeerAsync(ulong node, CancellationToken cancel) => new(new PeerStanding(true, 1, 0, 0, true));

    public ValueTask CatchUpAsync(CancellationToken cancel) => default;

    public bool KnowsSplits => true;

    public ValueTask PlaceAsync(CollectionRecord collection, int shard, IReadOnlyList<ulong> nodes, CancellationToken cancel) => throw VectorFault.BadInput("there is one node only");

    public ValueTask HandOverAsync(CollectionRecord collection, int shard, ulong leader, ulong to, CancellationToken cancel) => throw VectorFault.BadInput("there is one node only");

    public ValueTask RemovePeerAsync(ulong node, bool isForced, CancellationToken cancel) => throw VectorFault.BadInput("there is one node only");

    private async Task AddAsync(ConcurrentDictionary<int, LocalShard> shards, int number, CollectionConfig config, CancellationToken cancel)
    {
        var shard = new LocalShard(segmentRowsMax, bug);
        await shard.ProposeAsync(ShardCommand.Configure(config.Json), cancel).ConfigureAwait(false);
        shards[number] = shard;
        workers?.Add(shard.Machine);
    }
}

/// <summary>A shard in this process: entries are applied at once, one after another.</summary>
internal sealed class LocalShard(int segmentRowsMax, PlantedShardBug bug = PlantedShardBug.None) : IShardGroup
{
    private readonly Lock gate = new();
    private ulong index;

    public ShardMachine Machine { get; } = new(segmentRowsMax) { Bug = bug };

    public ulong SettingsHash => Machine.SettingsHash;

    public ulong Version => Machine.Version;

    public byte[] FencesWritten => Machine.FencesWritten;

    public (LogIndex Applied, LogIndex Committed) Position => (new LogIndex(Volatile.Read(ref index)), new LogIndex(Volatile.Read(ref index)));

    public ValueTask ForeseeAsync(byte[] command, CancellationToken cancel) => Machine.NewerFence(command) is { } why ? throw VectorFault.Fenced(why) : default;

    public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        lock (gate)
        {
            var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 0, FeatureLevel = ShardCommand.LateLevel, Command = command, ReplyWanted = true };
            ApplyResult result;
            do result = Machine.Apply(entry);
            while (!result.IsDone);
            var reply = (ShardReply)result.Reply!;
            if (reply.IsMisdirected) throw VectorFault.Misdirected(reply.Fault!);
            if (reply.IsFenced) throw VectorFault.Fenced(reply.Fault!);
            return reply.Fault is null ? new(reply) : throw VectorFault.BadInput(reply.Fault);
        }
    }

    public ValueTask<ShardState> ReadAsync(bool isStrong, CancellationToken cancel) => new(Machine.State!);

    public ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, bool isStrong, CancellationToken cancel)
    {
        lock (gate) return new(Machine.Read(read));
    }
}
