using Holdfast.Consensus;
using Holdfast.Primitives;

namespace Holdfast.Simulation.Disk;

/// <summary>An entry as it lies on a simulated disk.</summary>
internal readonly record struct StoredEntry(Term Term, EntryKind Kind, byte[] Payload, bool IsRotten);

/// <summary>A snapshot as it lies on a simulated disk. Immutable. A witness's has no state.</summary>
internal sealed record StoredSnapshot(LogPosition Position, Configuration Configuration, ulong[] Registers, ulong StateHash, bool HasState);

/// <summary>One replica's log as one would find it by reading the disk: term and vote, entries, snapshot, and a note of damage not yet repaired.</summary>
internal sealed class StoredLog
{
    private readonly List<StoredEntry> entries = [];

    public HardState HardState { get; set; }

    /// <summary>Entries up to here have been compacted away.</summary>
    public LogPosition Base { get; private set; }

    public LogIndex DamagedUpTo { get; set; }

    public StoredSnapshot? Snapshot { get; set; }

    public LogIndex Last => Base.Index + (ulong)entries.Count;

    /// <summary>The newest position that the replica certainly still has after power loss, in log or snapshot.</summary>
    public LogIndex Covered => LogIndex.Max(Last, Snapshot?.Position.Index ?? LogIndex.Zero);

    public StoredEntry this[LogIndex index] => entries[(int)(index - Base.Index) - 1];

    public Term? TermAt(LogIndex index) =>
        index == Base.Index ? Base.Term : index > Base.Index && index <= Last ? this[index].Term : null;

    /// <summary>Whether the disk holds this very position, or a snapshot that covers it.</summary>
    public bool Holds(LogPosition position) =>
        position.Index <= Base.Index || TermAt(position.Index) == position.Term || Snapshot is { } snapshot && position.Index <= snapshot.Position.Index;

    public void TruncateFrom(LogIndex from)
    {
        if (from > Last) return;
        var keep = from <= Base.Index ? 0 : (int)(from - Base.Index) - 1;
        entries.RemoveRange(keep, entries.Count - keep);
    }

    /// <summary>Writes entries from <paramref name="first"/> on; what lies after a gap cannot be read back, because reading stops at the gap.</summary>
    public void Append(LogIndex first, ReadOnlySpan<StoredEntry> added)
    {
        if (first > Last.Next) return;
        for (var i = 0; i < added.Length; i++)
        {
            var index = first + (ulong)i;
            if (index <= Base.Index) continue;
            if (index <= Last) entries[(int)(index - Base.Index) - 1] = added[i];
            else entries.Add(added[i]);
        }
    }

    /// <summary>Forgets what a durable snapshot covers.</summary>
    public void CompactTo(LogPosition position)
    {
        if (position.Index <= Base.Index) return;
        var drop = Math.Min((int)(position.Index - Base.Index), entries.Count);
        entries.RemoveRange(0, drop);
        Base = position;
    }

    /// <summary>The log continues after a snapshot: entries behind it stay only if the log holds the snapshot's own position (Raft paper 7).</summary>
    public void ResetTo(LogPosition position)
    {
        if (position.Index <= Base.Index) return;
        if (TermAt(position.Index) != position.Term) entries.Clear();
        CompactTo(position);
    }

    public void Rot(LogIndex index) => entries[(int)(index - Base.Index) - 1] = this[index] with { IsRotten = true };

    public StoredLog Copy()
    {
        var copy = new StoredLog { HardState = HardState, Base = Base, DamagedUpTo = DamagedUpTo, Snapshot = Snapshot };
        copy.entries.AddRange(entries);
        return copy;
    }
}
