using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>
/// A leader's batches of reads that wait for a quorum to confirm its leadership, or for the first commit of its term (Raft thesis 6.4).
/// Every batch that arrives between two flushes shares one round; a round is confirmed by answers to appends sent after it began.
/// </summary>
internal sealed class ReadRounds
{
    /// <summary>Most batches that may wait; more are refused at once, and the asker asks again later.</summary>
    public const int WaitingMax = 65_536;

    private readonly Queue<Waiting> waiting = new();

    private readonly record struct Waiting(NodeId Asker, ulong Context, ulong Round);

    /// <summary>The newest round begun.</summary>
    public ulong Newest { get; private set; }

    public bool HasWaiting => waiting.Count > 0;

    private bool isOpen;

    /// <summary>Adds a batch to the round that the next flush begins.</summary>
    public bool TryAdd(NodeId asker, ulong context)
    {
        if (waiting.Count >= WaitingMax) return false;
        isOpen = true;
        waiting.Enqueue(new Waiting(asker, context, Newest + 1));
        return true;
    }

    /// <summary>Begins the round that collected batches since the last flush.</summary>
    public void BeginRound()
    {
        if (!isOpen) return;
        isOpen = false;
        Newest++;
    }

    /// <summary>Takes the next batch whose round is confirmed.</summary>
    public bool TryTake(ulong confirmed, out NodeId asker, out ulong context)
    {
        (asker, context) = (default, default);
        if (!waiting.TryPeek(out var next) || next.Round > confirmed) return false;
        waiting.Dequeue();
        (asker, context) = (next.Asker, next.Context);
        return true;
    }

    /// <summary>Takes whatever waits, to refuse it.</summary>
    public bool TryTakeAny(out NodeId asker, out ulong context) => TryTake(ulong.MaxValue, out asker, out context);
}
