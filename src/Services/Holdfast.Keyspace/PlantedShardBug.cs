namespace Holdfast.Keyspace;

/// <summary>Bugs that the simulator, or a test, plants in shards, to prove that it would find them (docs/verification.md). None in production.</summary>
internal enum PlantedShardBug : byte
{
    None = 0,
    ReplyBeforeCommit,
    SealWithoutTail,
    AdoptUnchecked,
    SourceReadsSealed,
    TakenBackUnasked,
    EpochNotRaised,
    MoverDoesNotWait,
    CopyOutlivesTerm,
    MovesLeftOutOfSnapshot,
    OwnershipNotUndone,
    ForgottenBeforeAdopted,
    WatchIgnored,

    // By tests: simulated clients neither fill memory nor let keys expire.
    UndenseSampling,
    ExpiryByLocalClock,
    LargeValueAdoptedInPart,
}
