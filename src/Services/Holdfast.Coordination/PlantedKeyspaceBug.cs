namespace Holdfast.Coordination;

/// <summary>Mistakes that can only be made inside the keyspace and its face. The simulator plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedKeyspaceBug : byte
{
    /// <summary>The keyspace as it is.</summary>
    None = 0,

    /// <summary>A watcher whose revision was compacted goes on without a word, and what was there is never told.</summary>
    WatchSkipsCompacted,

    /// <summary>A watcher that falls behind goes on after the revision for which there was no room.</summary>
    WatchSkipsRevision,

    /// <summary>A watcher that had been told everything does not look at what a snapshot brought.</summary>
    WatchMissesRestored,

    /// <summary>Progress is told while changes before it are still owed.</summary>
    ProgressToldWhileBehind,

    /// <summary>What a user may do is not worked out anew when identities change.</summary>
    AuthChangeMissedByCache,

    /// <summary>Whoever is first in line gets the lock, though the lease that holds the place has ended.</summary>
    LockGrantedWithoutLease,

    /// <summary>A snapshot does not name the newest of the runs that its history lies in.</summary>
    RunLeftOutOfSnapshot,

    /// <summary>The runs are not told of a deletion that compaction forgets: a key that an older run holds comes back.</summary>
    DeletionUnknownToRuns,
}
