using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>A point as it is read: its row is immutable but for the payload.</summary>
internal readonly record struct PointRow(Segment Segment, int Row)
{
    /// <summary>Its name.</summary>
    public PointId Id => Segment.IdOf(Row);

    /// <summary>What it carries.</summary>
    public Payload Payload => Segment.PayloadOf(Row);
}

/// <summary>
/// What the face can do, whichever protocol asks: finds the collection, prepares what is written, sends each shard its part and merges what they answer. Nothing here is tried twice (S25); a write answers only
/// when a quorum has it, whatever the client asks for (S24).
/// </summary>
internal sealed class VectorFace(ICollections collections)
{
    /// <summary>A command's vectors take at most so many bytes: a loop that applies it has others waiting.</summary>
    private const int CommandBytesMax = 2 * 1024 * 1024;

    /// <summary>Which collections there are.</summary>
    public ICollections Collections => collections;

    /// <summary>The collection of that name.</summary>
    /// <exception cref="VectorFault">There is none.</exception>
    public async ValueTask<CollectionRecord> RequireAsync(string name, CancellationToken cancel) => await collections.FindAsync(name, cancel).ConfigureAwait(false) ?? throw VectorFault.NoSuchCollection(name);

    /// <summary>All shards of a collection.</summary>
    public async ValueTask<IShardGroup[]> ShardsAsync(CollectionRecord collection, CancellationToken cancel)
    {
        var shards = new IShardGroup[collection.Config.Shards];
        for (var shard = 0; shard < shards.Length; shard++) shards[shard] = await collections.ShardAsync(collection, shard, cancel).ConfigureAwait(false);
        return shards;
    }

    /// <summary>Writes whole points. Returns the last operation's number.</summary>
    public Task<ulong> UpsertAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, CancellationToken cancel) => WriteAsync(collection, points, ShardCommand.Upsert, cancel);

    /// <summary>Gives points new vectors where they are named.</summary>
    public Task<ulong> UpdateVectorsAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, CancellationToken cancel) => WriteAsync(collection, points, ShardCommand.UpdateVectors, cancel);

    /// <summary>Does something to points that are named.</summary>
    public async Task<ulong> ChangeAsync(CollectionRecord collection, IReadOnlyList<PointId> ids, Func<IReadOnlyList<PointId>, string, byte[]> command, CancellationToken cancel)
    {
        var last = 0UL;
        foreach (var part in ids.GroupBy(id => ShardOf(collection, id)))
        {
            var shard = await collections.ShardAsync(collection, part.Key, cancel).ConfigureAwait(false);
            foreach (var chunk in part.Chunk(CollectionLimits.PointsPerCommandMax)) last = Math.Max(last, (await shard.ProposeAsync(command(chunk, ""), cancel).ConfigureAwait(false)).Index.Value);
        }

        return last;
    }

    /// <summary>
    /// Does something to the points that pass a filter: their ids are found first and proposed in chunks, each with the filter, which is asked again at the entry's place in the log. Points that begin to pass
    /// meanwhile may be missed, as if the request had come before them.
    /// </summary>
    public async Task<ulong> ChangeAsync(CollectionRecord collection, Filter filter, Func<IReadOnlyList<PointId>, string, byte[]> command, CancellationToken cancel)
    {
        var last = 0UL;
        foreach (var shard in await ShardsAsync(collection, cancel).ConfigureAwait(false))
        {
            var state = await shard.ReadAsync(ReadLevel.Strong, cancel).ConfigureAwait(false);
            var ids = state.Store.Segments.SelectMany(segment => PointScan.IdsOf(segment, AdmittedRows.Of(filter, segment, state))).ToArray();
            foreach (var chunk in ids.Chunk(CollectionLimits.PointsPerCommandMax)) last = Math.Max(last, (await shard.ProposeAsync(command(chunk, filter.Json), cancel).ConfigureAwait(false)).Index.Value);
        }

        return last;
    }

    /// <summary>Proposes one command to every shard: for settings and payload indexes.</summary>
    public async Task<ulong> TellAllAsync(CollectionRecord collection, byte[] command, CancellationToken cancel)
    {
        var last = 0UL;
        foreach (var shard in await ShardsAsync(collection, cancel).ConfigureAwait(false)) last = Math.Max(last, (await shard.ProposeAsync(command, cancel).ConfigureAwait(false)).Index.Value);
        return last;
    }

    /// <summary>Points by their names, in that order; those that are not there are left out.</summary>
    public async Task<List<PointRow>> RetrieveAsync(CollectionRecord collection, IReadOnlyList<PointId> ids, ReadLevel level, CancellationToken cancel)
    {
        var found = new Dictionary<PointId, PointRow>();
        foreach (var part in ids.GroupBy(id => ShardOf(collection, id)))
        {
            var shard = await collections.ShardAsync(collection, part.Key, cancel).ConfigureAwait(false);
            foreach (var chunk in part.Chunk(1024))
                foreach (var row in await shard.OnLoopAsync(state => PointScan.Find(state, chunk), level, cancel).ConfigureAwait(false)) found[row.Id] = row;
        }

        return [.. ids.Distinct().Where(found.ContainsKey).Select(id => found[id])];
    }

    /// <summary>Points in the order of their names, from one on. The next one's name comes with them; null at the end.</summary>
    public async Task<(List<PointRow> Points, PointId? Next)> ScrollAsync(CollectionRecord collection, PointId? from, int limit, Filter? filter, ReadLevel level, CancellationToken cancel)
    {
        var all = new List<PointRow>();
        foreach (var shard in await ShardsAsync(collection, cancel).ConfigureAwait(false))
        {
            var (start, wanted) = (from, limit + 1);
            while (wanted > 0)
            {
                // In pages: an id list is read on the loop, and its rows are asked here.
                var page = await shard.OnLoopAsync(state => PointScan.Page(state, start, Math.Min(Math.Max(wanted, 256), 1024)), level, cancel).ConfigureAwait(false);
                var asked = filter?.WithWordsWhere(page.State.TextKeys);
                foreach (var row in page.Rows)
                {
                    if (wanted == 0) break;
                    if (asked is not null && !AdmittedRows.Passes(asked, row.Segment, row.Row, page.State)) continue;
                    all.Add(row);
                    wanted--;
                }

                if (page.Next is null) break;
                start = page.Next;
            }
        }

        all.Sort((one, other) => one.Id.CompareTo(other.Id));
        return all.Count > limit ? (all[..limit], all[limit].Id) : (all, null);
    }

    /// <summary>How many points pass.</summary>
    public async Task<long> CountAsync(CollectionRecord collection, Filter? filter, ReadLevel level, CancellationToken cancel)
    {
        var count = 0L;
        foreach (var shard in await ShardsAsync(collection, cancel).ConfigureAwait(false))
        {
            var state = await shard.ReadAsync(level, cancel).ConfigureAwait(false);
            count += filter is null ? state.Store.Count : state.Store.Segments.Sum(segment => (long)AdmittedRows.Of(filter, segment, state).Count);
        }

        return count;
    }

    /// <summary>The points closest to a vector, best first, over all shards.</summary>
    public async Task<List<ScoredRow>> NearestAsync(CollectionRecord collection, NearestQuery query, ReadLevel level, CancellationToken cancel)
    {
        var shards = await ShardsAsync(collection, cancel).ConfigureAwait(false);
        var merged = new List<ScoredRow>();
        foreach (var shard in shards) merged.AddRange(ShardSearch.Nearest(await shard.ReadAsync(level, cancel).ConfigureAwait(false), query));
        if (shards.Length == 1) return merged;
        var isSimilarity = Kernels.DistanceRules.IsSimilarity(collection.Config.Columns[query.Column].Distance);
        merged.Sort((one, other) => one.Score != other.Score ? (isSimilarity ? other.Score.CompareTo(one.Score) : one.Score.CompareTo(other.Score)) : one.Id.CompareTo(other.Id));
        return merged.Count > query.Limit ? merged[..query.Limit] : merged;
    }

    /// <summary>The shard that an id belongs to.</summary>
    public static int ShardOf(CollectionRecord collection, in PointId id) => (int)(id.StableHash % (ulong)collection.Config.Shards);

    private async Task<ulong> WriteAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, Func<IReadOnlyList<PointWrite>, Func<string, int>, byte[]> command, CancellationToken cancel)
    {
        var config = collection.Config;
        var prepared = new List<PointWrite>(points.Count);
        foreach (var point in points) prepared.Add(point with { Vectors = [.. point.Vectors.Select(vector => VectorNorm.Prepare(vector, config.Columns[config.ColumnOf(vector.Name)]))] });
        var most = Math.Clamp(CommandBytesMax / Math.Max(64, config.Columns.Sum(column => column.Size * sizeof(float))), 1, CollectionLimits.PointsPerCommandMax);
        var last = 0UL;
        foreach (var part in prepared.GroupBy(point => ShardOf(collection, point.Id)))
        {
            var shard = await collections.ShardAsync(collection, part.Key, cancel).ConfigureAwait(false);
            foreach (var chunk in part.Chunk(most)) last = Math.Max(last, (await shard.ProposeAsync(command(chunk, config.ColumnOf), cancel).ConfigureAwait(false)).Index.Value);
        }

        return last;
    }
}
