using Holdfast.Consensus;
using Holdfast.Primitives;
using Holdfast.Wire;

namespace Holdfast.Storage;

/// <summary>
/// The log that all groups of a node share. A single-threaded synchronous object: the WAL thread drives it in production, the simulator in virtual time.
/// One <see cref="Write"/> and one <see cref="Sync"/> are a commit. Each segment begins with the marks of every group, twice; so a segment is needed only
/// while it, or one before it, holds a live entry, and old segments go oldest first when a new one begins (S9).
/// </summary>
public sealed class WriteAheadLog : IDisposable
{
    /// <summary>Stands for no group: a marks record that is always there, so that no commit is empty.</summary>
    internal static readonly GroupId LogItself = new(ulong.MaxValue);

    private static readonly Mark Rolled = new("storage: a segment was full and the next was begun");
    private static readonly Mark Released = new("storage: a segment was released");
    private static readonly Mark Poisoned = new("storage: the log was poisoned");
    private static readonly Mark VoidCopy = new("storage: an entry was copied forward that had gone meanwhile");
    private static readonly Mark HeldBack = new("storage: groups hold back old segments");

    private readonly IDisk disk;
    private readonly WalOptions options;
    private readonly SortedDictionary<GroupId, GroupTrack> tracks = [];
    private readonly AlignedBuffer staging = new();
    private readonly WalBatch marks = new(0);
    private readonly ByteBuffer marksBody = new(256);
    private readonly SegmentSpares spares;
    private readonly WalBatch[] one = new WalBatch[1];
    private GroupTrack? lastTrack;
    private IDiskFile? file;
    private ulong generation; // Read by the thread that prepares spares.
    private ulong spareAskedIn;
    private ulong oldestFile;
    private ulong nextSequence;
    private ulong provenSequence;
    private long position;
    private long fileLength;
    private bool groupsMayBeLost;
    private bool dirty;
    private bool entriesMoved;
    private Exception? poison;

    private WriteAheadLog(IDisk disk, WalOptions options)
    {
        this.disk = disk;
        this.options = options;
        spares = new SegmentSpares(disk, options);
    }

    /// <summary>See <see cref="IWalQueue.HoldingBack"/>.</summary>
    public IReadOnlyList<GroupHoldingBack> HoldingBack { get; private set; } = [];

    /// <summary>How many segments there are, the one being written included.</summary>
    public int SegmentCount => (int)(generation - oldestFile + 1);

    /// <summary>Whether some group's log is remembered as damaged and not yet repaired. For whoever looks on from the log's own thread.</summary>
    internal bool HasDamage => tracks.Values.Any(track => track.DamagedUpTo != LogIndex.Zero);

    /// <summary>Whether somebody who has time should call <see cref="PrepareSpare"/>: true once in each segment, a good while before its end, when no file waits to be the next.</summary>
    internal bool WantsSpare()
    {
        if (spareAskedIn == generation || position < fileLength / 4 || !spares.IsEmpty) return false;
        spareAskedIn = generation;
        return true;
    }

    /// <summary>Makes the file that the next segment will use, in small steps. The only call that may come from another thread than the log's.</summary>
    /// <exception cref="IOException">There is no room, or the disk fails; the log goes on without.</exception>
    internal void PrepareSpare(CancellationToken stopping) => spares.Prepare(Volatile.Read(ref generation), stopping);

    /// <summary>Reads what is on disk, judges damage by the recovery table, writes the tail anew into a fresh segment and fsyncs it (S7, S8).</summary>
    /// <param name="disk">Where it is.</param>
    /// <param name="options">How it is laid out.</param>
    /// <param name="recovery">What it held.</param>
    /// <param name="judge">Called with what was found, before anything on disk is changed; throws to refuse it.</param>
    /// <exception cref="WalRefusedException">The log is of another cluster or of a newer version.</exception>
    public static WriteAheadLog Open(IDisk disk, WalOptions options, out WalRecovery recovery, Action<WalRecovery>? judge = null)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new WalRefusedException(string.Join(" ", faults));
        disk.CreateFolder(options.Folder);
        // Without this a power loss may take the folder's name, and every acknowledged segment in it.
        disk.SyncFolder(Path.GetDirectoryName(options.Folder) ?? "");
        var reader = new LogRecovery(disk, options);
        recovery = reader.Run();
        judge?.Invoke(recovery);
        var log = new WriteAheadLog(disk, options);
        log.Continue(reader);
        return log;
    }

    /// <summary>Reads what is on disk and changes nothing: for recovery by hand (S12). What it says is only known to have been readable (S7).</summary>
    /// <param name="disk">Where it lies.</param>
    /// <param name="options">Whose it is.</param>
    /// <param name="read">Told how many of how many segments were read, after each.</param>
    /// <exception cref="WalRefusedException">The log is of another cluster or of a newer version.</exception>
    public static WalRecovery Inspect(IDisk disk, WalOptions options, Action<int, int>? read = null) => new LogRecovery(disk, options).Run(read);

    /// <summary>Whether the folder holds any segment: once a log was begun, one is always there.</summary>
    public static bool Exists(IDisk disk, string folder = "wal") => disk.List(folder).Any(name => SegmentLayout.TryParse(name, out _));

    /// <summary>Bytes of the files that wait to be the log's next segments: room that the log has already. From any thread.</summary>
    /// <exception cref="IOException">The disk cannot say.</exception>
    public static long SpareBytes(IDisk disk, WalOptions options) => SegmentSpares.CountIn(disk, options) * options.SegmentBytes;

    /// <summary>Writes the batches as one commit. Nothing of it is durable before <see cref="Sync"/> has returned.</summary>
    /// <exception cref="WalPoisonedException">This or an earlier write or sync failed.</exception>
    public void Write(ReadOnlySpan<WalBatch> batches)
    {
        ThrowIfPoisoned();
        long bytes = 0;
        foreach (var batch in batches) bytes += batch.Bytes;
        if (bytes == 0) return;
        try
        {
            if (position + SegmentLayout.AlignUp(bytes, options.BlockBytes) > fileLength) Roll(bytes);
            WriteCommit(batches, (int)bytes);
        }
        catch (IOException failure)
        {
            throw Poison(failure);
        }
    }

    /// <summary>Makes everything written durable.</summary>
    /// <exception cref="WalPoisonedException">This or an earlier write or sync failed.</exception>
    public void Sync()
    {
        ThrowIfPoisoned();
        try
        {
            SyncFile();
        }
        catch (IOException failure)
        {
            throw Poison(failure);
        }

        if (entriesMoved) FindHoldingBack();
    }

    /// <summary>Closes the files. What was not synced is not made so.</summary>
    public void Dispose() => file?.Dispose();

    /// <summary>Goes on after recovery: a fresh segment with all marks and with whatever was readable but is not proven to be durable.</summary>
    private void Continue(LogRecovery found)
    {
        foreach (var track in found.Tracks) tracks.Add(track.Group, track);
        foreach (var name in disk.List(options.Folder))
            if (!spares.TryTakeOver(name) && SegmentLayout.TryParse(name, out var leftover) && !found.Segments.Contains(leftover)) disk.Delete(PathOf(leftover));

        groupsMayBeLost = found.GroupsMayBeLost;
        generation = found.Segments.Count == 0 ? 0 : found.Segments[^1];
        oldestFile = found.Segments.Count == 0 ? 1 : found.Segments[0];
        nextSequence = found.NextSequence;
        provenSequence = found.ProvenSequence;
        var copies = new WalBatch(0);
        foreach (var (group, entry) in found.Unproven)
        {
            if (options.Bug == PlantedLogBug.ReadableTakenForDurable) break;
            copies.AppendCopied(group, entry);
            tracks[group].Place(entry.Position, generation + 1);
        }

        BeginSegment(found.TailGeneration, found.TailEnd, copies, room: 0);
    }

    private void Roll(long room)
    {
        Rolled.Hit();

        // The next segment's header says that everything before it is durable.
        SyncFile();
        provenSequence = nextSequence - 1;
        file!.Dispose();
        BeginSegment(generation, position, copies: null, room);
    }

    private void BeginSegment(ulong previousGeneration, long previousEnd, WalBatch? copies, long room)
    {
        generation++;
        FillMarks();
        var oldest = generation;
        foreach (var track in tracks.Values) oldest = Math.Min(oldest, track.OldestSegment);
        if (options.Bug == PlantedLogBug.SlowGroupsSegmentReleased) oldest = Math.Max(oldest, generation - 1);
        var copiedBytes = copies?.Bytes ?? 0;
        var beginning = SegmentLayout.DataStart(options.BlockBytes) + SegmentLayout.AlignUp(marks.Bytes, options.BlockBytes) + SegmentLayout.AlignUp(marks.Bytes + copiedBytes, options.BlockBytes);
        OpenSegmentFile(Math.Max(options.SegmentBytes, beginning + SegmentLayout.AlignUp(room, options.BlockBytes)));

        var header = staging.Take(options.BlockBytes);
        header.Clear();
        new SegmentHeader
        {
            Cluster = options.Cluster,
            BlockBytes = options.BlockBytes,
            Generation = generation,
            Oldest = oldest,
            FirstSequence = nextSequence,
            ProvenSequence = provenSequence,
            PreviousGeneration = previousGeneration,
            PreviousEnd = previousEnd,
            MarksCount = (uint)marks.RecordCount,
            GroupsMayBeLost = groupsMayBeLost,
        }.Write(header);
        file!.Write(0, header);
        file.Sync();
        disk.SyncFolder(options.Folder);

        position = SegmentLayout.DataStart(options.BlockBytes);
        one[0] = marks;
        WriteCommit(one, marks.Bytes, applies: false);
        if (copiedBytes > 0) WriteCommit([marks, copies!], marks.Bytes + copiedBytes, applies: false);
        else WriteCommit(one, marks.Bytes, applies: false);
        SyncFile();
        Release(oldest);
        FindHoldingBack();
    }

    private void FillMarks()
    {
        marks.Clear();
        marks.AppendMarks(LogItself, default);
        foreach (var track in tracks.Values)
        {
            marksBody.Clear();
            track.WriteMarks(marksBody, withHardState: options.Bug != PlantedLogBug.VoteNotCarriedForward);
            marks.AppendMarks(track.Group, marksBody.Written);
        }
    }

    private void OpenSegmentFile(long length)
    {
        spares.TryUse(PathOf(generation));
        file = disk.Open(PathOf(generation));
        if (file.Length < length) file.Allocate(length);
        fileLength = Math.Max(file.Length, length);
    }

    /// <summary>The new segment is durable and restates all marks: the segments before the oldest that holds a live entry may go.</summary>
    private void Release(ulong oldest)
    {
        if (oldestFile >= oldest) return;
        for (; oldestFile < oldest; oldestFile++)
        {
            Released.Hit();
            spares.Release(oldestFile, PathOf(oldestFile));
        }

        disk.SyncFolder(options.Folder);
    }

    private void WriteCommit(ReadOnlySpan<WalBatch> batches, int bytes, bool applies = true)
    {
        var padded = (int)SegmentLayout.AlignUp(bytes, options.BlockBytes);
        var target = staging.Take(padded + options.BlockBytes);
        var commit = target[..padded];
        var offset = 0;
        foreach (var batch in batches)
        {
            batch.Encoded.CopyTo(commit[offset..]);
            offset += batch.Bytes;
        }

        commit[bytes..].Clear();
        var number = 0u;
        for (offset = 0; offset < bytes; number++)
        {
            var record = WalRecordHeader.Read(commit[offset..]);
            var flags = applies ? Apply(record, commit.Slice(offset + WalRecordHeader.Size, (int)record.BodyLength)) : record.Flags;
            WalRecordHeader.Seal(commit[offset..], (uint)generation, nextSequence, number, offset + record.TotalBytes >= bytes, flags);
            offset += record.TotalBytes;
        }

        // The body goes first: a process that dies between the two leaves a body without a batch header, never the other way round.
        file!.Write(position, commit);
        var slot = target[padded..];
        slot.Clear();
        new RingSlot((uint)generation, nextSequence, number).Write(slot);
        file.Write(SegmentLayout.SlotOffset(nextSequence, options.BlockBytes), slot);
        position += padded;
        nextSequence++;
        dirty = true;
    }

    /// <summary>Follows a record on its way to the disk; returns the flags it is written with.</summary>
    private ushort Apply(in WalRecordHeader record, ReadOnlySpan<byte> body)
    {
        var track = TrackOf(record);
        var at = new LogPosition(record.Term, new LogIndex(record.Index));
        switch (record.Kind)
        {
            case WalRecordKind.Entry:
                Invariant.Holds(at.Index == track.Last.Next, "an entry was written to the log that does not follow its group's last");
                track.Place(at, generation);
                track.NoteRepair();
                return 0;
            case WalRecordKind.Copied:
                // An owner that copies what was compacted or truncated meanwhile writes in vain, but does no harm.
                if (track.TermAt(at.Index) != at.Term)
                {
                    VoidCopy.Hit();
                    return WalRecordHeader.VoidFlag;
                }

                track.Place(at, generation);
                entriesMoved = true;
                return 0;
            case WalRecordKind.HardState:
                Invariant.Holds(record.Term >= track.HardState.Term, "a group's term went back");
                track.HardState = new HardState(record.Term, new NodeId(record.Index));
                return 0;
            case WalRecordKind.Truncation:
                Invariant.Holds(at.Index > track.Snapshot.Index, "a log was truncated below its snapshot");
                track.Truncate(at.Index);
                entriesMoved = true;
                return 0;
            case WalRecordKind.Compaction:
                var dropsSuffix = track.ContradictsSuffix(at);
                if (at.Index >= track.Snapshot.Index) track.Configuration = body.ToArray();
                track.Compact(at, dropsSuffix);
                track.NoteRepair();
                entriesMoved = true;
                return dropsSuffix ? WalRecordHeader.DropsSuffixFlag : (ushort)0;
            case WalRecordKind.GroupCreated:
                Invariant.Holds(track.Configuration.Length == 0, "a group was created that the log already knows");
                track.Configuration = body.ToArray();
                return 0;
            case WalRecordKind.Tombstone:
                track.Bury();
                entriesMoved = true;
                return 0;
            default:
                Invariant.Broken("a record of unknown kind was written to the log");
                return 0;
        }
    }

    private GroupTrack TrackOf(in WalRecordHeader record)
    {
        if (lastTrack is { } last && last.Group == record.Group && !last.IsTombstoned) return last;
        if (!tracks.TryGetValue(record.Group, out var track))
        {
            Invariant.Holds(record.Kind == WalRecordKind.GroupCreated, "the first record of a group is not its creation");
            track = new GroupTrack(record.Group);
            tracks.Add(record.Group, track);
        }

        Invariant.Holds(!track.IsTombstoned, "a record was written for a group that was deleted from this node; ids are never used again (S6)");
        lastTrack = track;
        return track;
    }

    private void FindHoldingBack()
    {
        entriesMoved = false;
        if (SegmentCount <= options.SegmentsMax)
        {
            if (HoldingBack.Count > 0) HoldingBack = [];
            return;
        }

        var found = new List<GroupHoldingBack>();
        foreach (var track in tracks.Values)
            if (track.TryFindHeld(generation - (ulong)options.SegmentsMax, out var held)) found.Add(held);
        if (found.Count > 0) HeldBack.Hit();
        HoldingBack = found;
    }

    private string PathOf(ulong segment) => $"{options.Folder}/{SegmentLayout.FileName(segment)}";

    private void SyncFile()
    {
        if (!dirty) return;
        file!.Sync();
        dirty = false;
    }

    private void ThrowIfPoisoned()
    {
        if (poison is not null) throw new WalPoisonedException("The write-ahead log failed earlier and stays closed until the process restarts.", poison);
    }

    private WalPoisonedException Poison(IOException failure)
    {
        Poisoned.Hit();
        poison = failure;
        return new WalPoisonedException($"The write-ahead log failed and is closed until the process restarts: {failure.Message}", failure);
    }
}
