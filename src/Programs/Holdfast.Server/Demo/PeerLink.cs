namespace Holdfast.Server.Demo;

/// <summary>One direction between two nodes: what it does to the bytes that pass. A cut link holds them, as a network that is gone does; after the mending they come late. For all threads.</summary>
internal sealed class PeerLink
{
    private TaskCompletionSource? cut;
    private long delayTicks;

    /// <summary>How long bytes are on their way.</summary>
    public TimeSpan Delay
    {
        get => new(Volatile.Read(ref delayTicks));
        set => Volatile.Write(ref delayTicks, value.Ticks);
    }

    public bool IsCut => Volatile.Read(ref cut) is not null;

    /// <summary>From here on nothing arrives.</summary>
    public void Cut() => Interlocked.CompareExchange(ref cut, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null);

    /// <summary>What was held arrives now.</summary>
    public void Mend() => Interlocked.Exchange(ref cut, null)?.SetResult();

    /// <summary>Waits until the link is not cut.</summary>
    public async ValueTask UntilOpenAsync(CancellationToken cancel)
    {
        while (Volatile.Read(ref cut) is { } closed) await closed.Task.WaitAsync(cancel);
    }
}
