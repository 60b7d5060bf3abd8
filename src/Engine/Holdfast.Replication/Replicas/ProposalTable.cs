using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>
/// This node's proposals whose fate is open, by their number. Numbers rise by one, so the table is a ring; it grows to its bound, beyond which proposals are
/// refused as busy.
/// </summary>
internal sealed class ProposalTable(int slotsMax, uint bootCount)
{
    private Slot[] slots = new Slot[64];
    private ulong oldest;
    private ulong next;
    private readonly ulong numberBase = (ulong)bootCount << 40;

    private struct Slot
    {
        public IProposalCompletion? Completion;
        public Instant Deadline;
        public Term Term;
    }

    public int Count { get; private set; }

    /// <summary>The number that the next proposal gets.</summary>
    public ulong NextNumber => numberBase | next;

    /// <summary>Whether one more proposal may wait.</summary>
    public bool HasRoom => next - oldest < (ulong)slotsMax;

    /// <summary>Takes up the proposal under <see cref="NextNumber"/>, which may be written in that term only.</summary>
    public void Add(IProposalCompletion completion, Instant deadline, Term term)
    {
        if (next - oldest == (ulong)slots.Length) Grow();
        slots[next % (ulong)slots.Length] = new Slot { Completion = completion, Deadline = deadline, Term = term };
        next++;
        Count++;
    }

    /// <summary>The next number was said to somebody, and nobody waits for what became of it: it is not given again, for a late word about it would be taken for one about another proposal.</summary>
    public void PassOver()
    {
        if (next - oldest == (ulong)slots.Length) Grow();
        slots[next % (ulong)slots.Length] = default;
        next++;
        SkipEnded();
    }

    /// <summary>Takes the proposal out, with the time it has left; null when its fate is no longer open.</summary>
    public IProposalCompletion? Take(ulong number, out Instant deadline)
    {
        var place = number - numberBase;
        deadline = default;
        if (number < numberBase || place < oldest || place >= next) return null;
        deadline = slots[place % (ulong)slots.Length].Deadline;
        return TakeAt(place);
    }

    /// <summary>Ends every proposal that is overdue.</summary>
    public void ExpireUntil(Instant now) => End(now);

    /// <summary>Ends them all.</summary>
    public void EndAll() => End(Instant.Never);

    /// <summary>Takes out every proposal that could be written in an earlier term only, with the time it has left.</summary>
    public List<(IProposalCompletion Completion, Instant Deadline)> TakeBefore(Term term)
    {
        var taken = new List<(IProposalCompletion, Instant)>();
        for (var place = oldest; place < next; place++)
        {
            ref var slot = ref slots[place % (ulong)slots.Length];
            if (slot.Completion is null || slot.Term >= term) continue;
            var deadline = slot.Deadline;
            taken.Add((TakeAt(place)!, deadline));
        }

        return taken;
    }

    /// <summary>Of what is under way now no term says any more that it was not written: it ends by being seen, or by its time.</summary>
    public void GiveUpKnowing()
    {
        for (var place = oldest; place < next; place++) slots[place % (ulong)slots.Length].Term = new Term(ulong.MaxValue);
    }

    private void End(Instant now)
    {
        // A completion may propose anew; that lands beyond the end seen here.
        var end = next;
        for (var place = oldest; place < end; place++)
        {
            ref var slot = ref slots[place % (ulong)slots.Length];
            if (slot.Completion is null) continue;
            if (slot.Deadline > now) continue;
            TakeAt(place)!.OnCompleted(ProposeOutcome.Of(ProposalStatus.Unknown));
        }
    }

    private IProposalCompletion? TakeAt(ulong place)
    {
        ref var slot = ref slots[place % (ulong)slots.Length];
        var completion = slot.Completion;
        slot = default;
        if (completion is not null) Count--;
        SkipEnded();
        return completion;
    }

    private void SkipEnded()
    {
        while (oldest < next && slots[oldest % (ulong)slots.Length].Completion is null) oldest++;
    }

    private void Grow()
    {
        var larger = new Slot[slots.Length * 2];
        for (var place = oldest; place < next; place++)
            larger[place % (ulong)larger.Length] = slots[place % (ulong)slots.Length];
        slots = larger;
    }
}
