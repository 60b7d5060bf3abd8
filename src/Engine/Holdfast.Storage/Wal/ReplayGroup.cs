using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>Where an entry's payload lies.</summary>
internal readonly record struct LocatedEntry(ulong Generation, long BodyOffset, int Bytes, Term Term, EntryKind Kind, ulong Sequence);

/// <summary>One group while the log is replayed: its track, and where its entries are.</summary>
internal sealed class ReplayGroup(GroupId group)
{
    private static readonly Mark LostTruncation = new("storage: an entry showed that a truncation record was lost");
    private static readonly Mark Doubted = new("storage: an entry before lost records is not believed");
    private static readonly Mark Hole = new("storage: a group's log has a hole");

    private readonly Dictionary<ulong, LocatedEntry> entries = [];
    private LogIndex judged;
    private int lost;

    public GroupTrack Track { get; } = new(group);

    /// <summary>A planted mistake: see <see cref="PlantedLogBug.CopiedRecordEndsLog"/>.</summary>
    public bool CopyEndsLog { get; init; }

    public void Apply(in WalRecordHeader header, ReadOnlySpan<byte> body, ulong generation, long bodyOffset)
    {
        var position = new LogPosition(header.Term, new LogIndex(header.Index));
        switch (header.Kind)
        {
            case WalRecordKind.Entry:
                if (position.Index <= Track.Snapshot.Index) break;
                Doubt(position);
                if (entries.TryGetValue(header.Index, out var before) && before.Term != header.Term)
                {
                    LostTruncation.Hit();
                    TruncateFrom(position.Index);
                    Judge(position.Index);
                }

                Place(position, header, generation, bodyOffset);
                if (judged == LogIndex.Zero) Track.NoteRepair();
                break;

            case WalRecordKind.Copied:
                if ((header.Flags & WalRecordHeader.VoidFlag) != 0 || position.Index <= Track.Snapshot.Index || position.Index > Track.Last) break;
                // A copy is written only of what stands (else it is void), so another term here means that records between the two were lost: neither is believed the more.
                if (entries.TryGetValue(header.Index, out var standing) && standing.Term != header.Term) break;
                if (CopyEndsLog) TruncateFrom(position.Index);
                Place(position, header, generation, bodyOffset);
                break;

            case WalRecordKind.HardState:
                if (header.Term >= Track.HardState.Term) Track.HardState = new HardState(header.Term, new NodeId(header.Index));
                break;

            case WalRecordKind.Truncation:
                TruncateFrom(position.Index);
                break;

            case WalRecordKind.Compaction:
                if (position.Index < Track.Snapshot.Index) break;
                var dropsSuffix = (header.Flags & WalRecordHeader.DropsSuffixFlag) != 0;
                if (!dropsSuffix) TruncateGivenUp(position);
                Track.Configuration = body.ToArray();
                Track.Compact(position, dropsSuffix);
                ForgetOutside(position.Index, Track.Last);
                if (judged == LogIndex.Zero) Track.NoteRepair();
                break;

            case WalRecordKind.GroupCreated:
                if (Track.Configuration.Length == 0) Track.Configuration = body.ToArray();
                break;

            case WalRecordKind.Tombstone:
                Bury();
                break;

            case WalRecordKind.Marks:
                ApplyMarks(body);
                break;
        }
    }

    /// <summary>The body of a record of this group is lost.</summary>
    public void NoteBadBody(in WalRecordHeader header)
    {
        var index = new LogIndex(header.Index);
        switch (header.Kind)
        {
            case WalRecordKind.Entry:
                // The place is known: a hole, unless a truncation or a snapshot makes it harmless further on.
                if (index <= Track.Snapshot.Index) break;
                if (entries.ContainsKey(header.Index)) TruncateFrom(index);
                Track.ExpectLast(index);
                break;

            case WalRecordKind.Copied:
                // What it restates still stands elsewhere, or is a hole at the end of the replay.
                break;

            default:
                Judge(LogIndex.Max(index, Track.Last.Next));
                break;
        }
    }

    /// <summary>Up to so many records of unknown kind are lost that may have been this group's: entries at its end, or a vote.</summary>
    public void NoteLost(int count)
    {
        if (Track.IsTombstoned) return;
        lost += count;
        Judge(Track.Last + (ulong)count);
    }

    /// <summary>The replay is over: the entries without a gap. What lies beyond a gap is not continued from; the track says so from here on.</summary>
    public List<(LogIndex Index, LocatedEntry Entry)> Finish(List<string> findings)
    {
        var whole = new List<(LogIndex, LocatedEntry)>();
        if (Track.IsTombstoned) return whole;
        var (end, term) = (Track.Snapshot.Index, Track.Snapshot.Term);
        while (end < Track.Last && entries.TryGetValue(end.Next.Value, out var entry) && entry.Term >= term) // Terms never fall: what is older than the entry before it was given up, and the record of that is lost.
        {
            (end, term) = (end.Next, entry.Term);
            whole.Add((end, entry));
        }

        var known = Track.Last;
        if (end < known)
        {
            Hole.Hit();
            Track.DamagedUpTo = LogIndex.Max(Track.DamagedUpTo, known);
            findings.Add($"Group {Track.Group}: entry {end.Next} is lost or damaged on this disk, and the log is known to have reached {known}. The replica neither votes nor acknowledges until the leader's entries have repaired it.");
        }

        if (judged != LogIndex.Zero || Track.DecodeConfiguration() is null)
        {
            Track.DamagedUpTo = LogIndex.Max(Track.DamagedUpTo, LogIndex.Max(judged, known.Next));
            findings.Add($"Group {Track.Group}: a vote or an entry up to {Track.DamagedUpTo} may be lost on this disk. The replica neither votes nor acknowledges until the leader's entries have repaired it.");
        }

        Track.Truncate(end.Next);
        return whole;
    }

    private void Place(LogPosition position, in WalRecordHeader header, ulong generation, long bodyOffset)
    {
        entries[header.Index] = new LocatedEntry(generation, bodyOffset, (int)header.BodyLength, header.Term, (EntryKind)header.EntryKind, header.Sequence);
        Track.Place(position, generation);
    }

    private void TruncateFrom(LogIndex from)
    {
        for (var index = from; index <= Track.Last; index = index.Next) entries.Remove(index.Value);
        Track.Truncate(from);
    }

    /// <summary>
    /// The first that is known after records were lost: they may have been a truncation and the entries that took others' place, up to here. What stands in those
    /// places and is of an older term may be of a history that was given up; a leader that finds a match beyond it would never look at it again. So it becomes a hole.
    /// </summary>
    private void Doubt(LogPosition known)
    {
        for (var index = known.Index.Previous; lost > 0 && index > Track.Snapshot.Index; index = index.Previous, lost--)
        {
            if (!entries.TryGetValue(index.Value, out var standing) || standing.Term >= known.Term) continue;
            Doubted.Hit();
            entries.Remove(index.Value);
        }

        lost = 0;
    }

    /// <summary>
    /// What stands behind a snapshot that drops nothing goes on from it. Where another entry stands at its position, or an older one right behind it, a truncation in between is lost, and what it took away goes now.
    /// </summary>
    private void TruncateGivenUp(LogPosition snapshot)
    {
        if (Track.Last <= snapshot.Index) return;
        var isOfAnother = entries.TryGetValue(snapshot.Index.Value, out var standing) && standing.Term != snapshot.Term;
        var isOlderBehind = entries.TryGetValue(snapshot.Index.Next.Value, out var behind) && behind.Term < snapshot.Term;
        if (!isOfAnother && !isOlderBehind) return;
        LostTruncation.Hit();
        TruncateFrom(snapshot.Index.Next);
        Judge(snapshot.Index.Next);
    }

    private void ApplyMarks(ReadOnlySpan<byte> body)
    {
        var before = Track.Last;
        if (!Track.TryReadMarks(body))
        {
            Judge(Track.Last.Next);
            return;
        }

        // The marks were written by a process that knew: a possible loss before them is settled by them, but for the content of entries.
        Doubt(new LogPosition(Track.HardState.Term, Track.Last.Next));
        judged = LogIndex.Zero;
        for (var index = Track.Last.Next; index <= before; index = index.Next) entries.Remove(index.Value);
        if (Track.IsTombstoned) entries.Clear();
        else ForgetOutside(Track.Snapshot.Index, Track.Last);
    }

    private void Bury()
    {
        Track.Bury();
        entries.Clear();
        judged = LogIndex.Zero;
    }

    private void Judge(LogIndex upTo) => judged = LogIndex.Max(judged, upTo);

    private void ForgetOutside(LogIndex notAfter, LogIndex last)
    {
        foreach (var index in entries.Keys)
            if (index <= notAfter.Value || index > last.Value) entries.Remove(index);
    }
}
