using System.Collections.Concurrent;
using System.Globalization;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Machine;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Collections of one process, without a log: for tests of the door, and for trying clients out. What a replicated group does in turns, a lock does here.</summary>
internal sealed class LocalCollections(IndexWorkers? workers, int segmentRowsMax = 0) : ICollections
{
    private readonly ConcurrentDictionary<string, (CollectionRecord Record, LocalShard[] Shards)> all = new(StringComparer.Ordinal);
    private int created;

    public ValueTask<IReadOnlyList<CollectionRecord>> ListAsync(CancellationToken cancel) => new([.. all.Values.Select(one => one.Record).OrderBy(record => record.Name, StringComparer.Ordinal)]);

    public ValueTask<CollectionRecord?> FindAsync(string name, CancellationToken cancel) => new(all.TryGetValue(name, out var one) ? one.Record : null);

    public async ValueTask<bool> CreateAsync(string name, CollectionConfig config, CancellationToken cancel)
    {
        var shards = Enumerable.Range(0, config.Shards).Select(_ => new LocalShard(segmentRowsMax)).ToArray();
        foreach (var shard in shards) await shard.ProposeAsync(ShardCommand.Configure(config.Json), cancel).ConfigureAwait(false);
        var record = new CollectionRecord(name, Interlocked.Increment(ref created).ToString(CultureInfo.InvariantCulture), config);
        if (!all.TryAdd(name, (record, shards))) return false;
        foreach (var shard in shards) workers?.Add(shard.Machine);
        return true;
    }

    public ValueTask<bool> DeleteAsync(string name, CancellationToken cancel)
    {
        if (!all.TryRemove(name, out var one)) return new(false);
        foreach (var shard in one.Shards) workers?.Remove(shard.Machine);
        return new(true);
    }

    public ValueTask<IShardGroup> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) =>
        all.TryGetValue(collection.Name, out var one) ? new(one.Shards[shard]) : throw VectorFault.NoSuchCollection(collection.Name);
}

/// <summary>A shard in this process: entries are applied at once, one after another.</summary>
internal sealed class LocalShard(int segmentRowsMax) : IShardGroup
{
    private readonly Lock gate = new();
    private ulong index;

    public ShardMachine Machine { get; } = new(segmentRowsMax);

    public ShardState? Peek => Machine.State;

    public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel)
    {
        lock (gate)
        {
            var entry = new CommittedEntry { Position = new LogPosition(new Term(1), new LogIndex(++index)), TimeMicros = 0, FeatureLevel = 1, Command = command, ReplyWanted = true };
            ApplyResult result;
            do result = Machine.Apply(entry);
            while (!result.IsDone);
            var reply = (ShardReply)result.Reply!;
            return reply.Fault is null ? new(reply) : throw VectorFault.BadInput(reply.Fault);
        }
    }

    public ValueTask<ShardState> ReadAsync(ReadLevel level, CancellationToken cancel) => new(Machine.State!);

    public ValueTask<TResult> OnLoopAsync<TResult>(Func<ShardState, TResult> read, ReadLevel level, CancellationToken cancel)
    {
        lock (gate) return new(Machine.Read(read));
    }
}
