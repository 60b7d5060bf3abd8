using System.Collections.Concurrent;
using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>Something that another thread wants done on a loop.</summary>
internal abstract class LoopCall
{
    /// <summary>On the loop.</summary>
    public abstract void Run(Instant now);

    /// <summary>The loop has ended, or its mailbox is full: the call was not run and will not be.</summary>
    public abstract void Refuse();
}

/// <summary>Where other threads leave calls for a loop. Bounded: beyond the bound calls are refused, and their callers are told so.</summary>
internal sealed class LoopMailbox(int callsMax)
{
    private readonly ConcurrentQueue<LoopCall> calls = new();
    private Action wake = () => { };
    private int count;
    private volatile bool isClosed;

    /// <summary>Who is woken by every call that arrives; cheap for a loop that is awake. (Waking only for the first of several once lost a wake-up: the first to count was not the first to arrive.)</summary>
    public void OnArrival(Action wakeLoop) => wake = wakeLoop;

    public bool IsEmpty => calls.IsEmpty;

    /// <summary>Calls that wait.</summary>
    public int Count => Volatile.Read(ref count);

    public void Post(LoopCall call)
    {
        if (Interlocked.Increment(ref count) > callsMax || isClosed)
        {
            Interlocked.Decrement(ref count);
            call.Refuse();
            return;
        }

        calls.Enqueue(call);
        wake();
        Interlocked.MemoryBarrier();
        if (isClosed) RefuseWaiting(); // It may have been closed, and emptied, between the look and the enqueueing.
    }

    public bool TryTake(out LoopCall call)
    {
        if (!calls.TryDequeue(out call!)) return false;
        Interlocked.Decrement(ref count);
        return true;
    }

    /// <summary>Refuses what waits and whatever comes.</summary>
    public void Close()
    {
        isClosed = true;
        Interlocked.MemoryBarrier();
        RefuseWaiting();
    }

    private void RefuseWaiting()
    {
        while (TryTake(out var call)) call.Refuse();
    }
}
