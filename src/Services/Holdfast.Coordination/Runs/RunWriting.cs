using System.Buffers;
using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Wire;

namespace Holdfast.Coordination.Runs;

/// <summary>
/// Writes what a snapshot needs beside the settled runs: of the revisions that were compacted meanwhile what the compacted one sees, then every change from there on. It walks while later entries are applied:
/// the view has pinned the compacted revision, so nothing that belongs here is forgotten, and what is newer is passed over.
/// </summary>
internal sealed class RunWriting : IDisposable
{
    private const int PieceBytesMax = 256 * 1024;
    private const int KeysPerPieceMax = 4096;

    private enum Phase
    {
        Seen,
        Deletions,
        Changes,
        Done,
    }

    private readonly HistoryRuns owner;
    private readonly StateFiles files;
    private readonly MvccStore store;
    private readonly IReadOnlyList<HistoryRun> kept;
    private readonly int runBytesMax;
    private readonly long since, compacted, revision, changesEnd;
    private readonly Queue<HistoryRun> unsealed = new();
    private readonly List<HistoryRun> made = [];
    private Phase phase;
    private byte[] after = [];
    private int deletion;
    private long change;
    private long from; // The first revision that the next run speaks of.
    private long lastMod;
    private bool isOpen, isAdopted;
    private long openBytes, openRecords;
    private IReadOnlyList<HistoryRun>? named;

    public RunWriting(HistoryRuns owner, StateFiles files, MvccStore store, IReadOnlyList<HistoryRun> kept, int runBytesMax)
    {
        (this.owner, this.files, this.store, this.kept, this.runBytesMax) = (owner, files, store, kept, runBytesMax);
        since = kept.Count == 0 ? 0 : kept[^1].Through;
        (compacted, revision) = (store.Compacted, store.Revision);
        from = since + 1;
        phase = compacted > from ? Phase.Seen : Phase.Changes;
        (change, changesEnd) = (store.Log.PositionOf(Math.Max(from, compacted)), store.Log.End);
    }

    /// <summary>The snapshot's runs, once all are sealed; the first <see cref="SettledCount"/> are settled.</summary>
    public IReadOnlyList<HistoryRun> Named => named ??= Finish();

    /// <summary>How many of <see cref="Named"/> are settled.</summary>
    public int SettledCount { get; private set; }

    /// <summary>Writes the next piece.</summary>
    public FileStep WriteNext(IBufferWriter<byte> piece)
    {
        var writer = new SpanWriter(piece);
        return phase switch
        {
            Phase.Seen => WriteSeen(writer),
            Phase.Deletions => WriteDeletions(writer),
            Phase.Changes => WriteChanges(writer),
            _ => FileStep.NoMore,
        };
    }

    /// <summary>The oldest run that has no name yet is durable.</summary>
    public void OnSealed(FileHash file) => made.Add(unsealed.Dequeue() with { File = file });

    /// <inheritdoc/>
    public void Dispose()
    {
        owner.End();
        if (named is not null)
            foreach (var run in named) files.Release(run.File);
        if (isAdopted) return;
        foreach (var run in made) files.Release(run.File);
    }

    private FileStep WriteSeen(SpanWriter writer)
    {
        var cursor = store.Keys.SeekAfter(after);
        var written = 0;
        for (var count = 0; count < KeysPerPieceMax && written < PieceBytesMax; count++)
        {
            if (cursor.Next() is not { } record)
            {
                phase = Phase.Deletions;
                break;
            }

            after = record.Key;
            var place = record.PlaceAt(compacted);
            if (place < 0) continue;
            ref readonly var version = ref record[place];
            if (version.Mod <= since || version.Mod >= compacted || (since == 0 && !version.IsLive)) continue;
            written += Write(writer, HistoryRunKind.Seen, record.Key, version);
        }

        return openBytes >= runBytesMax ? Close(HistoryRunKind.Seen, compacted - 1) : FileStep.GoesOn;
    }

    /// <summary>Keys that were deleted, and of which memory knows nothing any more.</summary>
    private FileStep WriteDeletions(SpanWriter writer)
    {
        var written = 0;
        for (var count = 0; count < KeysPerPieceMax && written < PieceBytesMax; count++, deletion++)
        {
            if (since == 0 || deletion >= store.Forgotten.Count)
            {
                phase = Phase.Changes;
                var step = Close(HistoryRunKind.Seen, compacted - 1);
                if (made.Count + unsealed.Count > 0) from = compacted;
                return step;
            }

            var (key, mod) = store.Forgotten[deletion];
            if (mod > since && mod < compacted) written += Write(writer, HistoryRunKind.Seen, key, KeyVersion.Tombstone(mod, 0));
        }

        return FileStep.GoesOn;
    }

    private FileStep WriteChanges(SpanWriter writer)
    {
        var written = 0;
        for (var count = 0; count < KeysPerPieceMax && written < PieceBytesMax; count++)
        {
            if (change == changesEnd)
            {
                phase = Phase.Done;
                return Close(HistoryRunKind.Changes, revision);
            }

            ref readonly var next = ref store.Log[change];
            // A run ends between revisions, so that revisions name what it holds.
            if (openBytes >= runBytesMax && next.Mod != lastMod)
            {
                var through = lastMod;
                var step = Close(HistoryRunKind.Changes, through);
                from = through + 1;
                return step;
            }

            var place = next.Record.PlaceOf(next.Mod, next.Sub);
            Invariant.Holds(place >= 0, "a change in the log has lost its version");
            written += Write(writer, HistoryRunKind.Changes, next.Record.Key, next.Record[place]);
            lastMod = next.Mod;
            change++;
        }

        return FileStep.GoesOn;
    }

    private int Write(SpanWriter writer, HistoryRunKind kind, byte[] key, in KeyVersion version)
    {
        if (!isOpen)
        {
            HistoryRun.WriteHead(writer, kind);
            (isOpen, openBytes, openRecords) = (true, HistoryRun.HeadBytes, 0);
        }

        var bytes = VersionCodec.Write(writer, key, version);
        openBytes += bytes;
        openRecords++;
        return bytes;
    }

    private FileStep Close(HistoryRunKind kind, long through)
    {
        if (!isOpen) return FileStep.GoesOn;
        unsealed.Enqueue(new HistoryRun(default, kind, from, through, openRecords, openBytes));
        (isOpen, openBytes, openRecords) = (false, 0, 0);
        return FileStep.Ends;
    }

    private List<HistoryRun> Finish()
    {
        Invariant.Holds(phase == Phase.Done && unsealed.Count == 0, "a snapshot names its runs before they are written");
        List<HistoryRun> runs = [.. kept, .. made];
        if (owner.Bug == PlantedKeyspaceBug.RunLeftOutOfSnapshot && made.Count > 0) runs.RemoveAt(runs.Count - 1);
        Invariant.Holds(HistoryRun.IsChain(runs), "a snapshot's runs leave out revisions");
        SettledCount = Math.Min(kept.Count + Full(), runs.Count);
        foreach (var run in runs) files.Hold(run.File);
        isAdopted = owner.Adopt(runs, kept.Count, SettledCount);
        if (isAdopted) store.Forgotten.Settle(owner.SettledThrough);
        return runs;
    }

    /// <summary>
    /// How many of the runs just made, from the first on, are settled with this: up to the last full one of changes, or all that hold what the compacted revision sees when they are as much together.
    /// So few runs stay small, and what the next snapshot writes again is less than two runs.
    /// </summary>
    private int Full()
    {
        int count = 0, seen = 0;
        long seenBytes = 0;
        for (var i = 0; i < made.Count; i++)
        {
            if (made[i].Kind == HistoryRunKind.Seen) (seen, seenBytes) = (i + 1, seenBytes + made[i].Bytes);
            else if (made[i].Bytes >= runBytesMax) count = i + 1;
        }

        return count == 0 && seenBytes >= runBytesMax ? seen : count;
    }
}
