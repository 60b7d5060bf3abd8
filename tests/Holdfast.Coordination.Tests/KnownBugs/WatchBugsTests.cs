using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Coordination.Tests.KnownBugs;

/// <summary>What etcd's watches got wrong over the years, done to ours (the table in docs/coordination.md).</summary>
public sealed class WatchBugsTests
{
    private readonly Local local = new();

    /// <summary>etcd #15220: a progress notification overtook changes that came before it, and a client that resumed from it lost them.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Progress_is_told_only_after_all_that_came_before_it(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var sink = new Sink(credits: 2);
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z"), PrevKv = true });
        session.Create(new WatchCreateRequest { Key = Local.B("b"), StartRevision = 2 });
        var history = new List<(long Revision, string Key)>();
        for (var step = 0; step < 800; step++)
        {
            if (dice.Chance(0.5))
            {
                var key = dice.Chance(0.5) ? "a" : "b";
                history.Add((await local.Put(key, $"{step}"), key));
            }

            if (dice.Chance(0.3)) session.RequestProgress();
            if (dice.Chance(0.4)) session.AddCredits(1 + dice.Next(3));
        }

        while (sink.Events(1).Count() < history.Count) session.AddCredits(1);
        session.RequestProgress();
        session.AddCredits(1);

        var told = new Dictionary<long, int>();
        var notices = 0;
        foreach (var response in sink.Responses.Where(response => !response.Created))
        {
            if (response.WatchId >= 0)
            {
                told[response.WatchId] = told.GetValueOrDefault(response.WatchId) + response.Events.Count;
                continue;
            }

            notices++;
            var through = response.Header.Revision;
            Assert.Equal(history.Count(change => change.Revision <= through && change.Key == "a"), told.GetValueOrDefault(0));
            Assert.Equal(history.Count(change => change.Revision <= through), told.GetValueOrDefault(1));
            Assert.Equal(history.Count(change => change.Revision <= through && change.Key == "b"), told.GetValueOrDefault(2));
        }

        Assert.True(notices > 3, $"only {notices} notices were seen");
    }

    /// <summary>etcd #17247: what a transaction wrote was told twice to a watcher that caught up meanwhile, once from the cache and once from the store.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_watcher_that_catches_up_while_transactions_are_applied_is_told_each_change_once(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var sink = new Sink(credits: 1);
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z") });
        var expected = new List<string>();
        for (var step = 0; step < 400; step++)
        {
            var value = $"{step}";
            var nested = new RequestOp { RequestTxn = new TxnRequest { Success = { Local.PutOp("d", value), Local.DeleteOp("e") } } };
            var txn = new TxnRequest { Success = { Local.PutOp("a", value), Local.PutOp("b", value), Local.RangeOp("a", "z"), nested } };

            // Now and then the last of its writes is refused, and then nothing of it happened.
            var isRefused = dice.Chance(0.3);
            if (isRefused) txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Local.B("f"), Lease = 99 } });
            if (isRefused) Assert.Equal(EtcdErrors.LeaseNotFound, await local.TxnError(txn));
            else
            {
                var revision = (await local.Face.TxnAsync(txn)).Header.Revision;
                expected.AddRange([$"{revision}:a={value}", $"{revision}:b={value}", $"{revision}:d={value}"]);
            }

            if (dice.Chance(0.5)) session.AddCredits(1);
        }

        for (var left = 0; left < 1000; left++) session.AddCredits(1);
        Assert.Equal(string.Join(' ', expected), sink.Show(0));
    }

    /// <summary>etcd #17529: streams that were starved by a large backlog lost events when a compaction went by, without a word.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_starved_stream_is_told_every_event_or_that_they_were_compacted(ulong seed)
    {
        const int Watches = 12;
        var dice = new SeededRandom(seed);
        var sink = new Sink(credits: Watches);
        using var session = local.Face.OpenWatch(sink);
        for (var watch = 0; watch < Watches; watch++) session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("c"), Fragment = dice.Chance(0.5) });
        var written = new List<long>();
        for (var step = 0; step < 300; step++)
        {
            written.Add(await local.Put(dice.Chance(0.5) ? "a" : "b", new string('x', dice.Chance(0.1) ? 400_000 : 1000)));
            var behind = written[^1] - dice.Next(20);
            if (dice.Chance(0.03) && behind > local.Machine.Store.Compacted) await local.Compact(behind, physical: dice.Chance(0.5));
            if (dice.Chance(0.2)) session.AddCredits(1 + dice.Next(4));
        }

        for (var left = 0; left < 5000; left++) session.AddCredits(1);
        var cancelled = 0;
        for (var watch = 0; watch < Watches; watch++)
        {
            var seen = sink.Events(watch).Select(change => change.Kv.ModRevision).ToList();
            Assert.Equal(written.Take(seen.Count), seen);
            if (seen.Count == written.Count) continue;
            var end = Assert.Single(sink.Responses, response => response.WatchId == watch && response.Canceled);
            Assert.True(end.CompactRevision > written[seen.Count], $"watch {watch} was ended for a compaction to {end.CompactRevision}, and lacked {written[seen.Count]}");
            cancelled++;
        }

        Assert.InRange(cancelled, 1, Watches);
    }

    /// <summary>etcd #18089: a deletion at exactly the compacted revision was dropped, and whoever resumed from there never heard of it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_deletion_at_the_compacted_revision_is_still_told_to_whoever_resumes_there(bool isRestored)
    {
        await local.Put("a", "1");
        await local.Put("b", "1");
        var deleted = (await local.Delete("a")).Header.Revision;
        await local.Put("b", "2");
        await local.Compact(deleted);
        while (local.Machine.RunSlice())
        {
            // Until the compacted versions are forgotten.
        }

        var member = isRestored ? new LocalCoordination(Local.Identity, Copy(local.Machine)).Face : local.Face;
        var sink = new Sink();
        using var session = member.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z"), StartRevision = deleted });
        Assert.Equal("4:a- 5:b=2", sink.Show(0));
        Assert.DoesNotContain(sink.Responses, response => response.Canceled);
    }

    /// <summary>etcd #19179: a watch opened at the revision of a compaction that was going on missed the deletion of that revision.</summary>
    [Fact]
    public async Task A_watch_opened_at_the_revision_of_a_compaction_in_progress_misses_nothing_of_it()
    {
        for (var key = 0; key < 3000; key++) await local.Put($"k{key:D4}", "1");
        await local.Grant(7, 60);
        await local.Put("leased", "1", 7);
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        var deleted = (await local.Face.TxnAsync(new TxnRequest { Success = { Local.DeleteOp("k0000"), Local.DeleteOp("k2", "k3"), Local.PutOp("new", "1") } })).Header.Revision;

        // The compaction's sweep takes many slices; a watch comes between each two of them.
        Assert.Null(Machine.Apply(local.Machine, 100_000, 1, Command.Encode(CommandKind.Compact, new CompactionRequest { Revision = deleted })).Error);
        var watches = 0;
        do session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z"), StartRevision = deleted, WatchId = ++watches });
        while (local.Machine.RunSlice());

        Assert.True(watches > 2, "the sweep took no slices");
        for (var watch = 1; watch <= watches; watch++)
        {
            Assert.Equal(1001, sink.Events(watch).Count(change => change.Type == Event.Types.EventType.Delete));
            Assert.Single(sink.Events(watch), change => change.Type == Event.Types.EventType.Put);
        }

        // So it is with a deletion that nobody asked for in so many words.
        var revoked = (await local.Face.LeaseRevokeAsync(new LeaseRevokeRequest { ID = 7 })).Header.Revision;
        await local.Compact(revoked);
        session.Create(new WatchCreateRequest { Key = Local.B("leased"), StartRevision = revoked, WatchId = 5000 });
        Assert.Equal($"{revoked}:leased-", sink.Show(5000));
    }

    /// <summary>
    /// etcd #20221: a watch from a future revision was told progress below it, and then changes below it. Ours told the progress too, until this test was written:
    /// whoever resumes from such a notice is told what he asked not to be told.
    /// </summary>
    [Fact]
    public async Task A_watch_from_a_future_revision_hears_nothing_of_what_comes_before_it()
    {
        await local.Put("a", "1");
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 6, ProgressNotify = true });
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(1));
        await local.Put("a", "2");
        await local.Group.AdvanceAsync(TimeSpan.FromMinutes(10));
        session.RequestProgress();
        await local.Group.AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.True(Assert.Single(sink.Responses).Created);

        // A snapshot brings this member further than it asked for: from there on it is told everything.
        var ahead = Copy(local.Machine);
        for (var index = 1UL; index <= 4; index++) Machine.Apply(ahead, 1000 + index, 1, Command.Encode(CommandKind.Put, new PutRequest { Key = Local.B("a"), Value = Local.B($"{index}") }));
        Copy(ahead, local.Machine);
        while (local.Machine.RunSlice())
        {
            // Catching up.
        }

        Assert.Equal("6:a=3 7:a=4", sink.Show(0));
        await local.Group.AdvanceAsync(TimeSpan.FromMinutes(10));
        await local.Group.AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.Equal((0, 0, 7), (sink.Responses[^1].WatchId, sink.Responses[^1].Events.Count, sink.Responses[^1].Header.Revision));
    }

    private static CoordinationStateMachine Copy(CoordinationStateMachine from)
    {
        var copy = new CoordinationStateMachine();
        Copy(from, copy);
        return copy;
    }

    private static void Copy(CoordinationStateMachine from, CoordinationStateMachine to)
    {
        using var view = from.CaptureSnapshot();
        using var builder = to.BeginRestore();
        var chunk = new ByteBuffer();
        while (view.WriteNext(chunk))
        {
            builder.ReadNext(chunk.Written);
            chunk.Clear();
        }

        builder.Complete();
    }
}
