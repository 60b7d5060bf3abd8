using System.Diagnostics;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Kernels;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Facade;

/// <summary>Makes a command out of the ids of one shard and the filter that is asked again.</summary>
internal delegate byte[] CommandOf(IReadOnlyList<PointId> ids, string filter);

/// <summary>
/// What the face can do, whichever protocol asks: finds the collection, prepares what is written, sends each shard its part and merges what they answer. Nothing here is tried twice (S25); a write answers only
/// when a quorum has it, whatever the client asks for (S24).
/// </summary>
internal sealed class VectorFace(ICollections collections, WriteFence? fence = null, WriteTurn? turn = null)
{
    /// <summary>A command's vectors take at most so many bytes: a loop that applies it has others waiting.</summary>
    private const int CommandBytesMax = 2 * 1024 * 1024;

    /// <summary>Points whose content is asked for along with the search; of more, names and scores come first, and the content of what is left in pieces.</summary>
    private const int ContentAtOnceMax = 1000;

    /// <summary>Points whose content one question asks for.</summary>
    private const int ContentPerQuestion = 128;

    /// <summary>Which collections there are.</summary>
    public ICollections Collections => collections;

    /// <summary>Points of one command at most.</summary>
    internal int PointsPerCommand { get; init; } = CollectionLimits.PointsPerCommandMax;

    /// <summary>A planted bug.</summary>
    internal PlantedWriteBug Bug { get; init; }

    /// <summary>The same, for a request that writes under a lock, or in a turn that ends when it is proposed.</summary>
    public VectorFace Under(WriteFence? held, WriteTurn? taken = null) => held is null && taken is null ? this : new VectorFace(collections, held, taken) { PointsPerCommand = PointsPerCommand, Bug = Bug };

    /// <summary>The collection of that name.</summary>
    /// <exception cref="VectorFault">There is none.</exception>
    public async ValueTask<CollectionRecord> RequireAsync(string name, CancellationToken cancel) => await collections.FindAsync(name, cancel).ConfigureAwait(false) ?? throw VectorFault.NoSuchCollection(name);

    /// <summary>Writes whole points. Their vectors are brought to length one where they are.</summary>
    public Task<WriteDone> UpsertAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, IReadOnlyList<string>? keys, CancellationToken cancel) => WriteAsync(collection, points, ShardCommand.Upsert, keys, cancel);

    /// <summary>Writes whole points where a rule, asked at their place in the log, lets it.</summary>
    public Task<WriteDone> UpsertAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, UpsertRule rule, IReadOnlyList<string>? keys, CancellationToken cancel) =>
        rule.IsAnything ? UpsertAsync(collection, points, keys, cancel) : WriteAsync(collection, points, (chunk, columnOf) => ShardCommand.UpsertWhere(chunk, columnOf, rule), keys, cancel);

    /// <summary>Gives points new vectors where they are named; of those that pass a filter, asked at their place in the log, if there is one.</summary>
    public Task<WriteDone> UpdateVectorsAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, Filter? filter, IReadOnlyList<string>? keys, CancellationToken cancel) =>
        filter is null ? WriteAsync(collection, points, ShardCommand.UpdateVectors, keys, cancel) : UpsertAsync(collection, points, new UpsertRule(UpsertMode.Vectors, filter.Json), keys, cancel);

    /// <summary>Does something to points that are named. Where clients name shards and this one did not, every shard is told.</summary>
    public async Task<WriteDone> ChangeAsync(CollectionRecord collection, IReadOnlyList<PointId> ids, CommandOf command, IReadOnlyList<string>? keys, CancellationToken cancel)
    {
        var writes = WritesTo(collection, cancel);
        await ProposeAsync(writes, ShardsOf(collection, ids, keys), chunk => command(chunk, "")).ConfigureAwait(false);

        // Where every shard was told because nobody knows which of them has it, it is missing in all but one.
        return collection.Config.Rules.IsCustomSharded && keys is null ? writes.Result with { Missed = null } : writes.Result;
    }

    /// <summary>
    /// Does something to the points that pass a filter: their ids are found first and proposed in chunks, each with the filter, which is asked again at the entry's place in the log. Points that begin to pass
    /// meanwhile may be missed, as if the request had come before them.
    /// </summary>
    public async Task<WriteDone> ChangeAsync(CollectionRecord collection, Filter filter, CommandOf command, IReadOnlyList<string>? keys, CancellationToken cancel)
    {
        var writes = WritesTo(collection, cancel);
        var scope = ReadScope.Strong(cancel);
        foreach (var number in collection.Layout.Meant(keys))
        {
            var found = await AskAsync(collection, number, new NamesQuestion { Filter = filter }, scope).ConfigureAwait(false);
            await ProposeAsync(writes, found.Points.Select(point => (number, point.Id)), chunk => command(chunk, filter.Json)).ConfigureAwait(false);
        }

        return writes.Result;
    }

    /// <summary>
    /// Changes the payload indexes of every shard. The directory knows nothing of them, so who goes by a layout that a split has passed meanwhile tells a source that has let go already, and nobody the target: whatever
    /// shards the directory names afterwards are told too.
    /// </summary>
    public async Task<WriteDone> IndexAsync(CollectionRecord collection, byte[] command, CancellationToken cancel)
    {
        var writes = WritesTo(collection, cancel);
        var told = new HashSet<int>();
        for (var record = collection; ;)
        {
            foreach (var number in record.Layout.WithGroups)
                if (told.Add(number)) await writes.ProposeAsync(number, command).ConfigureAwait(false);
            await collections.CatchUpAsync(cancel).ConfigureAwait(false);
            if (await collections.FindAsync(collection.Name, cancel).ConfigureAwait(false) is not { } newest || newest.Id != collection.Id || newest.Layout.WithGroups.All(told.Contains)) return writes.Result;
            writes.Follow(record = newest);
        }
    }

    /// <summary>Proposes one command to every shard: for settings, which the directory has too.</summary>
    public async Task<WriteDone> TellAllAsync(CollectionRecord collection, byte[] command, CancellationToken cancel)
    {
        var writes = WritesTo(collection, cancel);
        foreach (var number in collection.Layout.WithGroups) await writes.ProposeAsync(number, command).ConfigureAwait(false);
        return writes.Result;
    }

    /// <summary>Points by their names, in that order; those that are not there are left out.</summary>
    public async Task<List<FoundPoint>> RetrieveAsync(CollectionRecord collection, IReadOnlyList<PointId> ids, ContentWanted wanted, ReadScope scope)
    {
        var found = new Dictionary<PointId, FoundPoint>();
        if (collection.Layout.Meant(scope.Keys).Count == 0) return [];
        foreach (var (shard, part) in ShardsOf(collection, ids, scope.Keys).GroupBy(each => each.Shard, each => each.Id).Select(part => (part.Key, part)))
            foreach (var chunk in part.Chunk(wanted.Columns != 0 ? ContentPerQuestion : 1024))
                foreach (var point in (await AskAsync(collection, shard, new RetrieveQuestion(chunk) { Wanted = wanted }, scope).ConfigureAwait(false)).Points) found[point.Id] = point with { Shard = shard };
        return [.. ids.Distinct().Where(found.ContainsKey).Select(id => found[id])];
    }

    /// <summary>Points in the order of their names, from one on. The next one's name comes with them; null at the end.</summary>
    public async Task<(List<FoundPoint> Points, PointId? Next)> ScrollAsync(CollectionRecord collection, PointId? from, int limit, Filter? filter, ContentWanted wanted, ReadScope scope)
    {
        var all = new List<FoundPoint>();
        foreach (var shard in collection.Layout.Meant(scope.Keys))
        {
            var (start, left) = (from, limit + 1);
            while (left > 0)
            {
                var page = await AskAsync(collection, shard, new PageQuestion(start, left) { Filter = filter, Wanted = wanted }, scope).ConfigureAwait(false);
                all.AddRange(page.Points.Select(point => point with { Shard = shard }));
                left -= page.Points.Count;
                if (page.Next is null) break;
                start = page.Next;
            }
        }

        all.Sort((one, other) => one.Id.CompareTo(other.Id));
        return all.Count > limit ? (all[..limit], all[limit].Id) : (all, null);
    }

    /// <summary>Points in the order of a payload's values.</summary>
    public async Task<List<FoundPoint>> OrderedAsync(CollectionRecord collection, ValueOrder order, int limit, Filter? filter, ContentWanted wanted, ReadScope scope)
    {
        var all = await AskAllAsync(collection, new OrderedQuestion(order, limit) { Filter = filter, Wanted = wanted }, scope).ConfigureAwait(false);
        return [.. (order.IsDescending ? all.OrderByDescending(point => point.Order!.Value.Number) : all.OrderBy(point => point.Order!.Value.Number)).ThenBy(point => point.Id).Take(limit)];
    }

    /// <summary>How many points pass.</summary>
    public async Task<long> CountAsync(CollectionRecord collection, Filter? filter, ReadScope scope) =>
        (await AnswersAsync(collection, new CountQuestion { Filter = filter }, scope).ConfigureAwait(false)).Sum(answer => answer.Count);

    /// <summary>Values at a key, and how many points have each; the most frequent first.</summary>
    public async Task<List<KeyValuePair<string, long>>> FacetAsync(CollectionRecord collection, string key, int limit, Filter? filter, ReadScope scope)
    {
        var answers = await AnswersAsync(collection, new FacetQuestion(key) { Filter = filter }, scope).ConfigureAwait(false);
        return [.. answers.SelectMany(answer => answer.Values).GroupBy(each => each.Key, StringComparer.Ordinal).Select(each => new KeyValuePair<string, long>(each.Key, each.Sum(one => one.Value)))
            .OrderByDescending(each => each.Value).ThenBy(each => each.Key, StringComparer.Ordinal).Take(limit)];
    }

    /// <summary>So many points, drawn by lot.</summary>
    public async Task<List<FoundPoint>> SampleAsync(CollectionRecord collection, int limit, int column, Filter? filter, ContentWanted wanted, ReadScope scope)
    {
        var all = await AskAllAsync(collection, new SampleQuestion(limit, (ulong)Random.Shared.NextInt64()) { Column = column, Filter = filter, Wanted = wanted }, scope).ConfigureAwait(false);
        var drawn = all.ToArray();
        Random.Shared.Shuffle(drawn);
        return [.. drawn.Take(limit)];
    }

    /// <summary>The points closest to a vector, best first, over all shards.</summary>
    public async Task<List<FoundPoint>> NearestAsync(CollectionRecord collection, NearestQuery query, ContentWanted wanted, ReadScope scope)
    {
        var isSimilarity = collection.Config.Columns[query.Column].Distance.IsSimilarity();
        var found = await AskAllAsync(collection, new NearestQuestion(query with { Filter = null }) { Filter = query.Filter, Wanted = query.Limit > ContentAtOnceMax ? ContentWanted.Nothing : wanted }, scope).ConfigureAwait(false);
        Rank(found, isSimilarity);
        if (found.Count > query.Limit) found.RemoveRange(query.Limit, found.Count - query.Limit);
        return query.Limit > ContentAtOnceMax ? await FillAsync(collection, found, wanted, scope).ConfigureAwait(false) : found;
    }

    /// <summary>Points scored by several examples.</summary>
    public async Task<List<FoundPoint>> ExamplesAsync(CollectionRecord collection, ExampleQuestion question, ReadScope scope)
    {
        var found = await AskAllAsync(collection, question with { Wanted = question.Limit > ContentAtOnceMax ? ContentWanted.Nothing : question.Wanted }, scope).ConfigureAwait(false);
        Rank(found, isSimilarity: true);
        if (found.Count > question.Limit) found.RemoveRange(question.Limit, found.Count - question.Limit);
        return question.Limit > ContentAtOnceMax ? await FillAsync(collection, found, question.Wanted, scope).ConfigureAwait(false) : found;
    }

    /// <summary>The shards' counters, in their order.</summary>
    public async Task<List<(int Shard, ShardAnswer Answer)>> FactsAsync(CollectionRecord collection, ReadScope scope)
    {
        var facts = new List<(int Shard, ShardAnswer Answer)>();
        foreach (var shard in collection.Layout.Numbers) facts.Add((shard, await AskAsync(collection, shard, new FactsQuestion(), scope).ConfigureAwait(false)));
        return facts;
    }

    /// <summary>Gives points the content that is wanted; one that is gone meanwhile is left out.</summary>
    public async Task<List<FoundPoint>> FillAsync(CollectionRecord collection, IReadOnlyList<FoundPoint> points, ContentWanted wanted, ReadScope scope)
    {
        if (!wanted.IsAnything || points.Count == 0) return [.. points];
        var content = (await RetrieveAsync(collection, [.. points.Select(point => point.Id)], wanted, scope).ConfigureAwait(false)).ToDictionary(point => point.Id);
        return [.. points.Where(point => content.ContainsKey(point.Id)).Select(point => content[point.Id] with { Score = point.Score, Order = point.Order, Shard = point.Shard })];
    }

    private static void Rank(List<FoundPoint> points, bool isSimilarity) =>
        points.Sort((one, other) => one.Score != other.Score ? (isSimilarity ? other.Score.CompareTo(one.Score) : one.Score.CompareTo(other.Score)) : one.Id.CompareTo(other.Id));

    private async Task<List<FoundPoint>> AskAllAsync(CollectionRecord collection, ShardQuestion question, ReadScope scope)
    {
        var numbers = collection.Layout.Meant(scope.Keys);
        var answers = await AnswersAsync(collection, question, scope).ConfigureAwait(false);
        return [.. answers.SelectMany((answer, at) => numbers.Count == 1 ? answer.Points : answer.Points.Select(point => point with { Shard = numbers[at] }))];
    }

    /// <summary>All shards are asked at once: those on other nodes work while this node's own are searched.</summary>
    private Task<ShardAnswer[]> AnswersAsync(CollectionRecord collection, ShardQuestion question, ReadScope scope) =>
        Task.WhenAll(collection.Layout.Meant(scope.Keys).Select(shard => AskAsync(collection, shard, question, scope)));

    private async Task<ShardAnswer> AskAsync(CollectionRecord collection, int number, ShardQuestion question, ReadScope scope)
    {
        turn?.Dispose(); // Who asks before it writes waits for others.
        using var search = WriteTurns.Search(collections.Turns, question);
        var (begun, part) = (Stopwatch.GetTimestamp(), collection.Layout.PartOf(number));
        try
        {
            var shard = await collections.ShardAsync(collection, number, scope.Cancel).ConfigureAwait(false);
            var answer = await shard.AskAsync(part == HashPart.All ? question : question with { Part = part }, scope.DemandOf(collection, number), scope.Cancel).ConfigureAwait(false);
            scope.See(new ShardSeen(number, question.GetType().Name.Replace("Question", "", StringComparison.Ordinal).ToLowerInvariant(), answer, (long)Stopwatch.GetElapsedTime(begun).TotalMicroseconds, VectorBytesOf(collection, question, answer)));
            return answer;
        }
        catch (VectorFault fault) when (fault.IsMisdirected)
        {
            return await AskSuccessorsAsync(collection, number, question, scope).ConfigureAwait(false);
        }
        catch (VectorFault fault) when (fault.Status == 503 && scope.MayMiss(number))
        {
            return new ShardAnswer();
        }
    }

    /// <summary>The shard was split after the collection was looked up: those that have now what it had are asked, as soon as the directory names them.</summary>
    private async Task<ShardAnswer> AskSuccessorsAsync(CollectionRecord collection, int number, ShardQuestion question, ReadScope scope)
    {
        var part = collection.Layout.PartOf(number);
        using var wait = new SplitWait(collections, scope.Cancel);
        while (true)
        {
            var newest = await wait.NextAsync(collection, isHalfDone: false).ConfigureAwait(false);
            if (!newest.Layout.Numbers.Contains(number)) throw VectorFault.NotFound($"Shard {number} not found");
            if (newest.Layout.PartOf(number) == part) continue;
            return AnswersMerged.Of(await Task.WhenAll(newest.Layout.Successors(number, part).Select(each => AskAsync(newest, each, question, scope))).ConfigureAwait(false));
        }
    }

    /// <summary>Each id with the shard that has it; where clients name shards and this one did not, with one behind every key.</summary>
    private static IEnumerable<(int Shard, PointId Id)> ShardsOf(CollectionRecord collection, IReadOnlyList<PointId> ids, IReadOnlyList<string>? keys)
    {
        var layout = collection.Layout;
        if (!collection.Config.Rules.IsCustomSharded) return ids.Distinct().Select(id => (layout.ShardOf(null, id), id));
        return ids.Distinct().SelectMany(id => keys is null ? layout.ShardsOfAnyKey(id).Select(shard => (shard, id)) : keys.Select(key => (layout.ShardOf([key], id), id)));
    }

    private ShardWrites WritesTo(CollectionRecord collection, CancellationToken cancel) => new(collections, collection, fence, cancel) { Turn = turn, Bug = Bug };

    private Task ProposeAsync(ShardWrites writes, IEnumerable<(int Shard, PointId Id)> ids, Func<IReadOnlyList<PointId>, byte[]> command) =>
        writes.ProposeAsync(ids, static id => id, ids => ids.Chunk(PointsPerCommand), command);

    private async Task<WriteDone> WriteAsync(CollectionRecord collection, IReadOnlyList<PointWrite> points, Func<IReadOnlyList<PointWrite>, Func<string, int>, byte[]> command, IReadOnlyList<string>? keys, CancellationToken cancel)
    {
        var config = collection.Config;
        if (config.Rules.IsCustomSharded && keys is null) throw VectorFault.BadInput("Shard key not specified");
        if (collection.Layout.Meant(keys).Count == 0) throw VectorFault.BadInput("the collection has no shards yet: create a shard key first");
        var prepared = new List<PointWrite>(points.Count);
        for (var at = 0; at < points.Count; at++)
        {
            var place = at;
            prepared.Add(points[at] with { Vectors = [.. points[at].Vectors.Select(vector => VectorNorm.PrepareOwn(vector, config.Columns[config.ColumnOf(vector.Name)], place))] });
        }

        var writes = WritesTo(collection, cancel);
        await writes.ProposeAsync(prepared.Select(point => (collection.Layout.ShardOf(keys, point.Id), point)), static point => point.Id, chunked => Commands(chunked, PointsPerCommand), chunk => command(chunk, config.ColumnOf)).ConfigureAwait(false);
        return writes.Result with { VectorBytes = prepared.Sum(point => point.Vectors.Sum(VectorBytesOf)), PayloadBytes = prepared.Sum(point => (long)point.Payload.Json.Length) };
    }

    private static long VectorBytesOf(NamedVector vector) => (vector.Values.Length + (vector.Indices?.Length ?? 0)) * (long)sizeof(float);

    private static long VectorBytesOf(CollectionRecord collection, ShardQuestion question, ShardAnswer answer) => question switch
    {
        NearestQuestion nearest => answer.Traces.Sum(trace => (long)trace.Visited) * collection.Config.Columns[nearest.Query.Column].RowBytes,
        _ => answer.Points.Sum(point => point.Vectors.Sum(VectorBytesOf)),
    };

    /// <summary>As many points as one command may hold, again and again.</summary>
    internal static IEnumerable<IReadOnlyList<PointWrite>> Commands(IEnumerable<PointWrite> points, int pointsMax = CollectionLimits.PointsPerCommandMax)
    {
        var (command, bytes) = (new List<PointWrite>(), 0L);
        foreach (var point in points)
        {
            var size = 64 + point.Payload.Json.Length + point.Vectors.Sum(VectorBytesOf);
            if (command.Count > 0 && (command.Count == pointsMax || bytes + size > CommandBytesMax))
            {
                yield return command;
                (command, bytes) = ([], 0);
            }

            command.Add(point);
            bytes += size;
        }

        if (command.Count > 0) yield return command;
    }
}
