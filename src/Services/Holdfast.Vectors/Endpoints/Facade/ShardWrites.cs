using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>
/// Sends each shard its part of a write. What a shard refuses because it is being split was certainly not done: it is sent again, to whoever the directory says has it then. Nothing else is ever sent twice (S25).
/// </summary>
internal sealed class ShardWrites(ICollections collections, CollectionRecord collection, WriteFence? fence, CancellationToken cancel)
{
    private readonly SessionToken session = new();
    private CollectionRecord record = collection;
    private ulong last;
    private PointId? missed;

    /// <summary>What became of it.</summary>
    public WriteDone Result => new(last, session) { Missed = missed };

    /// <summary>Goes on by a newer layout.</summary>
    public void Follow(CollectionRecord newest) => record = newest;

    /// <summary>Proposes to one shard.</summary>
    public async Task ProposeAsync(int number, byte[] command)
    {
        var shard = await collections.ShardAsync(record, number, cancel).ConfigureAwait(false);
        var reply = await shard.ProposeAsync(fence?.Around(command) ?? command, cancel).ConfigureAwait(false);
        last = Math.Max(last, reply.Index.Value);
        missed ??= reply.Missed;
        session.Raise(SessionToken.NameOf(record.Id, number), reply.Index);
    }

    /// <summary>Proposes items to the shards that have them.</summary>
    /// <param name="items">The items, each with its shard by the layout that the collection had when this began.</param>
    /// <param name="idOf">An item's point.</param>
    /// <param name="chunksOf">As many items as one command may hold, again and again.</param>
    /// <param name="command">A command out of items.</param>
    public async Task ProposeAsync<TItem>(IEnumerable<(int Shard, TItem Item)> items, Func<TItem, PointId> idOf, Func<IEnumerable<TItem>, IEnumerable<IReadOnlyList<TItem>>> chunksOf, Func<IReadOnlyList<TItem>, byte[]> command)
    {
        var left = items.ToList();
        using var wait = new SplitWait(collections, cancel);
        while (true)
        {
            var refused = new List<(int Shard, TItem Item)>();
            foreach (var part in left.GroupBy(each => each.Shard))
                foreach (var chunk in chunksOf(part.Select(each => each.Item)))
                    try
                    {
                        await ProposeAsync(part.Key, command(chunk)).ConfigureAwait(false);
                    }
                    catch (VectorFault fault) when (fault.IsMisdirected)
                    {
                        refused.AddRange(chunk.Select(item => (part.Key, item)));
                    }

            if (refused.Count == 0) return;
            var newest = await wait.NextAsync(record, last > 0).ConfigureAwait(false);
            left = [.. refused.Select(each => (SuccessorOf(newest, each.Shard, idOf(each.Item)), each.Item))];
            record = newest;
        }
    }

    /// <summary>Who has now what a shard had of an id.</summary>
    private int SuccessorOf(CollectionRecord newest, int shard, PointId id)
    {
        foreach (var successor in newest.Layout.Successors(shard, record.Layout.PartOf(shard)))
            if (newest.Layout.PartOf(successor).Has(id)) return successor;
        throw VectorFault.NotFound($"Shard {shard} not found");
    }
}

/// <summary>Waits for the end of a split that a request met: the moment until the directory knows it, or a crash of who drives it in between.</summary>
internal sealed class SplitWait : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly ICollections collections;
    private readonly CancellationToken cancel;
    private readonly CancellationTokenSource patience;
    private readonly PeriodicTimer timer = new(Look);

    /// <summary>Begins.</summary>
    public SplitWait(ICollections collections, CancellationToken cancel)
    {
        (this.collections, this.cancel) = (collections, cancel);
        patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
    }

    /// <summary>The collection as the directory's leader knows it, a moment later.</summary>
    /// <exception cref="VectorFault">It took too long, or the collection is gone.</exception>
    public async Task<CollectionRecord> NextAsync(CollectionRecord known, bool isHalfDone)
    {
        try
        {
            await timer.WaitForNextTickAsync(patience.Token).ConfigureAwait(false);
            await collections.CatchUpAsync(patience.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            const string Why = "a shard is being split, and it took too long";
            throw isHalfDone ? VectorFault.Unknown($"{Why}; a part of the request was done") : VectorFault.Unavailable(Why);
        }

        var newest = await collections.FindAsync(known.Name, cancel).ConfigureAwait(false);
        return newest?.Id == known.Id ? newest : throw VectorFault.NoSuchCollection(known.Name);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        timer.Dispose();
        patience.Dispose();
    }
}
