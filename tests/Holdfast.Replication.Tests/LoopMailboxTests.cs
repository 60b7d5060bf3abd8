using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

public sealed class LoopMailboxTests
{
    [Fact]
    public void Every_call_wakes_the_loop_also_behind_others_that_wait()
    {
        // The wake-up of an earlier call is no promise for a later one: the loop may have gone to sleep between the two.
        var wakes = 0;
        var mailbox = new LoopMailbox(8);
        mailbox.OnArrival(() => wakes++);
        mailbox.Post(new Note());
        mailbox.Post(new Note());
        Assert.Equal(2, wakes);
    }

    [Fact]
    public async Task No_call_is_left_behind_by_a_loop_that_sleeps_whenever_it_sees_nothing()
    {
        const int Posters = 4, Each = 20_000;
        using var awake = new SemaphoreSlim(0);
        var mailbox = new LoopMailbox(Posters * Each);
        mailbox.OnArrival(() => awake.Release());
        var posting = Enumerable.Range(0, Posters).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++) mailbox.Post(new Note());
        })).ToArray();

        var taken = 0;
        while (taken < Posters * Each)
        {
            Assert.True(await awake.WaitAsync(TimeSpan.FromMinutes(1)), $"the loop sleeps with {Posters * Each - taken} calls to come");
            while (mailbox.TryTake(out _)) taken++;
        }

        await Task.WhenAll(posting);
    }

    [Fact]
    public void A_full_mailbox_refuses_and_wakes_nobody()
    {
        var wakes = 0;
        var mailbox = new LoopMailbox(1);
        mailbox.OnArrival(() => wakes++);
        mailbox.Post(new Note());
        var second = new Note();
        mailbox.Post(second);
        Assert.True(second.IsRefused);
        Assert.Equal(1, wakes);
    }

    /// <summary>Whoever waits for a call that nobody runs and nobody refuses waits for ever.</summary>
    [Fact]
    public async Task A_call_that_comes_while_the_mailbox_closes_is_refused()
    {
        for (var round = 0; round < 3000; round++)
        {
            var mailbox = new LoopMailbox(8);
            var note = new Note();
            using var together = new Barrier(2);
            var posting = Task.Run(() =>
            {
                together.SignalAndWait();
                mailbox.Post(note);
            }, TestContext.Current.CancellationToken);
            together.SignalAndWait(TestContext.Current.CancellationToken);
            mailbox.Close();
            await posting;
            Assert.True(note.IsRefused, $"round {round}");
        }
    }

    private sealed class Note : LoopCall
    {
        public bool IsRefused { get; private set; }

        public override void Run(Instant now)
        {
        }

        public override void Refuse() => IsRefused = true;
    }
}
