namespace Holdfast.Cluster;

/// <summary>Mistakes that can only be made inside archives and restores. A test plants them, one per run, and must find each.</summary>
internal enum PlantedBackupBug : byte
{
    /// <summary>Backups as they are.</summary>
    None = 0,

    /// <summary>A restore to a moment takes the first entry after it too.</summary>
    CutTooLate,

    /// <summary>Entries that are missing in the middle of a log are overlooked.</summary>
    GapOverlooked,

    /// <summary>A base goes although a moment that is to be kept can only be restored from it.</summary>
    NeededBaseForgotten,

    /// <summary>After a crash the writer goes on behind a torn block, where no reader comes.</summary>
    TornTailAppendedTo,

    /// <summary>A moment up to which the archive does not reach is restored as far as it goes.</summary>
    UncoveredMomentRestored,

    /// <summary>A rebuilt state is not compared with the live one's hash.</summary>
    StateUncompared,
}
