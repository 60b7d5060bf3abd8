using Holdfast.Coordination.Mvcc;
using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Coordination.Runs;

/// <summary>
/// The runs that this replica's history lies in, as of its last snapshot: so that the next one writes what has changed since and names the rest. The first so many are <em>settled</em>: full, and never written
/// again before their garbage outweighs what lives. What follows them is the tail, which the next snapshot replaces. Runs are the replica's own affair: two replicas with the same state may
/// have cut it differently.
/// </summary>
internal sealed class HistoryRuns : IDisposable
{
    private static readonly Mark Settled = new("coordination: a run of history was settled");
    private static readonly Mark BegunAnew = new("coordination: history was written anew because its runs held more garbage than life");

    private readonly Func<StateFiles>? files;
    private IReadOnlyList<HistoryRun> all;
    private int settled;
    private bool isWriting, isRetired;

    /// <summary>No runs yet.</summary>
    /// <param name="files">Where they are made; null where snapshots are whole (no disk, or a state that is not replicated).</param>
    public HistoryRuns(Func<StateFiles>? files)
        : this(files, [], 0)
    {
    }

    private HistoryRuns(Func<StateFiles>? files, IReadOnlyList<HistoryRun> all, int settled) => (this.files, this.all, this.settled) = (files, all, settled);

    /// <summary>The runs, oldest first.</summary>
    public IReadOnlyList<HistoryRun> All => all;

    /// <summary>The last revision of which settled runs speak; 0 without any.</summary>
    public long SettledThrough => settled == 0 ? 0 : all[settled - 1].Through;

    /// <summary>How many runs, from the first on, are settled.</summary>
    public int SettledCount => settled;

    /// <summary>A mistake that the simulator plants.</summary>
    public PlantedKeyspaceBug Bug { get; init; }

    /// <summary>The runs of a snapshot that was restored. They are held from now on.</summary>
    public static HistoryRuns Restored(Func<StateFiles>? files, IReadOnlyList<HistoryRun> runs, int settled, PlantedKeyspaceBug bug)
    {
        if (files is null) return new HistoryRuns(null);
        foreach (var run in runs) files().Hold(run.File);
        return new HistoryRuns(files, runs, settled) { Bug = bug };
    }

    /// <summary>
    /// Begins to write what a snapshot of this very moment needs beside the settled runs. Null when the snapshot should be whole: the history is shorter than a run, or another view writes.
    /// </summary>
    public RunWriting? Begin(MvccStore store, int runBytesMax)
    {
        if (files is null || isWriting || isRetired || (all.Count == 0 && store.RecordBytes < runBytesMax)) return null;
        isWriting = true;
        var bytes = 0L;
        foreach (var run in all) bytes += run.Bytes;
        if (bytes <= 2 * store.RecordBytes + runBytesMax && all.Count < HistoryRun.CountMax / 2) return new RunWriting(this, files(), store, [.. all.Take(settled)], runBytesMax);
        BegunAnew.Hit();
        return new RunWriting(this, files(), store, [], runBytesMax);
    }

    /// <summary>The writing has ended: its runs take the place of the earlier ones. False when the state was replaced meanwhile.</summary>
    public bool Adopt(IReadOnlyList<HistoryRun> runs, int kept, int settledNow)
    {
        if (isRetired) return false;
        if (settledNow > kept) Settled.Hit();
        // Those that are kept were among the first; of all others the writing's hold becomes ours.
        for (var i = kept; i < all.Count; i++) files!().Release(all[i].File);
        (all, settled) = (runs, settledNow);
        return true;
    }

    /// <summary>The view is done with, adopted or not.</summary>
    public void End() => isWriting = false;

    /// <summary>The state has gone: its files are held no more.</summary>
    public void Dispose()
    {
        if (isRetired) return;
        isRetired = true;
        if (files is null) return;
        foreach (var run in all) files().Release(run.File);
    }
}
