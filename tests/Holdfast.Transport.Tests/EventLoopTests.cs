using System.Net;
using System.Net.Sockets;
using Holdfast.Primitives;

namespace Holdfast.Transport.Tests;

public sealed class EventLoopTests
{
    [Fact]
    public async Task Every_wake_up_is_followed_by_a_turn_that_sees_the_work()
    {
        var body = new Counter();
        using var loop = new EventLoop("test", body);
        loop.Start();
        var posters = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                Interlocked.Increment(ref body.Posted);
                loop.Wake();
            }
        })).ToArray();
        await Task.WhenAll(posters);
        await body.Sees(80_000).WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_deadline_is_a_turn_of_its_own()
    {
        var turned = new TaskCompletionSource();
        var first = Instant.Never;
        using var loop = new EventLoop("test", new Body(now =>
        {
            if (first == Instant.Never) first = now;
            if (now - first >= TimeSpan.FromMilliseconds(5)) turned.TrySetResult();
            return first + TimeSpan.FromMilliseconds(5);
        }));
        loop.Start();
        await turned.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Where the process may not raise a thread's rank all three are the same.</summary>
    [Fact]
    public async Task A_loop_goes_first_until_it_is_told_to_go_among_the_others_and_again_when_it_is_told_so()
    {
        var ofAnother = ThreadNice.OfThis();
        var seen = new TaskCompletionSource<(int AtFirst, int Among, int Again)>(TaskCreationOptions.RunContinuationsAsynchronously);
        EventLoop? loop = null;
        loop = new EventLoop("test", new Body(_ =>
        {
            var atFirst = ThreadNice.OfThis();
            loop!.GoFirst(false);
            var among = ThreadNice.OfThis();
            loop.GoFirst(true);
            seen.TrySetResult((atFirst, among, ThreadNice.OfThis()));
            return Instant.Never;
        }));
        using var ends = loop;
        loop.Start();
        var (first, others, again) = await seen.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(ofAnother, others);
        Assert.Equal(first, again);
        Assert.True(first == others || first == ThreadNice.OfFirst, $"nice {first}, then {others}");
    }

    [Fact]
    public async Task A_turn_that_takes_long_is_counted_by_what_took_it()
    {
        var isLong = true;
        var over = new TaskCompletionSource();
        using var loop = new EventLoop("test", new Body(now =>
        {
            while (isLong && MonotonicClock.Now - now <= TimeSpan.FromMilliseconds(10))
            {
                // A turn that holds its loop up.
            }

            if (!isLong) over.TrySetResult();
            isLong = false;
            return now; // Again: what a turn took is counted when it is over.
        }));
        loop.Start();
        await over.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.All(Enumerable.Range(0, LoopMeters.LongMillis.Count), which => Assert.True(loop.Meters.LongerThan(LoopPhase.Body, which) >= 1));
    }

    [Fact]
    public async Task An_exception_in_a_turn_is_reported_and_ends_the_loop()
    {
        var reported = new TaskCompletionSource<Exception>();
        using var loop = new EventLoop("test", new Body(_ => throw new InvariantBrokenException("broken on purpose")), reported.SetResult);
        loop.Start();
        Assert.Equal("broken on purpose", (await reported.Task.WaitAsync(TimeSpan.FromSeconds(30))).Message);
        loop.Stop();
        loop.Wake();
    }

    /// <summary>Two sockets are ready at once; the first to be served closes the other and gives its descriptor's place to a third. The third must not get the second's event.</summary>
    [Fact]
    public async Task An_event_of_a_closed_descriptor_never_reaches_its_successor()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var (firstNear, firstFar) = Pair(listener);
        var (secondNear, secondFar) = Pair(listener);
        var (thirdNear, thirdFar) = Pair(listener);
        using var first = firstFar;
        using var second = secondFar;
        using var third = thirdFar;
        var turns = new TaskCompletionSource();
        var wronglyServed = false;
        EventLoop? loop = null;
        LoopRegistration firstPlace = default, secondPlace = default;
        var served = false;
        var count = 0;

        void Swap(ref LoopRegistration other, Socket victim)
        {
            if (served) return;
            served = true;
            loop!.Unregister(other);
            victim.Dispose();
            loop.Register((int)thirdNear.Handle, new Ready(() => wronglyServed = true), ReadyEvents.Readable);
        }

        loop = new EventLoop("test", new Body(_ =>
        {
            if (served && ++count == 3) turns.TrySetResult();
            return served ? Instant.Zero : Instant.Never;
        }));
        firstPlace = loop.Register((int)firstNear.Handle, new Ready(() => Swap(ref secondPlace, secondNear)), ReadyEvents.Readable);
        secondPlace = loop.Register((int)secondNear.Handle, new Ready(() => Swap(ref firstPlace, firstNear)), ReadyEvents.Readable);
        firstFar.Send([1]);
        secondFar.Send([1]);
        loop.Start();
        await turns.Task.WaitAsync(TimeSpan.FromSeconds(30));
        loop.Dispose();
        Assert.False(wronglyServed);
        foreach (var socket in new[] { firstNear, secondNear, thirdNear }) socket.Dispose();
    }

    private static (Socket Near, Socket Far) Pair(Socket listener)
    {
        var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        far.Connect(listener.LocalEndPoint!);
        return (listener.Accept(), far);
    }

    private sealed class Body(Func<Instant, Instant> turn) : ILoopBody
    {
        public Instant Turn(Instant now) => turn(now);
    }

    private sealed class Ready(Action action) : IReadyHandler
    {
        public void OnReady(ReadyEvents events, Instant now) => action();
    }

    private sealed class Counter : ILoopBody
    {
        private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile int wanted = int.MaxValue;
        public int Posted;
        private volatile int seen;

        public Instant Turn(Instant now)
        {
            seen = Volatile.Read(ref Posted);
            if (seen >= wanted) done.TrySetResult();
            return Instant.Never;
        }

        public Task Sees(int count)
        {
            // The loop must have seen all of it without being woken again.
            wanted = count;
            SpinWait.SpinUntil(() => seen >= count, TimeSpan.FromSeconds(20));
            return seen >= count ? Task.CompletedTask : done.Task;
        }
    }
}
