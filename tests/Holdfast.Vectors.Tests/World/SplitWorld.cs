using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;
using Holdfast.Vectors.Tests.Endpoints;

namespace Holdfast.Vectors.Tests.World;

/// <summary>
/// A shard that is split while clients write and read it, from one seed: two drivers take turns call by call, and die before or after any of them; clients know the newest layout or an old one. What was
/// acknowledged is read, once, whatever happens.
/// </summary>
internal sealed class SplitWorld
{
    private const int Ids = 24;
    private const int StepsMax = 4000;

    private readonly SeededRandom dice;
    private readonly LocalCollections collections;
    private readonly VectorFace face;
    private readonly PlantedSplitBug bug;
    private readonly string?[] model = new string?[Ids];
    private readonly ulong[] fences = new ulong[Ids];
    private readonly ConcurrentDictionary<int, bool> busy = new();
    private readonly List<Task> waiting = [];
    private readonly List<CollectionRecord> layouts = [];
    private readonly List<Driver> drivers = [];
    private int written;
    private ulong token = 1;
    private readonly bool givesUp;

    /// <summary>Payload indexes that clients made, in one world of four; of dice of its own.</summary>
    private readonly List<string> indexes = [];
    private readonly SeededRandom? indexDice;

    /// <summary>In one world of four clients write a point twice in one request, which goes as several commands; of dice of its own.</summary>
    private readonly SeededRandom? pairDice;
    private int patience;

    public SplitWorld(ulong seed, PlantedShardBug shardBug, PlantedSplitBug bug, PlantedWriteBug writeBug = PlantedWriteBug.None)
    {
        (dice, this.bug, givesUp, indexDice) = (new SeededRandom(seed), bug, seed % 3 == 0, seed % 4 == 1 ? new SeededRandom(seed ^ 0x1DE7) : null);
        collections = new LocalCollections(null, bug: shardBug);
        pairDice = seed % 4 == 3 ? new SeededRandom(seed ^ 0x2A1B) : null;
        face = new VectorFace(collections) { PointsPerCommand = 2, Bug = writeBug };
    }

    /// <summary>How many drivers died.</summary>
    public int Crashes { get; private set; }

    /// <summary>How many writes were refused because of a newer token.</summary>
    public int Fenced { get; private set; }

    /// <summary>How many payload indexes were made while the shard was split.</summary>
    public int Indexes => indexes.Count;

    /// <summary>How many requests wrote a point twice.</summary>
    public int Twice { get; private set; }

    /// <summary>Whether the split was given up.</summary>
    public bool GaveUp { get; private set; }

    public async Task RunAsync()
    {
        using var config = System.Text.Json.JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"},"shard_number":1}""");
        Assert.True(await collections.CreateAsync("c", CollectionConfig.Create(config.RootElement, 1), default));
        layouts.Add((await collections.FindAsync("c", default))!);
        for (var id = 0; id < Ids; id++) await ActAsync();
        Assert.True(await collections.UpdateAsync(layouts[^1], layouts[^1].Config, layouts[^1].Layout.Splitting(0), default));
        var mayCrash = true;
        for (var step = 0; step < StepsMax; step++)
        {
            var record = (await collections.FindAsync("c", default))!;
            if (layouts[^1] != record) layouts.Add(record);
            if (record.Layout.Split is null) break;
            mayCrash &= step < StepsMax / 2; // A world in which everybody always dies ends nowhere.
            drivers.RemoveAll(driver => driver.Task.IsCompleted);
            if (drivers.Count < (mayCrash ? 2 : 1)) drivers.Add(new Driver(collections, record, bug));
            if (pairDice?.Chance(0.1) == true) await WriteTwiceAsync(layouts[pairDice.Next(layouts.Count)], pairDice.Next(Ids), pairDice.Next(Ids));
            if (indexDice?.Chance(0.05) == true) await IndexAsync(layouts[indexDice.Next(layouts.Count)]);
            if (givesUp && dice.Chance(0.002)) GaveUp |= await SplitRunner.GiveUpAsync(collections, record, default);
            else if (dice.Chance(0.4)) await ActAsync();
            else await AdvanceAsync(drivers[patience-- > 0 ? 0 : Favour()], mayCrash);
        }

        var end = (await collections.FindAsync("c", default))!.Layout;
        Assert.Null(end.Split);
        Assert.Equal(GaveUp ? 1 : 2, end.Numbers.Count);

        // Who was still at it goes on for as long as it likes: nobody listens any more.
        foreach (var driver in drivers)
            while (!driver.Task.IsCompleted)
            {
                await ActAsync();
                await AdvanceAsync(driver, mayCrash: false);
            }

        await Task.WhenAll(waiting);
        layouts.Add((await collections.FindAsync("c", default))!);
        for (var more = 0; more < Ids; more++) await ActAsync();
        await Task.WhenAll(waiting);
        await CheckAllAsync();
    }

    /// <summary>One driver is let go on for some calls in a row, so that the other one's knowledge grows old.</summary>
    private int Favour()
    {
        patience = dice.Next(25);
        drivers.Reverse();
        return 0;
    }

    private async Task AdvanceAsync(Driver driver, bool mayCrash)
    {
        var crash = mayCrash && dice.Chance(0.01) ? dice.Chance(0.5) ? Turn.DieBefore : Turn.DieAfter : Turn.Go;
        if (crash != Turn.Go) Crashes++;
        await driver.AdvanceAsync(crash);
    }

    /// <summary>A client does something to a point that nobody is at just now.</summary>
    private async Task ActAsync()
    {
        var id = dice.Next(Ids);
        if (!busy.TryAdd(id, true)) return;
        var record = layouts[dice.Chance(0.5) ? layouts.Count - 1 : dice.Next(layouts.Count)];
        var task = dice.Next(6) switch
        {
            5 => WriteFencedAsync(record, id, $"f{written++}", dice.Chance(0.1) ? ++token : Math.Max(1, token - (ulong)dice.Next(3))),
            0 => DeleteAsync(record, id),
            1 => ReadAsync(record, id),
            2 => SetAsync(record, id, $"s{written++}"),
            _ => WriteAsync(record, id, $"w{written++}"),
        };
        if (task.IsCompleted) await task;
        else waiting.Add(task);
    }

    private async Task WriteAsync(CollectionRecord record, int id, string text)
    {
        await face.UpsertAsync(record, [Point(id, text)], null, default);
        model[id] = text;
        busy.TryRemove(id, out _);
    }

    /// <summary>A point, another one, and the first again: a shard that refuses the first command for the other's sake may not take the second, or the first would come after it.</summary>
    private async Task WriteTwiceAsync(CollectionRecord record, int id, int other)
    {
        if (id == other || !busy.TryAdd(id, true)) return;
        if (!busy.TryAdd(other, true))
        {
            busy.TryRemove(id, out _);
            return;
        }

        Twice++;
        var (earlier, later) = ($"p{written++}", $"q{written++}");
        var task = WriteAsync();
        if (task.IsCompleted) await task;
        else waiting.Add(task);

        async Task WriteAsync()
        {
            await face.UpsertAsync(record, [Point(id, earlier), Point(other, earlier), Point(id, later)], null, default);
            (model[id], model[other]) = (later, earlier);
            busy.TryRemove(id, out _);
            busy.TryRemove(other, out _);
        }
    }

    private static PointWrite Point(int id, string text) => new(PointId.Of((ulong)id), PayloadOf(text), [new NamedVector("", [id, 1])]);

    /// <summary>A holder of the one lock writes, or one who was: a point that was written under a newer token takes nothing from him, whichever shard has it by then (S22).</summary>
    private async Task WriteFencedAsync(CollectionRecord record, int id, string text, ulong held)
    {
        try
        {
            await face.Under(new WriteFence("lock"u8.ToArray(), new FencingToken(held))).UpsertAsync(record, [Point(id, text)], null, default);
            Assert.True(held >= fences[id], $"point {id} was written under token {held}, and had been under {fences[id]}");
            (model[id], fences[id]) = (text, held);
        }
        catch (VectorFault fault) when (fault.Status == 412)
        {
            Fenced++;
        }

        busy.TryRemove(id, out _);
    }

    private async Task SetAsync(CollectionRecord record, int id, string text)
    {
        await face.ChangeAsync(record, [PointId.Of((ulong)id)], (ids, filter) => ShardCommand.SetPayload(ids, PayloadOf(text), "", filter), null, default);
        if (model[id] is not null) model[id] = text;
        busy.TryRemove(id, out _);
    }

    private async Task DeleteAsync(CollectionRecord record, int id)
    {
        await face.ChangeAsync(record, [PointId.Of((ulong)id)], ShardCommand.Delete, null, default);
        model[id] = null;
        busy.TryRemove(id, out _);
    }

    private async Task ReadAsync(CollectionRecord record, int id)
    {
        var found = await face.RetrieveAsync(record, [PointId.Of((ulong)id)], new ContentWanted(true, 0), ReadScope.Strong(default));
        Assert.Equal(model[id], found.Count == 0 ? null : TextOf(found.Single().Payload));
        busy.TryRemove(id, out _);
    }

    private async Task IndexAsync(CollectionRecord record)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"k{indexes.Count}");
        await face.IndexAsync(record, ShardCommand.CreateIndex(key, "\"keyword\""), default);
        indexes.Add(key);
    }

    private async Task CheckAllAsync()
    {
        foreach (var (shard, answer) in await face.FactsAsync(layouts[^1], ReadScope.Strong(default)))
            Assert.True(indexes.Order(StringComparer.Ordinal).SequenceEqual(answer.Facts!.Indexes.Select(each => each.Key)), $"shard {shard} has other payload indexes than were made");
        foreach (var record in layouts)
        {
            var (points, next) = await face.ScrollAsync(record, null, 1000, null, new ContentWanted(true, 0), ReadScope.Strong(default));
            Assert.Null(next);
            var there = Enumerable.Range(0, Ids).Where(id => model[id] is not null).ToArray();
            Assert.Equal(there.Select(id => (Id: PointId.Of((ulong)id), Text: model[id]!)), points.Select(point => (point.Id, TextOf(point.Payload))));
            Assert.Equal(there.Length, await face.CountAsync(record, null, ReadScope.Strong(default)));
            var near = await face.NearestAsync(record, new NearestQuery { Column = 0, Vector = [1, 0], Limit = 1000 }, ContentWanted.Nothing, ReadScope.Strong(default));
            Assert.Equal(there.Reverse().Select(id => PointId.Of((ulong)id)), near.Select(point => point.Id));
        }
    }

    private static Payload PayloadOf(string text) => Payload.FromNormalised(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"t":"{{text}}"}""")));

    private static string TextOf(Payload payload)
    {
        using var document = payload.Parse();
        return document.RootElement.GetProperty("t").GetString()!;
    }

    private enum Turn
    {
        Go,
        DieBefore,
        DieAfter,
    }

    /// <summary>A driver that waits for its turn before each of its calls.</summary>
    private sealed class Driver
    {
        private TaskCompletionSource<Turn> turn = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TaskCompletionSource arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Driver(LocalCollections collections, CollectionRecord record, PlantedSplitBug bug) => Task = RunAsync(new SplitRunner(new Gated(collections, this), bug), record);

        public Task Task { get; }

        public async Task AdvanceAsync(Turn how)
        {
            await Task.WhenAny(Task, arrived.Task);
            if (Task.IsCompleted) return;
            (arrived, var now, turn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), turn, new TaskCompletionSource<Turn>(TaskCreationOptions.RunContinuationsAsynchronously));
            now.SetResult(how);
            await Task.WhenAny(Task, arrived.Task);
        }

        public async ValueTask<TResult> CallAsync<TResult>(Func<ValueTask<TResult>> call)
        {
            var mine = turn.Task;
            arrived.TrySetResult();
            var how = await mine;
            if (how == Turn.DieBefore) throw new DiedException();
            var result = await call();
            return how == Turn.DieAfter ? throw new DiedException() : result;
        }

        private static async Task RunAsync(SplitRunner runner, CollectionRecord record)
        {
            try
            {
                while (true)
                    try
                    {
                        await runner.RunAsync(record, () => true, default);
                        return;
                    }
                    catch (VectorFault)
                    {
                        // The other one was there before: it is looked at again.
                    }
            }
            catch (DiedException)
            {
                // As planned.
            }
        }
    }

    private sealed class DiedException : Exception;

    private sealed class GatedShard(IShard shard, Driver driver) : IShard
    {
        public ValueTask<ShardReply> ProposeAsync(byte[] command, CancellationToken cancel) => driver.CallAsync(() => shard.ProposeAsync(command, cancel));

        public ValueTask<ShardAnswer> AskAsync(ShardQuestion question, ReadDemand demand, CancellationToken cancel) => driver.CallAsync(() => shard.AskAsync(question, demand, cancel));
    }

    private sealed class Gated(LocalCollections inner, Driver driver) : PassedOn(inner)
    {
        public override ValueTask<bool> UpdateAsync(CollectionRecord known, CollectionConfig config, ShardLayout layout, CancellationToken cancel) => driver.CallAsync(() => base.UpdateAsync(known, config, layout, cancel));

        public override async ValueTask<IShard> ShardAsync(CollectionRecord collection, int shard, CancellationToken cancel) => new GatedShard(await base.ShardAsync(collection, shard, cancel), driver);
    }
}
