using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The entries a replica holds in memory, without a gap from the last compaction to the end. Owns their payloads.</summary>
public sealed class RaftLog
{
    private readonly PayloadArena arena = new();
    private readonly EntryBlocks entries = new();

    internal RaftLog(LogPosition @base) => Base = @base;

    /// <summary>The position the log was compacted to: the snapshot's last entry.</summary>
    public LogPosition Base { get; private set; }

    /// <summary>Where the log ends.</summary>
    public LogPosition Last => entries.Count == 0 ? Base : entries[entries.Count - 1].Position;

    /// <summary>Payload bytes held.</summary>
    public long Bytes => entries.Bytes;

    /// <summary>The entry at an index after <see cref="Base"/> and not after <see cref="Last"/>.</summary>
    public Entry this[LogIndex index]
    {
        get
        {
            Invariant.Holds(index > Base.Index, "an entry was asked for that the log has already forgotten");
            Invariant.Holds(index <= Last.Index, "an entry was asked for beyond the log's end");
            return entries[(int)(index - Base.Index) - 1];
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
        var position = new LogPosition(term, Last.Index.Next);
        entries.Add(new Entry(position, kind, arena.Copy(position.Index, payload)));
        return position;
    }

    /// <summary>Takes an entry over that follows the last: its payload belongs to this log from here on.</summary>
    internal void Adopt(in Entry entry) => entries.Add(entry);

    /// <summary>Takes back every entry from <paramref name="from"/> on.</summary>
    internal void TruncateFrom(LogIndex from)
    {
        Invariant.Holds(from > Base.Index, "a truncation reaches into the snapshot");
        while (entries.Count > 0 && Last.Index >= from) entries.RemoveLast();
        arena.TruncateFrom(from);
    }

    /// <summary>Forgets every entry up to <paramref name="through"/>.</summary>
    internal void CompactTo(LogIndex through)
    {
        Invariant.Holds(through <= Last.Index, "a compaction reaches beyond the log's end");
        if (through > Base.Index)
        {
            var position = this[through].Position;
            entries.RemoveFirst((int)(through - Base.Index));
            Base = position;
        }

        arena.Release(through);
    }

    /// <summary>Gives some memory of forgotten entries back to the system; true while there is more.</summary>
    public bool FreeSome() => arena.FreeSome();

    /// <summary>Forgets everything: the log begins anew after <paramref name="position"/>.</summary>
    internal void ResetTo(LogPosition position)
    {
        entries.RemoveFirst(entries.Count);
        Base = position;
        arena.Release(new LogIndex(ulong.MaxValue));
    }
}
