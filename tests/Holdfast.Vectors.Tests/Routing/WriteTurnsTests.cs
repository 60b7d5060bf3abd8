using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>Large writes take turns, and searches go before them: until the node has given way for as long as is fair.</summary>
public sealed class WriteTurnsTests
{
    private const int Large = 160 * 1024;

    [Fact]
    public async Task So_many_are_prepared_at_once_and_the_others_follow_in_their_order()
    {
        using var turns = new WriteTurns(2, new HandTime());
        var first = (await turns.TakeAsync(Large, CancellationToken.None))!;
        var second = (await turns.TakeAsync(Large, CancellationToken.None))!;
        var (third, fourth) = (Take(turns), Take(turns));
        Assert.Equal(2, turns.WaitingCount);
        first.Dispose();
        first.Dispose(); // It ends once.
        var taken = (await third)!;
        Assert.Equal(1, turns.WaitingCount);
        second.Dispose();
        Assert.NotNull(await fourth);
        taken.Dispose();
        Assert.Equal(0, turns.WaitingCount);
    }

    [Fact]
    public async Task A_small_write_waits_for_nobody()
    {
        using var turns = new WriteTurns(1, new HandTime());
        using var one = await turns.TakeAsync(Large, CancellationToken.None);
        using var search = turns.BeginSearch();
        Assert.Null(await turns.TakeAsync(WriteTurns.SmallBytes - 1, CancellationToken.None));
    }

    [Fact]
    public async Task A_write_waits_until_searches_have_ended()
    {
        var time = new HandTime();
        using var turns = new WriteTurns(1, time);
        (await turns.TakeAsync(Large, CancellationToken.None))!.Dispose();
        var (one, other) = (turns.BeginSearch(), WriteTurns.Search(turns, new NearestQuestion(new NearestQuery { Column = 0, Vector = [1], Limit = 1 })));
        var waiting = Take(turns);
        one.Dispose();
        Assert.Equal(1, turns.WaitingCount);
        other.Dispose();
        Assert.NotNull(await waiting);
    }

    [Fact]
    public async Task What_is_no_search_holds_nobody_up()
    {
        using var turns = new WriteTurns(1, new HandTime());
        (await turns.TakeAsync(Large, CancellationToken.None))!.Dispose();
        using var count = WriteTurns.Search(turns, new CountQuestion());
        using var nobody = WriteTurns.Search(null, new NearestQuestion(new NearestQuery { Column = 0, Vector = [1], Limit = 1 }));
        Assert.NotNull(await turns.TakeAsync(Large, CancellationToken.None));
    }

    /// <summary>However long it is searched, writes go on at their share: each gives way for what went before it.</summary>
    [Fact]
    public async Task Searches_without_end_leave_writes_their_share()
    {
        var time = new HandTime();
        using var turns = new WriteTurns(1, time);
        using var search = turns.BeginSearch();
        var bytes = 0L;
        var waiting = Take(turns);
        for (var passed = 0; passed < 2000; passed++)
        {
            while (turns.WaitingCount == 0)
            {
                bytes += Large;
                (await waiting)!.Dispose();
                waiting = Take(turns);
            }

            time.Pass(TimeSpan.FromMilliseconds(1));
        }

        Assert.InRange(bytes, 2 * WriteTurns.BytesPerSecond * 0.9, (2 * WriteTurns.BytesPerSecond) + Large);
    }

    [Fact]
    public async Task Who_is_gone_waits_no_more_and_takes_no_turn()
    {
        using var turns = new WriteTurns(1, new HandTime());
        using var client = new CancellationTokenSource();
        var held = (await turns.TakeAsync(Large, CancellationToken.None))!;
        var (gone, next) = (turns.TakeAsync(Large, client.Token).AsTask(), Take(turns));
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        Assert.Equal(1, turns.WaitingCount);
        held.Dispose();
        Assert.NotNull(await next);
    }

    [Fact]
    public async Task When_too_many_wait_the_next_is_refused_and_nothing_was_written()
    {
        using var turns = new WriteTurns(1, new HandTime());
        var held = (await turns.TakeAsync(Large, CancellationToken.None))!;
        var waiting = Enumerable.Range(0, WriteTurns.WaitingMax).Select(_ => Take(turns)).ToList();
        var fault = await Assert.ThrowsAsync<VectorFault>(() => Take(turns));
        Assert.Equal(503, fault.Status);
        held.Dispose();
        foreach (var each in waiting) (await each)!.Dispose();
    }

    /// <summary>From seeds: never more at once than may be, nobody is forgotten, and beside searches no more goes through than their share lets.</summary>
    [Fact]
    public async Task Whatever_comes_when_turns_are_given_as_they_should_be()
    {
        for (ulong seed = 1; seed <= 200; seed++)
        {
            var (dice, time) = (new SeededRandom(seed), new HandTime());
            var atOnce = 1 + dice.Next(3);
            using var turns = new WriteTurns(atOnce, time);
            var (held, waiting, searches) = (new List<WriteTurn>(), new List<Task<WriteTurn?>>(), new List<WriteTurns.SearchUnderWay>());
            for (var step = 0; step < 300; step++)
            {
                switch (dice.Next(6))
                {
                    case 0 or 1: waiting.Add(Take(turns)); break;
                    case 2 when held.Count > 0: End(held, dice.Next(held.Count)); break;
                    case 3: searches.Add(turns.BeginSearch()); break;
                    case 4 when searches.Count > 0:
                        searches[^1].Dispose();
                        searches.RemoveAt(searches.Count - 1);
                        break;
                    default: time.Pass(TimeSpan.FromMilliseconds(dice.Next(30))); break;
                }

                await CollectAsync();
                Assert.True(held.Count <= atOnce, $"seed {seed}: {held.Count} at once");
                Assert.True(held.Count == atOnce || waiting.Count == 0 || searches.Count > 0, $"seed {seed}: nobody searches, and a write waits");
            }

            foreach (var search in searches) search.Dispose();
            await CollectAsync();
            while (held.Count + waiting.Count > 0)
            {
                Assert.True(held.Count > 0, $"seed {seed}: a write waits for ever");
                End(held, 0);
                await CollectAsync();
            }

            async Task CollectAsync()
            {
                // Turns are given in the order in which they were asked for.
                for (; waiting.Count > turns.WaitingCount; waiting.RemoveAt(0)) held.Add((await waiting[0])!);
            }
        }

        static void End(List<WriteTurn> held, int at)
        {
            held[at].Dispose();
            held.RemoveAt(at);
        }
    }

    private static Task<WriteTurn?> Take(WriteTurns turns) => turns.TakeAsync(Large, CancellationToken.None).AsTask();

    /// <summary>A clock that is moved by hand, with what waits for it.</summary>
    private sealed class HandTime : TimeProvider
    {
        private readonly List<HandTimer> timers = [];
        private long now = 1_000_000_000;

        public override long TimestampFrequency => 1_000_000_000;

        public override long GetTimestamp() => now;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new HandTimer(this, () => callback(state));
            timer.Change(dueTime, period);
            timers.Add(timer);
            return timer;
        }

        public void Pass(TimeSpan time)
        {
            now += time.Ticks * 100;
            foreach (var timer in timers.ToList()) timer.Look(now);
        }

        private sealed class HandTimer(HandTime time, Action ring) : ITimer
        {
            private long? due;

            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                due = dueTime == Timeout.InfiniteTimeSpan ? null : time.now + (dueTime.Ticks * 100);
                return true;
            }

            public void Look(long now)
            {
                if (due is not { } at || now < at) return;
                due = null;
                ring();
            }

            public void Dispose() => due = null;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return default;
            }
        }
    }
}
