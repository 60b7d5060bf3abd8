using Google.Protobuf;
using Holdfast.Coordination.Protocol;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Tests;

public sealed class WatchTests
{
    private readonly Local local = new();

    [Fact]
    public async Task Watch_tells_changes_as_they_happen()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), PrevKv = true });
        Assert.True(sink.Responses[0].Created);
        Assert.Equal(0, sink.Responses[0].WatchId);
        await local.Put("a", "1");
        await local.Put("b", "1");
        await local.Put("a", "2");
        await local.Delete("a");
        Assert.Equal("2:a=1 4:a=2 5:a-", sink.Show(0));
        var events = sink.Events(0).ToArray();
        Assert.Null(events[0].PrevKv);
        Assert.Equal("1", events[1].PrevKv.Value.ToStringUtf8());
        Assert.Equal("2", events[2].PrevKv.Value.ToStringUtf8());
        Assert.Equal([2, 4, 5], sink.Responses.Skip(1).Select(response => response.Header.Revision));
        Assert.Equal((7UL, 9UL, 1UL), (sink.Responses[1].Header.ClusterId, sink.Responses[1].Header.MemberId, sink.Responses[1].Header.RaftTerm));
    }

    [Fact]
    public async Task Watch_begins_in_the_past_or_in_the_future()
    {
        await local.Put("a", "1");
        await local.Put("a", "2");
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 3 });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 5 });
        await local.Put("a", "3");
        await local.Put("a", "4");
        Assert.Equal("3:a=2 4:a=3 5:a=4", sink.Show(0));
        Assert.Equal("5:a=4", sink.Show(1));
    }

    [Fact]
    public async Task Compacted_start_cancels_the_watch_and_names_the_revision()
    {
        for (var round = 0; round < 5; round++) await local.Put("a", "1");
        await local.Delete("a");
        await local.Compact(7);
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 6 });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 7 });
        var cancelled = Assert.Single(sink.Responses, response => response.Canceled);
        Assert.Equal((0, 7), (cancelled.WatchId, cancelled.CompactRevision));
        Assert.Equal("7:a-", sink.Show(1));
    }

    [Fact]
    public async Task Filters_ranges_and_ids()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("c"), WatchId = 7, Filters = { WatchCreateRequest.Types.FilterType.Noput } });
        session.Create(new WatchCreateRequest { Key = Local.B("a"), WatchId = 7 });
        session.Create(new WatchCreateRequest { Key = Local.B("c"), RangeEnd = Local.B("a") });
        session.Create(new WatchCreateRequest { RangeEnd = ByteString.CopyFrom(0), Filters = { WatchCreateRequest.Types.FilterType.Nodelete } });
        Assert.Equal(EtcdErrors.DuplicateWatchId, sink.Responses[1].CancelReason);
        Assert.True(sink.Responses[1].Created && sink.Responses[1].Canceled);
        Assert.Equal("mvcc: watcher range is empty", sink.Responses[2].CancelReason);
        await local.Put("b", "1");
        await local.Delete("b");
        Assert.Equal("3:b-", sink.Show(7));
        Assert.Equal("2:b=1", sink.Show(0));
        session.Cancel(7);
        session.Cancel(99);
        await local.Delete("b");
        Assert.True(sink.Responses[^1] is { Canceled: true, WatchId: 7 });
    }

    [Fact]
    public async Task Slow_watcher_loses_nothing_and_holds_no_queue()
    {
        var sink = new Sink(credits: 2);
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        for (var round = 0; round < 100; round++) await local.Put("a", round.ToString());
        session.RequestProgress();
        Assert.Equal(2, sink.Responses.Count);
        while (sink.Events(0).Count() < 100) session.AddCredits(1);
        Assert.Equal(Enumerable.Range(0, 100).Select(round => round.ToString()), sink.Events(0).Select(change => change.Kv.Value.ToStringUtf8()));
        session.AddCredits(1);
        Assert.Equal((-1, 101), (sink.Responses[^1].WatchId, sink.Responses[^1].Header.Revision));
        Assert.Equal(1, local.Machine.Watches.WatcherCount);
        session.Dispose();
        Assert.Equal((0, 0), (local.Machine.Watches.WatcherCount, local.Machine.Watches.StreamCount));
    }

    [Fact]
    public async Task Progress_is_told_only_where_there_is_some()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.RequestProgress();
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 50 });
        session.RequestProgress();
        Assert.DoesNotContain(sink.Responses, response => response.WatchId == -1);
        session.Cancel(0);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        await local.Put("b", "1");
        session.RequestProgress();
        Assert.Equal((-1, 2), (sink.Responses[^1].WatchId, sink.Responses[^1].Header.Revision));
    }

    /// <summary>Found by the simulator, seed 205 of the cluster world: the changes between the compaction and the progress were never told.</summary>
    [Fact]
    public async Task Progress_is_not_told_to_a_stream_whose_watch_was_compacted_away()
    {
        var sink = new Sink(credits: 1);
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a") });
        for (var round = 0; round < 10; round++) await local.Put("a", "1");
        session.RequestProgress();
        await local.Compact(6);
        session.AddCredits(1);
        Assert.Equal((0, true, 6), (sink.Responses[^1].WatchId, sink.Responses[^1].Canceled, sink.Responses[^1].CompactRevision));
        session.AddCredits(1);
        Assert.Equal(2, sink.Responses.Count);

        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = 6 });
        for (var round = 0; round < 10; round++) session.AddCredits(1);
        Assert.DoesNotContain(sink.Responses, response => response.WatchId == -1);
        session.RequestProgress();
        Assert.Equal((-1, 11), (sink.Responses[^1].WatchId, sink.Responses[^1].Header.Revision));
    }

    [Fact]
    public void A_watch_that_begins_before_the_first_revision_is_refused()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), StartRevision = -1 });
        var answer = Assert.Single(sink.Responses);
        Assert.Equal((-1, true, true, "etcdserver: mvcc: required revision has been compacted"), (answer.WatchId, answer.Created, answer.Canceled, answer.CancelReason));
    }

    [Fact]
    public void Client_that_asks_and_never_reads_is_cut_off()
    {
        var sink = new Sink(credits: 1);
        using var session = local.Face.OpenWatch(sink);
        for (var watch = 0; watch < 5000; watch++) session.Create(new WatchCreateRequest { Key = Local.B("a") });
        Assert.Equal(EtcdErrors.TooManyRequests, sink.Closed);
        Assert.Equal(0, local.Machine.Watches.WatcherCount);
    }

    [Fact]
    public async Task Large_revision_is_split_only_where_the_client_allows_it()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("k"), RangeEnd = Local.B("l"), Fragment = true });
        session.Create(new WatchCreateRequest { Key = Local.B("k"), RangeEnd = Local.B("l") });
        for (var key = 0; key < 6; key++) await local.Put($"k{key}", new string('x', 500_000));
        var late = new Sink();
        using var lateSession = local.Face.OpenWatch(late);
        await local.Delete("k", "l");
        sink.Responses.Clear();

        // Deletions carry the large values only as what was there before.
        session.Create(new WatchCreateRequest { Key = Local.B("k"), RangeEnd = Local.B("l"), StartRevision = 8, PrevKv = true, Fragment = true });
        var fragments = sink.Responses.Where(response => response.WatchId == 2 && !response.Created).ToArray();
        Assert.Equal([true, false], fragments.Select(response => response.Fragment));
        Assert.Equal(6, fragments.Sum(response => response.Events.Count));
        lateSession.Create(new WatchCreateRequest { Key = Local.B("k"), RangeEnd = Local.B("l"), StartRevision = 8, PrevKv = true });
        Assert.Equal(6, late.Responses[^1].Events.Count);
    }

    [Fact]
    public async Task Quiet_watch_hears_the_revision_from_time_to_time()
    {
        var sink = new Sink();
        using var session = local.Face.OpenWatch(sink);
        session.Create(new WatchCreateRequest { Key = Local.B("a"), ProgressNotify = true });
        await local.Put("b", "1");
        await local.Group.AdvanceAsync(TimeSpan.FromSeconds(1));
        await local.Group.AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.Equal((0, 0, 2), (sink.Responses[^1].WatchId, sink.Responses[^1].Events.Count, sink.Responses[^1].Header.Revision));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Watches_are_ordered_unique_atomic_and_resumable(ulong seed)
    {
        var dice = new SeededRandom(seed);
        var model = new List<(long Revision, string Change)>();
        var witness = new Sink(int.MaxValue);
        using var witnessSession = local.Face.OpenWatch(witness);
        witnessSession.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z") });
        var watchers = Enumerable.Range(0, 6).Select(_ => new Resuming(local, dice.Fork())).ToArray();
        for (var step = 0; step < 1500; step++)
        {
            var key = ((char)('a' + dice.Next(6))).ToString();
            if (dice.Chance(0.6)) await local.Put(key, step.ToString());
            else if (dice.Chance(0.5)) await local.Delete(key, "e");
            else await local.Face.TxnAsync(new TxnRequest { Success = { Local.PutOp("x", step.ToString()), Local.PutOp("y", step.ToString()), Local.DeleteOp(key) } });
            foreach (var watcher in watchers) watcher.Step();
        }

        foreach (var watcher in watchers) watcher.Finish();
        Assert.Equal(0, local.Machine.Watches.WatcherCount - 1);
        foreach (var watcher in watchers) Assert.Equal(witness.Show(0), watcher.Seen);
    }

    /// <summary>A client that is slow, goes away, and comes back at the revision after the last one that it saw.</summary>
    private sealed class Resuming(Local local, SeededRandom dice)
    {
        private readonly List<string> seen = [];
        private Sink? sink;
        private IWatchSession? session;
        private long next = 2;

        public string Seen => string.Join(' ', seen);

        public void Step()
        {
            if (session is null)
            {
                sink = new Sink(1 + dice.Next(3));
                session = local.Face.OpenWatch(sink);
                session.Create(new WatchCreateRequest { Key = Local.B("a"), RangeEnd = Local.B("z"), StartRevision = next });
            }
            else if (dice.Chance(0.2))
            {
                session.AddCredits(1 + dice.Next(2));
            }
            else if (dice.Chance(0.01))
            {
                Leave();
            }
        }

        public void Finish()
        {
            Step();
            for (var round = 0; round < 5000; round++) session?.AddCredits(1);
            Leave();
            Step();
            for (var round = 0; round < 5000; round++) session?.AddCredits(1);
            Leave();
        }

        private void Leave()
        {
            session?.Dispose();
            session = null;
            foreach (var response in sink!.Responses)
            {
                if (response.Events.Count == 0) continue;
                Assert.True(response.Events[0].Kv.ModRevision >= next, "a revision came twice, or in two responses");
                next = response.Events[^1].Kv.ModRevision + 1;
            }

            if (sink.Show(0) is { Length: > 0 } shown) seen.Add(shown);
        }
    }
}
