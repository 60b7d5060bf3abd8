using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>
/// Reads the segments and decides what the log says. Changes nothing on disk. Steps: 1. find the segments and their headers; 2. find the newest sign of a
/// commit; 3. replay from the oldest segment on, judging each damaged place by <see cref="RecoveryTable"/>; 4. cut groups at holes; 5. read payloads.
/// </summary>
internal sealed class LogRecovery
{
    private static readonly Mark TornTail = new("storage: recovery cut a torn tail");
    private static readonly Mark Rot = new("storage: recovery found rot before the last commit");
    private static readonly Mark Maybe = new("storage: recovery found a last commit that may have been acknowledged");
    private static readonly Mark Healed = new("storage: recovery healed marks from their other copy");
    private static readonly Mark Unfinished = new("storage: recovery passed over a segment that was never finished beginning");
    private static readonly Mark BadSegmentHeader = new("storage: a segment's header is damaged");
    private static readonly Mark MissingSegment = new("storage: a segment is missing");

    private readonly IDisk disk;
    private readonly WalOptions options;
    private readonly Dictionary<ulong, SegmentHeader> headers = [];
    private readonly Dictionary<ulong, SegmentHeader> successors = [];
    private readonly HashSet<ulong> begun = [];

    // Segments whose beginning was not finished: they say nothing that the segments before them do not say.
    private readonly HashSet<ulong> unfinished = [];
    private readonly SortedDictionary<GroupId, ReplayGroup> groups = [];
    private readonly SegmentScan scan = new();
    private byte[] bytes = [];
    private ulong loaded, scanned;
    private int length;

    public LogRecovery(IDisk disk, WalOptions options)
    {
        this.disk = disk;
        this.options = options;
        scan.BelievesBodies = options.Bug == PlantedLogBug.BodyChecksumUnchecked;
        FindSegments();
    }

    /// <summary>The segments that are there, without a gap, oldest first.</summary>
    public List<ulong> Segments { get; } = [];

    public List<string> Findings { get; } = [];

    public bool GroupsMayBeLost { get; private set; }

    /// <summary>The sequence that the next commit takes.</summary>
    public ulong NextSequence { get; private set; } = 1;

    /// <summary>Commits up to here are known to have been fsynced; what came later is only known to have been readable (S7).</summary>
    public ulong ProvenSequence { get; private set; }

    /// <summary>The segment that holds the newest commit, and where the log ends in it.</summary>
    public ulong TailGeneration { get; private set; }

    public long TailEnd { get; private set; }

    /// <summary>Entries that must be written anew, because nothing proves that they were fsynced.</summary>
    public List<(GroupId Group, Entry Entry)> Unproven { get; } = [];

    public IEnumerable<GroupTrack> Tracks
    {
        get
        {
            foreach (var group in groups.Values) yield return group.Track;
        }
    }

    /// <param name="replayed">Told how many of how many segments were read, after each.</param>
    public WalRecovery Run(Action<int, int>? replayed = null)
    {
        var newestSign = FindTail();
        for (var i = 0; i < Segments.Count; i++)
        {
            Replay(Segments[i], newestSign);
            replayed?.Invoke(i + 1, Segments.Count);
        }

        var whole = new List<(GroupTrack Track, List<(LogIndex, LocatedEntry)> Entries)>();
        foreach (var group in groups.Values) whole.Add((group.Track, group.Finish(Findings)));
        var payloads = ReadPayloads(whole);
        var recovered = new List<RecoveredGroup>();
        for (var i = 0; i < whole.Count; i++) recovered.Add(RecoveredGroup.Of(whole[i].Track, payloads[i]));
        if (GroupsMayBeLost)
            Findings.Add("Records whose group is unknown were lost on this disk, now or earlier: a group that is not found here may have voted here, so no group may begin here as an empty replica that counts.");
        return new WalRecovery { Groups = recovered, Findings = Findings, GroupsLost = GroupsMayBeLost ? 1 : 0 };
    }

    private void FindSegments()
    {
        foreach (var name in disk.List(options.Folder))
            if (SegmentLayout.TryParse(name, out var generation)) Segments.Add(generation);
        Segments.Sort();

        // Older segments than the first gap are leftovers: each segment begins with the marks of all groups, so nothing but entries can be missing, and that shows.
        for (var i = Segments.Count - 1; i > 0; i--)
        {
            if (Segments[i - 1] + 1 == Segments[i]) continue;
            Segments.RemoveRange(0, i);
            break;
        }

        foreach (var generation in Segments) ReadHeader(generation);
        for (var i = Segments.Count - 1; i >= 0; i--)
        {
            if (!headers.TryGetValue(Segments[i], out var newest)) continue;
            if (newest.Oldest >= Segments[0]) break;
            MissingSegment.Hit();
            Findings.Add($"Segment {SegmentLayout.FileName(newest.Oldest)} of the write-ahead log is missing. Entries that only it held are treated as damaged.");
            break;
        }
    }

    private void ReadHeader(ulong generation)
    {
        using var file = disk.Open(PathOf(generation));
        Span<byte> head = stackalloc byte[SegmentHeader.Size];
        var count = file.Read(0, head);
        if (!SegmentHeader.TryRead(head[..count], out var header, out var version) || header.Generation != generation) return;
        if (version > SegmentHeader.CurrentVersion)
            throw new WalRefusedException($"The write-ahead log was written by a newer Holdfast (format {version}; this program knows {SegmentHeader.CurrentVersion}). Start the newer program on this data directory.");
        if (header.Cluster != options.Cluster)
            throw new WalRefusedException($"The write-ahead log belongs to cluster {header.Cluster}, this node to cluster {options.Cluster}. Start the node with the data directory that belongs to it.");
        headers[generation] = header;
        successors[header.PreviousGeneration] = header;
        GroupsMayBeLost |= header.GroupsMayBeLost;
    }

    private string PathOf(ulong generation) => $"{options.Folder}/{SegmentLayout.FileName(generation)}";

    /// <summary>
    /// Whether the segment is read from the medium. After a failed fsync the page cache holds as clean what the disk never got, and nothing can be trusted to say
    /// that this happened: a mark would have had to be written to the same disk. So it is always done where it can matter, in the segment that was being written
    /// and the one before it, whose last fsync began the other (S7).
    /// </summary>
    private bool IsReadUncached(ulong generation) => Segments.IndexOf(generation) >= Segments.Count - 2;

    private void Load(ulong generation)
    {
        if (loaded == generation) return;
        using var file = disk.Open(PathOf(generation));
        if (bytes.Length < file.Length) bytes = GC.AllocateUninitializedArray<byte>((int)file.Length);
        var target = bytes.AsSpan(0, (int)file.Length);
        length = Read(file, generation, target);
        loaded = generation;
    }

    private int Read(IDiskFile file, ulong generation, Span<byte> target) => IsReadUncached(generation) ? file.ReadUncached(0, target) : file.Read(0, target);

    private void Scan(ulong generation)
    {
        Load(generation);
        if (scanned == generation) return;
        scanned = generation;
        var end = successors.TryGetValue(generation, out var successor) ? (int)Math.Min(successor.PreviousEnd, length) : length;
        var blockBytes = headers.TryGetValue(generation, out var header) ? header.BlockBytes : options.BlockBytes;
        scan.Run(bytes.AsSpan(0, end), bytes.AsSpan(0, length), (uint)generation, blockBytes, headers.ContainsKey(generation) ? header.FirstSequence : 0);
    }

    /// <summary>Finds the newest sign of a commit, from the newest segment backwards, and how far fsyncs are proven. The segments before the one that has it are read whole only where their rings do not show that they were begun.</summary>
    private ulong FindTail()
    {
        var newest = 0UL;
        for (var i = Segments.Count - 1; i >= 0; i--)
        {
            var hasHeader = headers.TryGetValue(Segments[i], out var header);
            if (newest == 0)
            {
                Scan(Segments[i]);
                if (hasHeader) NextSequence = Math.Max(NextSequence, header.FirstSequence);
                if (hasHeader && !IsFinished(header)) continue;
                newest = scan.NewestSign;
                if (newest > 0) NoteTail(Segments[i]);
            }
            else if (hasHeader && RingOf(header) > header.FirstSequence + 1)
            {
                begun.Add(Segments[i]);
            }
            else if (hasHeader)
            {
                Scan(Segments[i]);
                IsFinished(header);
            }
        }

        return newest;
    }

    private void NoteTail(ulong generation)
    {
        TailGeneration = generation;
        TailEnd = scan.End;
        NextSequence = scan.NewestSign + 1;

        // Everything before the newest commit was fsynced, unless that commit is still part of the segment's beginning, which is fsynced as a whole.
        var isBeginning = headers.TryGetValue(generation, out var header) && scan.NewestSign <= header.FirstSequence + 1;
        ProvenSequence = isBeginning ? header.ProvenSequence : scan.NewestSign - 1;
    }

    /// <summary>Whether the beginning of the scanned segment is whole; false for one that says nothing that the segments before it do not say.</summary>
    private bool IsFinished(in SegmentHeader header)
    {
        if (IsBegun(header))
        {
            begun.Add(header.Generation);
            return true;
        }

        if (!HasOriginals(header)) return true;
        Unfinished.Hit();
        unfinished.Add(header.Generation);
        return false;
    }

    /// <summary>The newest commit of which a segment's ring knows; zero for none.</summary>
    private ulong RingOf(in SegmentHeader header)
    {
        using var file = disk.Open(PathOf(header.Generation));
        var ring = new byte[SegmentLayout.DataStart(header.BlockBytes)];
        return SegmentScan.NewestInRing(ring.AsSpan(0, Read(file, header.Generation, ring)), (uint)header.Generation, header.BlockBytes).Sequence;
    }

    private void Replay(ulong generation, ulong newestSign)
    {
        if (unfinished.Contains(generation)) return;
        Scan(generation);
        var hasHeader = headers.TryGetValue(generation, out var header);
        if (!hasHeader && scan.Items.Count > 0)
        {
            BadSegmentHeader.Hit();
            Findings.Add($"The header of segment {SegmentLayout.FileName(generation)} is damaged; its records are used.");
        }

        var copiesAreWhole = hasHeader && CountMarks(header.FirstSequence) == header.MarksCount;
        foreach (var item in scan.Items)
        {
            if (item.Kind == ScanKind.Record)
            {
                var bodyOffset = item.Offset + WalRecordHeader.Size;
                if (item.Header.Group != WriteAheadLog.LogItself)
                    GroupOf(item.Header.Group).Apply(item.Header, bytes.AsSpan((int)bodyOffset, (int)item.Header.BodyLength), generation, bodyOffset);
                continue;
            }

            var isRestatement = hasHeader && item.Sequence <= header.FirstSequence + 1;
            var symptom = new WalSymptom(
                item.Kind == ScanKind.BadBody ? WalDamage.Body : WalDamage.Unknown,
                item.Sequence == newestSign,
                scan.RingNewest >= item.Sequence,
                isRestatement,
                copiesAreWhole,
                IsStatedAgain(generation, item.Sequence));
            if (Judge(symptom, item, generation)) break;
        }

        NoteMissingCommits(generation, newestSign);
    }

    /// <summary>Judges one damaged place; true when the log ends there.</summary>
    private bool Judge(in WalSymptom symptom, in ScanItem item, ulong generation)
    {
        var row = RecoveryTable.Judge(symptom);
        var place = $"{SegmentLayout.FileName(generation)}, byte {item.Offset}, commit {item.Sequence}";
        switch (VerdictOf(row, symptom))
        {
            case WalVerdict.Healed:
                Healed.Hit();
                return false;
            case WalVerdict.Torn:
                TornTail.Hit();
                TailEnd = item.Offset;
                if (IsFirstOfCommit(item)) NextSequence = item.Sequence;
                return true;
            case WalVerdict.HarmsGroup:
                Count(symptom);
                if (item.Header.Group != WriteAheadLog.LogItself) GroupOf(item.Header.Group).NoteBadBody(item.Header);
                Findings.Add($"Write-ahead log, {place}: {row.Name} (group {item.Header.Group}).");
                return false;
            default:
                Count(symptom);
                foreach (var group in groups.Values) group.NoteLost(item.LostMax);
                GroupsMayBeLost = true;
                Findings.Add($"Write-ahead log, {place}: {row.Name} (at most {item.LostMax} records).");
                return false;
        }
    }

    private WalVerdict VerdictOf(in RecoveryTable.Row row, in WalSymptom symptom) => options.Bug switch
    {
        PlantedLogBug.DamageCutOff when row.Verdict != WalVerdict.Healed => WalVerdict.Torn,
        PlantedLogBug.MaybeTakenForTorn when row.Verdict != WalVerdict.Healed && symptom.IsLastCommit => WalVerdict.Torn,
        _ => row.Verdict,
    };

    private bool HasOriginals(in SegmentHeader header) => header.PreviousGeneration == 0 || Segments.Contains(header.PreviousGeneration);

    /// <summary>Whether a later segment restates the commit. Its beginning was fsynced as a whole, which is why it must be there as a whole.</summary>
    private bool IsStatedAgain(ulong generation, ulong sequence) =>
        successors.TryGetValue(generation, out var successor) && sequence > successor.ProvenSequence && begun.Contains(successor.Generation);

    /// <summary>Whether the loaded segment's two restating commits are whole, or were once: a later commit shows that they had been fsynced.</summary>
    private bool IsBegun(in SegmentHeader header)
    {
        if (scan.NewestSign > header.FirstSequence + 1) return true;
        foreach (var item in scan.Items)
            if (item.Kind != ScanKind.Record) return false;
        return scan.NewestRecord == header.FirstSequence + 1;
    }

    private static void Count(in WalSymptom symptom)
    {
        if (symptom.IsLastCommit) Maybe.Hit();
        else Rot.Hit();
    }

    private bool IsFirstOfCommit(in ScanItem item)
    {
        foreach (var other in scan.Items)
            if (other.Sequence == item.Sequence) return other.Offset == item.Offset;
        return true;
    }

    /// <summary>Commits of which not even a header is left: the ring, or the next segment, says that they were there.</summary>
    private void NoteMissingCommits(ulong generation, ulong newestSign)
    {
        var until = generation == TailGeneration ? newestSign : successors.TryGetValue(generation, out var next) ? next.FirstSequence - 1 : 0;
        var from = scan.NewestRecord == 0 && headers.TryGetValue(generation, out var own) ? own.FirstSequence : scan.NewestRecord + 1;
        if (until < from || (scan.NewestRecord == 0 && !headers.ContainsKey(generation))) return;
        var isRestatement = headers.TryGetValue(generation, out own) && until <= own.FirstSequence + 1;
        var symptom = new WalSymptom(WalDamage.Unknown, until == newestSign, scan.RingNewest >= until, isRestatement, false, IsStatedAgain(generation, until));
        var lost = scan.RingNewest == until && until == from ? (int)Math.Max(scan.RingNewestRecords, 1) : (int)Math.Min(1024 * (until - from + 1), 1 << 20);
        Judge(symptom, new ScanItem(ScanKind.Lost, default, until, scan.End, lost), generation);
    }

    private uint CountMarks(ulong firstSequence)
    {
        var seen = new HashSet<GroupId>();
        foreach (var item in scan.Items)
            if (item.Kind == ScanKind.Record && item.Header.Kind == WalRecordKind.Marks && item.Sequence <= firstSequence + 1) seen.Add(item.Header.Group);
        return (uint)seen.Count;
    }

    private ReplayGroup GroupOf(GroupId id)
    {
        if (groups.TryGetValue(id, out var group)) return group;
        group = new ReplayGroup(id) { CopyEndsLog = options.Bug == PlantedLogBug.CopiedRecordEndsLog };
        groups.Add(id, group);
        return group;
    }

    /// <summary>Reads the payloads of all live entries, segment by segment from the one that was replayed last, and notes which must be written anew.</summary>
    private List<Entry[]> ReadPayloads(List<(GroupTrack Track, List<(LogIndex Index, LocatedEntry At)> Entries)> whole)
    {
        var payloads = new List<Entry[]>();
        var slabs = new PayloadSlabs();
        foreach (var (_, entries) in whole) payloads.Add(new Entry[entries.Count]);
        for (var s = Segments.Count - 1; s >= 0; s--)
        {
            for (var g = 0; g < whole.Count; g++)
            {
                var entries = whole[g].Entries;
                for (var i = 0; i < entries.Count; i++)
                {
                    var at = entries[i].At;
                    if (at.Generation != Segments[s]) continue;
                    Load(Segments[s]);
                    payloads[g][i] = new Entry(new LogPosition(at.Term, entries[i].Index), at.Kind, slabs.Copy(bytes.AsSpan((int)at.BodyOffset, at.Bytes)));
                }
            }
        }

        for (var g = 0; g < whole.Count; g++)
            for (var i = 0; i < payloads[g].Length; i++)
                if (whole[g].Entries[i].At.Sequence > ProvenSequence) Unproven.Add((whole[g].Track.Group, payloads[g][i]));
        return payloads;
    }
}
