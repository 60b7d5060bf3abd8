using Holdfast.Primitives;

namespace Holdfast.Cluster;

/// <summary>
/// What keeps a face's jobs (index builds, scans, compression) from burning more cores than it may: so many run at once, so many wait, more are refused. Jobs run on threads of lower priority than
/// the loops, so that a face that burns all it may costs no election. From any thread.
/// </summary>
/// <param name="cores">How many jobs may run at once; at least 1.</param>
/// <param name="waitingMax">How many may wait; more are refused.</param>
public sealed class CpuGate(int cores, int waitingMax = 1024)
{
    private readonly Lock gate = new();
    private readonly Queue<TaskCompletionSource> waiting = new();
    private int running;

    /// <summary>Jobs that run.</summary>
    public int Running
    {
        get
        {
            lock (gate) return running;
        }
    }

    /// <summary>Jobs that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (gate) return waiting.Count(one => !one.Task.IsCompleted);
        }
    }

    /// <summary>Waits for a turn, in order; false when too many wait already. Who got true calls <see cref="Leave"/> when the job is done or has failed.</summary>
    public async ValueTask<bool> EnterAsync(CancellationToken cancel = default)
    {
        TaskCompletionSource turn;
        lock (gate)
        {
            if (running < cores)
            {
                running++;
                return true;
            }

            while (waiting.TryPeek(out var gone) && gone.Task.IsCanceled) waiting.Dequeue();
            if (waiting.Count >= waitingMax) return false;
            waiting.Enqueue(turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        // A turn that was given in the moment of giving up is taken: whoever sees true leaves again.
        await using var registration = cancel.Register(() => turn.TrySetCanceled(cancel)).ConfigureAwait(false);
        await turn.Task.ConfigureAwait(false);
        return true;
    }

    /// <summary>A job is done: the next one has its turn.</summary>
    public void Leave()
    {
        lock (gate)
        {
            Invariant.Holds(running > 0, "a job left that had not entered");
            while (waiting.TryDequeue(out var next))
                if (next.TrySetResult()) return;
            running--;
        }
    }
}
