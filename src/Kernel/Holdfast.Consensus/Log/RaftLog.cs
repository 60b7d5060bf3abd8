using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The entries a replica holds in memory, without a gap from the last compaction to the end. Owns their payloads.</summary>
public sealed class RaftLog
{
    private readonly PayloadArena arena = new();
    private Entry[] ring = new Entry[64];
    private int head;
    private int count;

    internal RaftLog(LogPosition @base) => Base = @base;

    /// <summary>The position the log was compacted to: the snapshot's last entry.</summary>
    public LogPosition Base { get; private set; }

    /// <summary>Where the log ends.</summary>
    public LogPosition Last => count == 0 ? Base : ring[Slot(count - 1)].Position;

    /// <summary>Payload bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>The entry at an index after <see cref="Base"/> and not after <see cref="Last"/>.</summary>
    public Entry this[LogIndex index]
    {
        get
        {
            Invariant.Holds(index > Base.Index, "an entry was asked for that the log has already forgotten");
            Invariant.Holds(index <= Last.Index, "an entry was asked for beyond the log's end");
            return ring[Slot((int)(index - Base.Index) - 1)];
        }
    }

    /// <summary>The term at an index from <see cref="Base"/> to <see cref="Last"/>; null outside.</summary>
    public Term? TermAt(LogIndex index) =>
        index == Base.Index ? Base.Term : index < Base.Index || index > Last.Index ? null : this[index].Position.Term;

    /// <summary>Whether the log holds this very position, or has compacted exactly to it.</summary>
    public bool Matches(LogPosition position) => TermAt(position.Index) == position.Term;

    /// <summary>The newest position not after <paramref name="index"/> whose term is not above <paramref name="term"/>: where two logs may still agree.</summary>
    internal LogPosition LastNotAbove(LogIndex index, Term term)
    {
        var at = LogIndex.Min(index, Last.Index);
        while (at > Base.Index && this[at].Position.Term > term) at = at.Previous;
        return at <= Base.Index ? Base : this[at].Position;
    }

    internal LogPosition Append(Term term, EntryKind kind, ReadOnlySpan<byte> payload)
    {
        if (count == ring.Length) Grow();
        var position = new LogPosition(term, Last.Index.Next);
        ring[Slot(count)] = new Entry(position, kind, arena.Copy(position.Index, payload));
        count++;
        Bytes += payload.Length;
        return position;
    }

    /// <summary>Takes back every entry from <paramref name="from"/> on.</summary>
    internal void TruncateFrom(LogIndex from)
    {
        Invariant.Holds(from > Base.Index, "a truncation reaches into the snapshot");
        while (count > 0 && Last.Index >= from)
        {
            count--;
            ref var dropped = ref ring[Slot(count)];
            Bytes -= dropped.Payload.Length;
            dropped = default;
        }

        arena.TruncateFrom(from);
    }

    /// <summary>Forgets every entry up to <paramref name="through"/>.</summary>
    internal void CompactTo(LogIndex through)
    {
        Invariant.Holds(through <= Last.Index, "a compaction reaches beyond the log's end");
        while (count > 0 && ring[head].Position.Index <= through)
        {
            ref var forgotten = ref ring[head];
            Base = forgotten.Position;
            Bytes -= forgotten.Payload.Length;
            forgotten = default;
            head = (head + 1) % ring.Length;
            count--;
        }

        arena.Release(through);
    }

    /// <summary>Forgets everything: the log begins anew after <paramref name="position"/>.</summary>
    internal void ResetTo(LogPosition position)
    {
        Array.Clear(ring);
        head = count = 0;
        Bytes = 0;
        Base = position;
        arena.Release(new LogIndex(ulong.MaxValue));
    }

    private int Slot(int offset) => (head + offset) % ring.Length;

    private void Grow()
    {
        var larger = new Entry[ring.Length * 2];
        for (var i = 0; i < count; i++) larger[i] = ring[Slot(i)];
        ring = larger;
        head = 0;
    }
}
