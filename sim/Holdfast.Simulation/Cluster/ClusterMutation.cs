namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A bug that is planted in whole nodes, to prove that this world would find it: in what stands around the production code (disk, log's thread, machine)
/// where that can be, else inside it through an internal option of the same name. Names are unique over both worlds.
/// </summary>
internal enum ClusterMutation : byte
{
    None = 0,

    /// <summary>The log's thread tells the loops of a commit before it has synced it.</summary>
    BatchCompletedBeforeSync,

    /// <summary>A sync that failed is tried again, finds clean pages and calls that a success.</summary>
    FailedSyncTriedAgain,

    /// <summary>Syncing a folder is forgotten: names go with the power.</summary>
    FolderSyncForgotten,

    /// <summary>A snapshot's files are not synced before the compaction is recorded.</summary>
    SnapshotFilesNotSynced,

    ReadableTakenForDurable,
    DamageCutOff,
    MaybeTakenForTorn,
    BodyChecksumUnchecked,
    SlowGroupsSegmentReleased,
    VoteNotCarriedForward,
    CopiedRecordEndsLog,
    UncommittedStateInSnapshot,
    EvictedSessionExecuted,
    ReadGrantedBeforeApplied,

    /// <summary>A watcher whose revision was compacted goes on without a word.</summary>
    WatchSkipsCompacted,

    /// <summary>Every replica lets leases run out by its own clock, and has the log say so.</summary>
    FollowersClockEndsLease,

    /// <summary>The first entry after a restart is applied once more.</summary>
    EntryAppliedTwiceAfterRestart,

    /// <summary>Applying looks at a limit that is this node's own setting.</summary>
    ApplyLooksAtOwnLimit,

    /// <summary>Something iterates a hash table whose order is another on each node.</summary>
    IterationOrderLeaks,

    /// <summary>A snapshot's view shows entries applied after it was captured.</summary>
    ViewShowsLaterEntries,

    /// <summary>A snapshot lacks its leases.</summary>
    LeasesLeftOutOfSnapshot,

    /// <summary>A truncated tail is not undone.</summary>
    TruncatedTailNotUndone,

    /// <summary>Applying branches on the program's version instead of the group's feature level (against S5, S13).</summary>
    VersionDecidesInsteadOfLevel,

    /// <summary>A node whose disk was lost comes back as itself (against S4).</summary>
    WipedNodeKeepsName,

    StaleBoundIgnored,
}
