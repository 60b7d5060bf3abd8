using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>A follower's batches of reads that it has sent to its leader. An answer counts only if it names a batch that still waits and comes in the same term.</summary>
internal sealed class ForwardedReads
{
    private readonly Queue<(ulong Context, Instant GiveUp)> waiting = new();

    public Instant Deadline => waiting.TryPeek(out var oldest) ? oldest.GiveUp : Instant.Never;

    public void Add(ulong context, Instant giveUp) => waiting.Enqueue((context, giveUp));

    /// <summary>Removes one batch, wherever it waits.</summary>
    public bool TryRemove(ulong context)
    {
        var found = false;
        for (var left = waiting.Count; left > 0; left--)
        {
            var item = waiting.Dequeue();
            if (!found && item.Context == context) found = true;
            else waiting.Enqueue(item);
        }

        return found;
    }

    public bool TryTakeOverdue(Instant now, out ulong context)
    {
        context = 0;
        if (!waiting.TryPeek(out var oldest) || oldest.GiveUp > now) return false;
        context = waiting.Dequeue().Context;
        return true;
    }

    public bool TryTakeAny(out ulong context) => TryTakeOverdue(Instant.Never, out context);
}
