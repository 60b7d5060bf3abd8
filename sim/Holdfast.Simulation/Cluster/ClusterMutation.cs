namespace Holdfast.Simulation.Cluster;

/// <summary>
/// A bug that is planted in whole nodes, to prove that this world would find it: in what stands around the production code (disk, log's thread, machine)
/// where that can be, else inside it through an internal option of the same name. A name that the raft world has too is the same bug of the core, hunted here in whole nodes.
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

    /// <summary>A state that was rebuilt is taken as it is, though the log was compacted beyond it meanwhile (against S20).</summary>
    StateBehindLogTaken,

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
    SnapshotTakenForNothing,
    ProposedAgainAtElection,

    /// <summary>A watcher that falls behind goes on one revision too late.</summary>
    WatchSkipsRevision,

    /// <summary>A watcher does not look at what a snapshot brought.</summary>
    WatchMissesRestored,

    ProgressToldWhileBehind,

    /// <summary>A lock's token is counted in the memory of the node that grants it: after a restart, and on another node, it is given again (S22).</summary>
    FenceCountedInMemory,

    /// <summary>After a restore from a backup revisions, and with them fencing tokens, go on from the backup's (against S12).</summary>
    FenceResetByRestore,

    LockGrantedWithoutLease,

    /// <summary>Leases are judged by one who has not confirmed that it still leads, and who insists on its finding with whoever leads later.</summary>
    LeaseEndedByUnconfirmedLeader,

    /// <summary>An expiry ends a lease although a renewal came before it in the log.</summary>
    ExpiryIgnoresRenewal,

    /// <summary>A key that was written again without its lease still goes with it.</summary>
    KeyStaysOnOldLease,

    /// <summary>A restored replica has the leases, and not which keys hang on them.</summary>
    AttachmentsLostByRestore,

    AuthChangeMissedByCache,

    /// <summary>A snapshot lacks users and roles.</summary>
    IdentitiesLeftOutOfSnapshot,

    RunLeftOutOfSnapshot,
    DeletionUnknownToRuns,

    /// <summary>Permission is asked where a request comes in, and not when its entry is applied (against S13).</summary>
    PermissionAskedAtDoorOnly,

    /// <summary>Whether a linearizable read is permitted is asked of what the node has before the barrier, and not where the read runs (against S13).</summary>
    ReadPermissionAskedBeforeBarrier,

    /// <summary>Of the core's roll call: an answer leaves before its term is on the disk (S8, decision 0015). The raft world hunts the roll call's other bugs.</summary>
    RollAnsweredBeforeTermPersisted,

    AsyncNotWaitedFor,

    /// <summary>From here on bugs of sessions, hunted in runs with them. A key is given to another session while its last holder may still believe that he has it.</summary>
    SessionKeyGivenDuringDelay,

    /// <summary>What keeps a key from others ends with the session.</summary>
    SessionDelayEndsWithIt,

    /// <summary>A session is renewed, and what keeps its keys from others afterwards is not.</summary>
    SessionRenewedWithoutDelay,

    /// <summary>A session that is ended gives its keys to others at once.</summary>
    SessionEndedWithoutDelay,

    /// <summary>From here on bugs of the Redis face, hunted in runs with shards. Acknowledged when executed, not when committed (S17, S18).</summary>
    ReplyBeforeCommit,

    /// <summary>What changed since it was copied is not sent with the seal (S21).</summary>
    SealWithoutTail,

    /// <summary>The target adopts whatever is staged (S21).</summary>
    AdoptUnchecked,

    /// <summary>The source goes on reading sealed slots (S21).</summary>
    SourceReadsSealed,

    /// <summary>A move that is given up takes its slots back without the target's refusal (S21).</summary>
    TakenBackUnasked,

    /// <summary>Adopting does not raise the epoch above the seal's.</summary>
    EpochNotRaised,

    /// <summary>The next step of a move begins before the one before is committed (S21).</summary>
    MoverDoesNotWait,

    /// <summary>A copy that was begun goes on over another leader's term.</summary>
    CopyOutlivesTerm,

    /// <summary>A snapshot lacks the moves under way.</summary>
    MovesLeftOutOfSnapshot,

    /// <summary>A lost tail's changes of ownership are not taken back (S20).</summary>
    OwnershipNotUndone,

    /// <summary>The source forgets keys before the target has adopted them.</summary>
    ForgottenBeforeAdopted,

    /// <summary>EXEC does not look at what was watched.</summary>
    WatchIgnored,

    /// <summary>Replicas delete expired keys by their own clocks (S13).</summary>
    ReplicaExpiresByOwnClock,

    /// <summary>A client that waited for a quorum's word hears with the command that served it, which asked for no more than that it be executed (S18).</summary>
    WaiterHearsEarly,

    /// <summary>A quorum's read of a shard is answered at once when no other reply is held, whatever it shows (S18).</summary>
    ShardReadNotHeld,

    /// <summary>From here on bugs of the vectors face, hunted in runs with its shards. A write is acknowledged when it is proposed (S24).</summary>
    VectorAcknowledgedEarly,

    /// <summary>A strong read looks at a replica as it is.</summary>
    VectorReadWithoutBarrier,

    /// <summary>A session's read looks at a replica that does not have what the session wrote.</summary>
    VectorSessionForgotten,

    /// <summary>A read that a replica does not answer is not asked of another.</summary>
    VectorReadNotPassedOn,

    /// <summary>A write of unknown fate is sent again (against S25).</summary>
    VectorUnknownWriteRepeated,

    /// <summary>An answer that a replica kept is told although the shard was written since.</summary>
    VectorKeptAnswerOutlivesWrite,

    /// <summary>What died while segments were merged lives on in the copy.</summary>
    MergeForgetsDeaths,

    /// <summary>Payloads that were changed while segments were merged are the old ones in the copy.</summary>
    MergeForgetsPayloads,

    /// <summary>A snapshot says of all rows in files that they live.</summary>
    SnapshotForgetsDeaths,

    /// <summary>A restored row has its file's payload although a newer one came along.</summary>
    RestoreForgetsPayloads,

    /// <summary>Whoever drives a split does not copy what changed between the copy and the seal, and the target adopts unseen.</summary>
    VectorSplitForgetsTheRest,

    /// <summary>Whoever drives a split says who has what before the source has let go.</summary>
    VectorSplitDividesTooSoon,

    /// <summary>A source goes on writing what it has sealed for a split.</summary>
    WritesWhatIsSealed,

    /// <summary>From here on bugs of the directory and its procedures, hunted in runs whose members it decides. Whoever leads goes on only with procedures that began while it led.</summary>
    ProcedureNotResumed,

    /// <summary>A removal has ended when the directory places nothing on the node any more, whatever the groups say.</summary>
    RecordTakenForGroup,

    /// <summary>Groups that no procedure is about are not looked at.</summary>
    SweepForgotten,

    /// <summary>A replica's state is given up as soon as the directory places it elsewhere, without its group's proof (S6).</summary>
    StateGivenUpOnRecord,

    /// <summary>A snapshot of the directory lacks the tombstones (S6).</summary>
    TombstonesLeftOutOfSnapshot,

    /// <summary>The id of the group that was created last is given again once that group is deleted (S6).</summary>
    GroupIdGivenAgain,

    /// <summary>A group changes its members although they are others than the asker knew.</summary>
    LateChangeTaken,

    /// <summary>A learner is promoted when a voter leaves, or never.</summary>
    VoterNotReplacedLater,

    /// <summary>A node that led the directory goes on changing groups until it hears that it was deposed.</summary>
    DriverNotConfirmed,

    /// <summary>A group's members are changed although too few of the new ones are there to decide anything.</summary>
    SilentMembersTaken,

    /// <summary>Members that a leader has not committed yet are taken for the group's.</summary>
    UncommittedMembersBelieved,

    /// <summary>A replica that the directory has placed elsewhere is not begun after a restart, although its group counts on it: the record is believed over the group's log.</summary>
    MovedReplicaStaysDown,
}
