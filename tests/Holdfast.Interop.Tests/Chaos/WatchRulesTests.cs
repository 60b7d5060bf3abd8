using System.Collections.Concurrent;
using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Watches of every kind through every node while nodes are killed and stopped under them: each keeps all of etcd's promises (<see cref="WatchRules"/>).</summary>
[Collection(Alone.Name)]
public sealed class WatchRulesTests
{
    private const int Writers = 6;
    private const int Watchers = 6;
    private const int Keys = 12;

    private readonly ConcurrentBag<RecordedWatch> watches = [];
    private long seen;
    private int written;

    [Fact]
    public async Task Watches_keep_their_promises_while_leaders_are_killed_and_stopped()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        using var over = new CancellationTokenSource();
        var working = Enumerable.Range(0, Writers).Select(number => Task.Run(() => WriteAsync(cluster, new Random(number), over.Token)))
            .Concat(Enumerable.Range(0, Watchers).Select(number => Task.Run(() => WatchAsync(cluster, new Random(100 + number), over.Token)))).ToArray();
        await UntilWrittenAsync(cluster, 300);
        var killed = await cluster.LeaderAsync();
        cluster.Kill(killed);
        await UntilWrittenAsync(cluster, 300);
        cluster.Start(killed);
        await cluster.UntilServesAsync(killed);
        await UntilWrittenAsync(cluster, 300);
        var stopped = await cluster.LeaderAsync();
        cluster.Signal(stopped, "STOP");
        await UntilWrittenAsync(cluster, 300);
        cluster.Signal(stopped, "CONT");
        await cluster.UntilServesAsync(stopped);
        await UntilWrittenAsync(cluster, 300);
        await over.CancelAsync();
        await Task.WhenAll(working);

        var end = (await cluster.Kv(0).RangeAsync(new RangeRequest { Key = Text("none") }, deadline: Patient.Deadline)).Header.Revision;
        var histories = await Task.WhenAll(Enumerable.Range(0, 3).Select(node => HistoryAsync(cluster, node, end)));
        Assert.Equal(histories[0], histories[1]);
        Assert.Equal(histories[0], histories[2]);
        var rules = new WatchRules(histories[0]);
        Assert.Empty(rules.Complaints());
        var dice = new Random(7);
        for (var look = 0; look < 30; look++)
        {
            var revision = dice.NextInt64(2, end + 1);
            var found = await cluster.Kv(look % 3).RangeAsync(new RangeRequest { Key = Text("w/"), RangeEnd = Text("w0"), Revision = revision, Serializable = look % 2 == 0 });
            Assert.Equal(rules.At(revision), found.Kvs);
        }

        Assert.Empty(watches.SelectMany(watch => rules.Complaints(watch).Select(complaint => $"{watch.Request}: {complaint}")).Take(20));
        var told = watches.Sum(watch => watch.Responses.Sum(response => response.Events.Count));
        var progress = watches.Sum(watch => watch.Responses.Count(response => response is { Created: false, Canceled: false, Events.Count: 0 }));
        TestContext.Current.TestOutputHelper?.WriteLine($"{watches.Count} watches, {told} events, {progress} progress notices over {histories[0].Count} changes");
        Assert.True(watches.Count > 30 && told > 2000 && progress > 10, $"hardly anything was watched: {watches.Count} watches, {told} events, {progress} progress notices");
    }

    /// <summary>The judge is judged: each broken promise is found.</summary>
    [Fact]
    public void Each_broken_promise_is_found()
    {
        Event[] history = [Put("a", 2, 2, 1), Put("b", 2, 2, 1), Put("a", 3, 2, 2), Delete("a", 4), Put("a", 5, 5, 1)];
        var rules = new WatchRules(history);
        Assert.Empty(rules.Complaints());
        WatchResponse Told(params int[] places) => new() { Header = new ResponseHeader { Revision = 9 }, Events = { places.Select(place => history[place]) } };
        RecordedWatch Watch(WatchCreateRequest request, params WatchResponse[] responses) => new(request, [new WatchResponse { Created = true, Header = new ResponseHeader { Revision = 1 } }, .. responses]);
        var all = new WatchCreateRequest { Key = Text("a"), RangeEnd = Text("c"), StartRevision = 2 };
        Assert.Empty(rules.Complaints(Watch(all, Told(0, 1), Told(2), Told(3, 4))));
        Assert.Empty(rules.Complaints(Watch(new WatchCreateRequest { Key = Text("a"), StartRevision = 3, Filters = { WatchCreateRequest.Types.FilterType.Nodelete } }, Told(2), Told(4))));
        var progress = new WatchResponse { Header = new ResponseHeader { Revision = 3 } };
        foreach (var (name, broken) in new (string, RecordedWatch)[]
                 {
                     ("ordered", Watch(all, Told(0, 1), Told(3), Told(2))),
                     ("unique", Watch(all, Told(0, 1), Told(2), Told(2))),
                     ("atomic", Watch(all, Told(0), Told(1))),
                     ("reliable", Watch(all, Told(0, 1), Told(3))),
                     ("resumable", Watch(new WatchCreateRequest { Key = Text("a"), StartRevision = 3 }, Told(3))),
                     ("bookmarkable, before", Watch(all, Told(0, 1), progress, Told(2))),
                     ("bookmarkable, after", Watch(all, progress)),
                     ("range", Watch(new WatchCreateRequest { Key = Text("a"), StartRevision = 2 }, Told(0, 1))),
                     ("filter", Watch(new WatchCreateRequest { Key = Text("a"), StartRevision = 4, Filters = { WatchCreateRequest.Types.FilterType.Nodelete } }, Told(3))),
                     ("previous value", Watch(new WatchCreateRequest { Key = Text("a"), StartRevision = 3, PrevKv = true }, Told(2))),
                 })
            Assert.True(rules.Complaints(broken).Any(), $"{name} was broken and nobody complained");
        Assert.NotEmpty(new WatchRules([Put("a", 2, 2, 1), Put("a", 3, 2, 3)]).Complaints());
        Assert.NotEmpty(new WatchRules([Delete("a", 2)]).Complaints());
    }

    private static Event Put(string key, long mod, long create, long version) => new() { Kv = new KeyValue { Key = Text(key), ModRevision = mod, CreateRevision = create, Version = version, Value = Text($"{mod}") } };

    private static Event Delete(string key, long mod) => new() { Type = Event.Types.EventType.Delete, Kv = new KeyValue { Key = Text(key), ModRevision = mod } };

    private static ByteString Text(string text) => ByteString.CopyFromUtf8(text);

    private static ByteString Key(Random dice) => Text($"w/{dice.Next(Keys):00}");

    private async Task UntilWrittenAsync(ProcessCluster cluster, int more)
    {
        var target = Volatile.Read(ref written) + more;
        for (var begun = Stopwatch.StartNew(); Volatile.Read(ref written) < target; await Task.Delay(20))
            Assert.True(begun.Elapsed < Patient.Most, $"{Patient.Most.TotalSeconds} s without {more} writes; last words:\n{cluster.LastWords()}");
    }

    private async Task WriteAsync(ProcessCluster cluster, Random dice, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            try
            {
                var kv = cluster.Kv(dice.Next(3));
                var deadline = DateTime.UtcNow.AddSeconds(2);
                var revision = dice.Next(10) switch
                {
                    < 5 => (await kv.PutAsync(new PutRequest { Key = Key(dice), Value = Text($"{dice.Next()}") }, deadline: deadline)).Header.Revision,
                    < 7 => (await kv.DeleteRangeAsync(new DeleteRangeRequest { Key = Key(dice), RangeEnd = dice.Next(2) == 0 ? ByteString.Empty : Text("w/06") }, deadline: deadline)).Header.Revision,
                    _ => (await kv.TxnAsync(Txn(dice), deadline: deadline)).Header.Revision,
                };
                Interlocked.Increment(ref written);
                for (var last = Volatile.Read(ref seen); revision > last && Interlocked.CompareExchange(ref seen, revision, last) != last; last = Volatile.Read(ref seen))
                {
                }
            }
            catch (RpcException)
            {
                // A node is away; nobody knows what became of it, and the history tells.
            }

            await Task.Delay(dice.Next(8), CancellationToken.None);
        }
    }

    /// <summary>Several keys at one revision: a watch must never split them.</summary>
    private static TxnRequest Txn(Random dice)
    {
        var txn = new TxnRequest();
        foreach (var key in Enumerable.Range(0, Keys).OrderBy(_ => dice.Next()).Take(1 + dice.Next(4)))
            txn.Success.Add(dice.Next(3) == 0
                ? new RequestOp { RequestDeleteRange = new DeleteRangeRequest { Key = Text($"w/{key:00}") } }
                : new RequestOp { RequestPut = new PutRequest { Key = Text($"w/{key:00}"), Value = Text($"{dice.Next()}") } });
        return txn;
    }

    private async Task WatchAsync(ProcessCluster cluster, Random dice, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var request = new WatchCreateRequest { Key = Text("w/"), RangeEnd = Text("w0"), PrevKv = dice.Next(2) == 0, ProgressNotify = dice.Next(2) == 0 };
            if (dice.Next(3) == 0) (request.Key, request.RangeEnd) = (Key(dice), ByteString.Empty);
            if (dice.Next(4) > 0) request.StartRevision = Math.Max(1, Volatile.Read(ref seen) + dice.Next(-200, 20));
            if (dice.Next(4) == 0) request.Filters.Add((WatchCreateRequest.Types.FilterType)dice.Next(2));
            var responses = new List<WatchResponse>();
            using var call = cluster.Watch(dice.Next(3)).Watch();
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(over);
            enough.CancelAfter(dice.Next(100, 1500));
            try
            {
                await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = request }, CancellationToken.None);
                while (await call.ResponseStream.MoveNext(enough.Token))
                {
                    responses.Add(call.ResponseStream.Current);
                    if (responses.Count % 7 == 1) await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, CancellationToken.None);
                }
            }
            catch (Exception broken) when (broken is RpcException or OperationCanceledException or InvalidOperationException or IOException)
            {
                // Its node is away, or it has heard enough.
            }

            watches.Add(new RecordedWatch(request, responses));
        }
    }

    private static async Task<List<Event>> HistoryAsync(ProcessCluster cluster, int node, long through)
    {
        var history = new List<Event>();
        using var patience = new CancellationTokenSource(Patient.Most);
        using var call = cluster.Watch(node).Watch();
        await call.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = Text("w/"), RangeEnd = Text("w0"), StartRevision = 1 } }, patience.Token);
        await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, patience.Token);
        while (await call.ResponseStream.MoveNext(patience.Token))
        {
            var response = call.ResponseStream.Current;
            history.AddRange(response.Events);
            if (response is { Created: false, Events.Count: 0 } && response.Header.Revision >= through) return history;
            if (response is { Created: false, Events.Count: 0 }) await call.RequestStream.WriteAsync(new WatchRequest { ProgressRequest = new WatchProgressRequest() }, patience.Token);
        }

        throw new InvalidOperationException($"the watch at node {node} ended");
    }
}
