using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>
/// What the log knows about one group without its entries: the marks that are carried forward (S9), and which segments hold live entries. Recovery and
/// writing keep it by the same methods, so that they cannot disagree.
/// </summary>
internal sealed class GroupTrack(GroupId group)
{
    private const byte MarksVersion = 1;

    private readonly List<Range> ranges = [];

    public GroupId Group { get; } = group;

    public HardState HardState { get; set; }

    public LogPosition Snapshot { get; private set; }

    /// <summary>Feature level and configuration at <see cref="Snapshot"/>, or those of the group's creation, as the records carry them.</summary>
    public byte[] Configuration { get; set; } = [];

    public bool IsTombstoned { get; private set; }

    /// <summary>Where the group's log ends. Entries before it that are not in any range are missing.</summary>
    public LogIndex Last { get; private set; }

    public LogIndex DamagedUpTo { get; set; }

    /// <summary>The oldest segment that holds a live entry; <see cref="ulong.MaxValue"/> without any.</summary>
    public ulong OldestSegment
    {
        get
        {
            var oldest = ulong.MaxValue;
            foreach (var range in ranges) oldest = Math.Min(oldest, range.Generation);
            return oldest;
        }
    }

    /// <summary>An entry was written to a segment, as the new end or again.</summary>
    public void Place(LogPosition position, ulong generation)
    {
        var index = position.Index.Value;
        if (ranges.Count > 0)
        {
            // The steady path: the entry follows the one before it in the same segment and term.
            var end = ranges[^1];
            if (end.Through + 1 == index && end.Generation == generation && end.Term == position.Term)
            {
                ranges[^1] = end with { Through = index };
                Last = LogIndex.Max(Last, position.Index);
                return;
            }
        }

        Cut(index, index);
        var at = 0;
        while (at < ranges.Count && ranges[at].From < index) at++;
        if (at > 0 && ranges[at - 1] is var before && before.Through + 1 == index && before.Generation == generation && before.Term == position.Term)
            ranges[at - 1] = before with { Through = index };
        else
            ranges.Insert(at, new Range(index, index, position.Term, generation));
        Last = LogIndex.Max(Last, position.Index);
    }

    /// <summary>A new entry ended the damage: what was lost has been written again.</summary>
    public void NoteRepair()
    {
        if (DamagedUpTo != LogIndex.Zero && Last >= DamagedUpTo) DamagedUpTo = LogIndex.Zero;
    }

    public void Truncate(LogIndex from)
    {
        Cut(from.Value, ulong.MaxValue);
        if (Last >= from) Last = LogIndex.Max(from.Previous, Snapshot.Index);
    }

    /// <summary>Whether a snapshot at the position comes from another history than the entries after it.</summary>
    public bool ContradictsSuffix(LogPosition position)
    {
        if (position.Index >= Last) return false;
        if (position == Snapshot) return false;
        return TermAt(position.Index) != position.Term;
    }

    /// <summary>The term of a live entry; null when the log has none at that index.</summary>
    public Term? TermAt(LogIndex index)
    {
        foreach (var range in ranges)
            if (range.From <= index.Value && index.Value <= range.Through) return range.Term;
        return null;
    }

    public void Compact(LogPosition through, bool dropsSuffix)
    {
        if (through.Index < Snapshot.Index) return;
        Cut(0, dropsSuffix ? ulong.MaxValue : through.Index.Value);
        Snapshot = through;
        Last = dropsSuffix ? through.Index : LogIndex.Max(Last, through.Index);
    }

    public void Bury()
    {
        IsTombstoned = true;
        ranges.Clear();
        Last = LogIndex.Zero;
        DamagedUpTo = LogIndex.Zero;
    }

    /// <summary>The entries that lie in segments up to a generation.</summary>
    public bool TryFindHeld(ulong upToGeneration, out GroupHoldingBack held)
    {
        ulong from = 0, through = 0;
        foreach (var range in ranges)
        {
            if (range.Generation > upToGeneration) continue;
            if (from == 0) from = range.From;
            through = range.Through;
        }

        held = new GroupHoldingBack(Group, new LogIndex(from), new LogIndex(through));
        return from != 0;
    }

    public void WriteMarks(ByteBuffer target, bool withHardState)
    {
        var hardState = withHardState ? HardState : default;
        var writer = new SpanWriter(target);
        writer.WriteByte(MarksVersion);
        writer.WriteByte(IsTombstoned ? (byte)1 : (byte)0);
        writer.WriteUInt64(hardState.Term.Value);
        writer.WriteUInt64(hardState.Vote.Value);
        writer.WriteUInt64(Snapshot.Term.Value);
        writer.WriteUInt64(Snapshot.Index.Value);
        writer.WriteUInt64(Last.Value);
        writer.WriteUInt64(DamagedUpTo.Value);
        writer.WriteBlock(Configuration);
    }

    /// <summary>Takes over what <see cref="WriteMarks"/> wrote. The entries that the marks no longer cover are forgotten.</summary>
    public bool TryReadMarks(ReadOnlySpan<byte> body)
    {
        var reader = new SpanReader(body);
        var version = reader.ReadByte();
        var flags = reader.ReadByte();
        var hardState = new HardState(new Term(reader.ReadUInt64()), new NodeId(reader.ReadUInt64()));
        var snapshot = new LogPosition(new Term(reader.ReadUInt64()), new LogIndex(reader.ReadUInt64()));
        var last = new LogIndex(reader.ReadUInt64());
        var damaged = new LogIndex(reader.ReadUInt64());
        var configuration = reader.ReadBlock();
        if (version != MarksVersion || !reader.IsWhole) return false;
        HardState = hardState;
        Configuration = configuration.ToArray();
        if ((flags & 1) != 0)
        {
            Bury();
            return true;
        }

        Cut(0, snapshot.Index.Value);
        Cut(last.Value + 1, ulong.MaxValue);
        Snapshot = snapshot;
        Last = last;
        DamagedUpTo = damaged;
        return true;
    }

    public (Configuration Configuration, uint FeatureLevel)? DecodeConfiguration()
    {
        var reader = new SpanReader(Configuration);
        var level = reader.ReadUInt32();
        return Consensus.Configuration.TryDecode(ref reader, out var configuration) ? (configuration, level) : null;
    }

    /// <summary>Moves the log's end without writing: to count what is known to be missing.</summary>
    public void ExpectLast(LogIndex index) => Last = LogIndex.Max(Last, index);

    /// <summary>Forgets the places of the indexes from one to another.</summary>
    private void Cut(ulong from, ulong through)
    {
        for (var i = ranges.Count - 1; i >= 0; i--)
        {
            var range = ranges[i];
            if (range.From > through) continue;
            if (range.Through < from) break;
            ranges.RemoveAt(i);
            if (range.Through > through) ranges.Insert(i, range with { From = through + 1 });
            if (range.From < from) ranges.Insert(i, range with { Through = from - 1 });
        }
    }

    /// <summary>Entries of one term that lie in one segment. Ranges are kept in the order of their indexes and do not overlap.</summary>
    private readonly record struct Range(ulong From, ulong Through, Term Term, ulong Generation);
}
