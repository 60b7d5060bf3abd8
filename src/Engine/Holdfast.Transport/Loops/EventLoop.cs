using System.ComponentModel;
using System.Runtime.InteropServices;
using Holdfast.Primitives;
using Holdfast.Transport.Interop;

namespace Holdfast.Transport;

/// <summary>
/// A thread that waits for sockets, wake-ups and a deadline, and then turns its parts and its body, in that order. Everything on it is single-threaded;
/// only <see cref="Wake"/>, <see cref="Now"/> and <see cref="Stop"/> are for others. An exception in a turn is fatal for the node: it is handed to the callback and the loop ends.
/// </summary>
public sealed unsafe class EventLoop : IDisposable
{
    /// <summary>Consensus threads run first (DESIGN section 5): a face that burns every core must not cost an election. Needs CAP_SYS_NICE; without it the loop runs like any thread.</summary>
    private const int NiceOfFirst = -10;

    /// <summary>
    /// The lowest real-time priority, for a loop that works microseconds at a time: before all that only burn, also where the kernel schedules by session and so counts a nice value among
    /// one's own threads only (sched(7), autogroup).
    /// </summary>
    private const int PriorityOfPulse = 1;

    private const int Awake = 0;
    private const int Asleep = 1;
    private const int Notified = 2;
    private const ulong WakeData = ulong.MaxValue;
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    private readonly ILoopBody body;
    private readonly bool isPulse;
    private readonly Action<Exception> onFatal;
    private readonly List<ILoopPart> parts = [];
    private readonly List<Slot> slots = [];
    private readonly Stack<int> freeSlots = [];
    private readonly Epoll epoll = new();
    private readonly int eventFd;
    private readonly Thread thread;
    private int wakeState = Notified;
    private volatile bool stopping;
    private bool isFirst;
    private int niceOfOthers;
    private int started;
    private int disposed;

    private struct Slot
    {
        public IReadyHandler? Handler;
        public uint Generation;
    }

    /// <summary>A loop that runs once <see cref="Start"/> is called.</summary>
    /// <param name="name">The thread's name, such as "loop-0".</param>
    /// <param name="body">What it does at each wake-up.</param>
    /// <param name="onFatal">What to do when a turn threw; called on the loop's thread. By default the process ends at once, as after any broken invariant.</param>
    /// <param name="isPulse">Whether a late turn costs leadership and a turn takes microseconds: then it runs before everything else where that is allowed.</param>
    public EventLoop(string name, ILoopBody body, Action<Exception>? onFatal = null, bool isPulse = false)
    {
        Name = name;
        this.body = body;
        this.isPulse = isPulse;
        this.onFatal = onFatal ?? (fault => Environment.FailFast($"{name}: {fault.Message}", fault));
        eventFd = Libc.EventFd(0, Libc.EventFdCloseOnExec | Libc.EventFdNonBlocking);
        if (eventFd < 0) throw new Win32Exception(Marshal.GetLastPInvokeError(), "eventfd failed");
        epoll.Add(eventFd, ReadyEvents.Readable, WakeData);
        thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>The thread's name.</summary>
    public string Name { get; }

    /// <summary>Turns that took long.</summary>
    public LoopMeters Meters { get; } = new();

    /// <summary>The monotonic clock.</summary>
    public Instant Now => MonotonicClock.Now;

    /// <summary>Whether the caller runs on this loop's thread.</summary>
    public bool IsCurrent => Thread.CurrentThread == thread;

    /// <summary>Adds a part that turns before the body. Before <see cref="Start"/>.</summary>
    public void Attach(ILoopPart part)
    {
        Invariant.Holds(started == 0, "a part was attached to a loop that runs already");
        parts.Add(part);
    }

    /// <summary>Starts the thread. Once.</summary>
    public void Start()
    {
        Invariant.Holds(Interlocked.Exchange(ref started, 1) == 0, "a loop was started twice");
        thread.Start();
    }

    /// <summary>Makes the loop turn soon. From any thread; only a sleeping loop costs a system call.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref wakeState, Notified) != Asleep) return;
        ulong one = 1;
        _ = Libc.Write(eventFd, &one, sizeof(ulong));
    }

    /// <summary>Watches a descriptor. On the loop's thread, or before <see cref="Start"/>. Unregister it before it is closed.</summary>
    public LoopRegistration Register(int fd, IReadyHandler handler, ReadyEvents interest)
    {
        if (!freeSlots.TryPop(out var index))
        {
            index = slots.Count;
            slots.Add(default);
        }

        var slot = slots[index];
        slot.Handler = handler;
        slots[index] = slot;
        epoll.Add(fd, interest, Data(index, slot.Generation));
        return new LoopRegistration(index, slot.Generation, fd);
    }

    /// <summary>Changes what a descriptor is watched for. On the loop's thread.</summary>
    public void Modify(in LoopRegistration registration, ReadyEvents interest)
    {
        Invariant.Holds(IsLive(registration), "a registration was used after it was given back");
        epoll.Modify(registration.Descriptor, interest, Data(registration.Slot, registration.Generation));
    }

    /// <summary>Stops watching. On the loop's thread. Events that were already fetched for the descriptor are dropped, because its place has a new generation.</summary>
    public void Unregister(in LoopRegistration registration)
    {
        Invariant.Holds(IsLive(registration), "a registration was given back twice");
        epoll.Remove(registration.Descriptor);
        slots[registration.Slot] = new Slot { Handler = null, Generation = registration.Generation + 1 };
        freeSlots.Push(registration.Slot);
    }

    /// <summary>
    /// Has the loop go before ordinary threads, as it does at first, or among them. What goes first is woken for every single thing that comes, and what waits its turn finds many at once: a loop whose being late costs
    /// no election serves more by going among the others. On the loop's thread; refused without the capability, which is no fault.
    /// </summary>
    public void GoFirst(bool goesFirst)
    {
        if (goesFirst == isFirst || isPulse) return;
        isFirst = goesFirst;
        _ = Libc.SetPriority(Libc.PriorityOfProcess, Libc.ThreadId(), goesFirst ? NiceOfFirst : niceOfOthers);
    }

    /// <summary>Ends the loop after its present turn and waits for it; from the loop's own thread it does not wait.</summary>
    public void Stop()
    {
        stopping = true;
        Wake();
        if (started != 0 && !IsCurrent) thread.Join();
    }

    /// <summary>Stops, and gives the descriptors back, once. A late <see cref="Wake"/> does nothing, because a loop that ended is never asleep.</summary>
    public void Dispose()
    {
        Stop();

        // A second time the number of the closed descriptor would be somebody else's.
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        epoll.Dispose();
        _ = Libc.Close(eventFd);
    }

    private static ulong Data(int slot, uint generation) => ((ulong)generation << 32) | (uint)slot;

    private bool IsLive(in LoopRegistration registration) =>
        (uint)registration.Slot < (uint)slots.Count && slots[registration.Slot].Handler is not null && slots[registration.Slot].Generation == registration.Generation;

    private void Run()
    {
        TakeRank();
        try
        {
            var deadline = Instant.Zero;
            while (!stopping)
            {
                deadline = TurnAll(Dispatch(epoll.Wait(TimeoutFor(deadline))));
            }
        }
        catch (Exception fault)
        {
            stopping = true;
            onFatal(fault);
        }

        foreach (var part in parts) part.OnLoopEnded();
    }

    /// <summary>Refused without the capability, which is no fault: the loop runs at the priority it has.</summary>
    private void TakeRank()
    {
        var priority = PriorityOfPulse;
        if (isPulse && Libc.SetScheduler(0, Libc.RoundRobin | Libc.NotForThreadsBegunByIt, &priority) == 0) return;
        niceOfOthers = Libc.GetPriority(Libc.PriorityOfProcess, Libc.ThreadId());
        isFirst = Libc.SetPriority(Libc.PriorityOfProcess, Libc.ThreadId(), NiceOfFirst) == 0;
    }

    /// <summary>The wait in milliseconds, and with it the announcement that from here on a wake-up needs the event descriptor.</summary>
    private int TimeoutFor(Instant deadline)
    {
        var wait = deadline - Now;
        if (wait <= TimeSpan.Zero) return 0;
        if (Interlocked.CompareExchange(ref wakeState, Asleep, Awake) != Awake) return 0;
        return (int)Math.Ceiling((wait < LongestWait ? wait : LongestWait).TotalMilliseconds);
    }

    /// <summary>Serves what is ready; when that was begun.</summary>
    private Instant Dispatch(int count)
    {
        // From here on others leave their work without a system call; what they left before is seen in this turn.
        Interlocked.Exchange(ref wakeState, Awake);
        var now = Now;
        for (var i = 0; i < count; i++)
        {
            epoll.Event(i, out var ready, out var data);
            if (data == WakeData)
            {
                ulong drained;
                _ = Libc.Read(eventFd, &drained, sizeof(ulong));
                continue;
            }

            var slot = slots[(int)(uint)data];
            if (slot.Handler is null || slot.Generation != (uint)(data >> 32)) continue;
            slot.Handler.OnReady(ready, now);
        }

        return now;
    }

    private Instant TurnAll(Instant begun)
    {
        var now = Now;
        Meters.Count(LoopPhase.Sockets, now - begun);
        var deadline = Instant.Never;
        foreach (var part in parts) deadline = Instant.Min(deadline, part.Turn(now));
        var partsDone = Now;
        Meters.Count(LoopPhase.Parts, partsDone - now);
        deadline = Instant.Min(deadline, body.Turn(now));
        Meters.Count(LoopPhase.Body, Now - partsDone);
        return deadline;
    }
}
