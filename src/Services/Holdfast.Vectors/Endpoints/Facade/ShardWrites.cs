using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Mistakes that can only be made when a request is sent to its shards; planted by a world of the tests, which must find each.</summary>
internal enum PlantedWriteBug : byte
{
    /// <summary>As it is.</summary>
    None = 0,

    /// <summary>Behind a command that a shard refused the next one is sent to it.</summary>
    PassesWhatWasRefused,

    /// <summary>What a shard is known to refuse is found out when it is asked, and others have done their part.</summary>
    ForeseesNothing,
}

/// <summary>
/// Sends each shard its part of a write, all shards at once, and the commands of one shard one after another: of two points of one name in a request the later one stays. What a shard refuses because it is being split was
/// certainly not done: it is sent again, to whoever the directory says has it then, and so is what stands behind it. Nothing else is ever sent twice (S25). What is known to be refused is refused before any shard has
/// done anything.
/// </summary>
internal sealed class ShardWrites(ICollections collections, CollectionRecord collection, WriteFence? fence, CancellationToken cancel)
{
    private readonly SessionToken session = new();
    private CollectionRecord record = collection;
    private ulong last;
    private PointId? missed;

    /// <summary>Ends when the first commands are made: what waits for a quorum needs no turn.</summary>
    public WriteTurn? Turn { get; init; }

    /// <summary>A planted bug.</summary>
    internal PlantedWriteBug Bug { get; init; }

    /// <summary>What became of it.</summary>
    public WriteDone Result => new(last, session) { Missed = missed };

    /// <summary>Goes on by a newer layout.</summary>
    public void Follow(CollectionRecord newest) => record = newest;

    /// <summary>Proposes to one shard.</summary>
    public async Task ProposeAsync(int number, byte[] command)
    {
        Turn?.Dispose();
        var shard = await collections.ShardAsync(record, number, cancel).ConfigureAwait(false);
        Take(number, await shard.ProposeAsync(Fenced(command), cancel).ConfigureAwait(false));
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
            var parts = left.GroupBy(each => each.Shard).Select(part => new Part<TItem>(part.Key, [.. chunksOf(part.Select(each => each.Item))])).ToList();
            foreach (var part in parts) part.First = Fenced(command(part.Chunks[0]));
            Turn?.Dispose();
            if (parts.Count > 1 && Bug != PlantedWriteBug.ForeseesNothing)
                foreach (var part in parts) await (await collections.ShardAsync(record, part.Shard, cancel).ConfigureAwait(false)).ForeseeAsync(part.First, cancel).ConfigureAwait(false);
            await Task.WhenAll(parts.Select(part => SendAsync(part, command))).ConfigureAwait(false);
            foreach (var part in parts) foreach (var reply in part.Replies) Take(part.Shard, reply);
            if (parts.Select(static part => part.Fault).OfType<VectorFault>().MinBy(static each => each.Status == 500 ? 0 : 1) is { } fault) throw last > 0 ? fault.HalfDone() : fault;
            if (parts.All(static part => part.Refused.Count == 0)) return;
            var newest = await wait.NextAsync(record, last > 0).ConfigureAwait(false);
            left = [.. parts.SelectMany(part => part.Refused.Select(item => (SuccessorOf(newest, part.Shard, idOf(item)), item)))];
            record = newest;
        }
    }

    private async Task SendAsync<TItem>(Part<TItem> part, Func<IReadOnlyList<TItem>, byte[]> command)
    {
        try
        {
            for (var at = 0; at < part.Chunks.Count; at++)
            {
                if (part.Refused.Count > 0 && Bug != PlantedWriteBug.PassesWhatWasRefused) part.Refused.AddRange(part.Chunks[at]);
                else await SendAsync(part, part.Chunks[at], at == 0 ? part.First : Fenced(command(part.Chunks[at]))).ConfigureAwait(false);
            }
        }
        catch (VectorFault fault)
        {
            part.Fault = fault;
        }
    }

    private async Task SendAsync<TItem>(Part<TItem> part, IReadOnlyList<TItem> chunk, byte[] command)
    {
        try
        {
            var shard = await collections.ShardAsync(record, part.Shard, cancel).ConfigureAwait(false);
            part.Replies.Add(await shard.ProposeAsync(command, cancel).ConfigureAwait(false));
        }
        catch (VectorFault fault) when (fault.IsMisdirected)
        {
            part.Refused.AddRange(chunk);
        }
    }

    private byte[] Fenced(byte[] command) => fence?.Around(command) ?? command;

    private void Take(int number, ShardReply reply)
    {
        last = Math.Max(last, reply.Index.Value);
        missed ??= reply.Missed;
        session.Raise(SessionToken.NameOf(record.Id, number), reply.Index);
    }

    /// <summary>Who has now what a shard had of an id.</summary>
    private int SuccessorOf(CollectionRecord newest, int shard, PointId id)
    {
        foreach (var successor in newest.Layout.Successors(shard, record.Layout.PartOf(shard)))
            if (newest.Layout.PartOf(successor).Has(id)) return successor;
        throw VectorFault.NotFound($"Shard {shard} not found");
    }

    /// <summary>What one shard is sent, and what came of it; only its own sender writes here.</summary>
    private sealed class Part<TItem>(int shard, IReadOnlyList<IReadOnlyList<TItem>> chunks)
    {
        public int Shard => shard;

        public IReadOnlyList<IReadOnlyList<TItem>> Chunks => chunks;

        /// <summary>The first command: made in the request's turn, as most requests have no other.</summary>
        public byte[] First { get; set; } = [];

        public List<ShardReply> Replies { get; } = [];

        public List<TItem> Refused { get; } = [];

        public VectorFault? Fault { get; set; }
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
