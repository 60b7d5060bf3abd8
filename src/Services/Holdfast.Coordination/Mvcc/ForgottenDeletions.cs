using Holdfast.Primitives;

namespace Holdfast.Coordination.Mvcc;

/// <summary>
/// Deletions that compaction has taken from memory and that no settled run of history holds: the runs hold the key as it was before, so the next snapshot must say that it is gone
/// (<see cref="Runs.HistoryRuns"/>). Bounded by what was deleted since the last run was settled, which is part of the log that makes a snapshot due.
/// </summary>
internal sealed class ForgottenDeletions
{
    private static readonly Mark Noted = new("coordination: a deletion was noted for the runs of history when compaction forgot it");

    private readonly List<(byte[] Key, long Mod)> all = [];

    /// <summary>How many there are.</summary>
    public int Count => all.Count;

    /// <summary>Deletions up to this revision are in settled runs. Without such runs nothing has to be noted.</summary>
    public long SettledThrough { get; private set; } = long.MaxValue;

    /// <summary>A mistake that the simulator plants.</summary>
    public PlantedKeyspaceBug Bug { get; set; }

    /// <summary>One of them, in the order in which they were forgotten.</summary>
    public (byte[] Key, long Mod) this[int place] => all[place];

    /// <summary>A deletion is forgotten.</summary>
    public void Note(byte[] key, long mod)
    {
        if (mod <= SettledThrough || Bug == PlantedKeyspaceBug.DeletionUnknownToRuns) return;
        Noted.Hit();
        all.Add((key, mod));
    }

    /// <summary>The runs up to this revision are settled: what they hold need not be known here. 0: there are none.</summary>
    public void Settle(long through)
    {
        SettledThrough = through == 0 ? long.MaxValue : through;
        all.RemoveAll(one => one.Mod <= SettledThrough);
    }
}
