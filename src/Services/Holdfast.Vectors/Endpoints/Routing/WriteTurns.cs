using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Routing;

/// <summary>
/// Which large write is prepared next on this node: read out of its request, checked, brought to length one, made into commands. Few are at once, in the order in which they came, and searches go first: while any is
/// under way a write waits, unless the node has given way long enough for what it let through before. So clients that load as fast as they are answered leave searches a processor, and whatever is searched, loading goes on at
/// <see cref="BytesPerSecond"/> at least. A turn ends when its write is proposed: what waits for a quorum takes no processor. Small writes take none. For all threads.
/// </summary>
internal sealed class WriteTurns : IDisposable
{
    /// <summary>Smaller requests are prepared in less time than it takes to wait for a turn.</summary>
    public const int SmallBytes = 16 * 1024;

    /// <summary>What is let through beside searches without a pause.</summary>
    public const int BytesPerSecond = 8 * 1024 * 1024;

    /// <summary>Writes that wait for a turn; more are refused. Each has its request in memory.</summary>
    public const int WaitingMax = 1024;

    private readonly Lock gate = new();
    private readonly LinkedList<Waiting> waiting = [];
    private readonly int atOnce;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private int taken;
    private int searches;
    private long paidAt;

    /// <param name="atOnce">Writes that are prepared at once.</param>
    /// <param name="time">The clock; null for the machine's own.</param>
    public WriteTurns(int atOnce, TimeProvider? time = null)
    {
        (this.atOnce, this.time) = (atOnce, time ?? TimeProvider.System);
        timer = this.time.CreateTimer(static turns => ((WriteTurns)turns!).LetThrough(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        paidAt = this.time.GetTimestamp();
    }

    /// <summary>Writes that wait for a turn.</summary>
    public int WaitingCount
    {
        get
        {
            lock (gate) return waiting.Count;
        }
    }

    /// <summary>A turn for a request of so many bytes; null for a small one, which needs none. To be ended by whoever took it.</summary>
    /// <exception cref="VectorFault">Too many wait.</exception>
    public async ValueTask<WriteTurn?> TakeAsync(long bytes, CancellationToken cancel)
    {
        if (bytes < SmallBytes) return null;
        Waiting mine;
        lock (gate)
        {
            if (waiting.Count == 0 && MayGo())
            {
                Go(bytes);
                return new WriteTurn(this);
            }

            if (waiting.Count >= WaitingMax) throw VectorFault.Unavailable("too much waits to be written; nothing was written");
            mine = new Waiting(bytes);
            waiting.AddLast(mine);
            Await();
        }

        await using var gone = cancel.UnsafeRegister(_ => GiveUp(mine, cancel), null).ConfigureAwait(false);
        await mine.Task.ConfigureAwait(false);
        return new WriteTurn(this);
    }

    /// <summary>A search is under way until what comes back is disposed of.</summary>
    public SearchUnderWay BeginSearch()
    {
        lock (gate) searches++;
        return new SearchUnderWay(this);
    }

    /// <summary>The same, of a question that is a search, where somebody counts them.</summary>
    public static SearchUnderWay Search(WriteTurns? turns, ShardQuestion question) => question is NearestQuestion or ExampleQuestion && turns is not null ? turns.BeginSearch() : default;

    /// <inheritdoc/>
    public void Dispose() => timer.Dispose();

    internal void End()
    {
        lock (gate) taken--;
        LetThrough();
    }

    private void EndSearch()
    {
        lock (gate) searches--;
        LetThrough();
    }

    private bool MayGo() => taken < atOnce && (searches == 0 || time.GetTimestamp() >= paidAt);

    private void Go(long bytes)
    {
        taken++;
        paidAt = time.GetTimestamp() + (bytes * time.TimestampFrequency / BytesPerSecond);
    }

    private void LetThrough()
    {
        lock (gate)
        {
            while (waiting.First is { Value: var next } && MayGo())
            {
                waiting.RemoveFirst();
                Go(next.Bytes);
                next.TrySetResult();
            }

            Await();
        }
    }

    /// <summary>The end of a search, or of a turn, lets the next one through; so does the moment up to which the node gives way.</summary>
    private void Await()
    {
        if (waiting.Count > 0 && taken < atOnce && searches > 0) timer.Change(TimeSpan.FromMilliseconds(1) + time.GetElapsedTime(time.GetTimestamp(), Math.Max(paidAt, time.GetTimestamp())), Timeout.InfiniteTimeSpan);
    }

    private void GiveUp(Waiting gone, CancellationToken cancel)
    {
        lock (gate)
            if (!waiting.Remove(gone)) return;
        gone.TrySetCanceled(cancel);
    }

    /// <summary>A search that goes before writes; to be disposed of once.</summary>
    internal readonly struct SearchUnderWay(WriteTurns? turns) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => turns?.EndSearch();
    }

    private sealed class Waiting(long bytes) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public long Bytes => bytes;
    }
}

/// <summary>A turn; it ends once, however often that is said.</summary>
internal sealed class WriteTurn(WriteTurns turns) : IDisposable
{
    private int ended;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref ended, 1) == 0) turns.End();
    }
}
