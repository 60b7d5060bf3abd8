namespace Holdfast.Keyspace;

/// <summary>Bugs that the simulator plants in shards, to prove that it would find them (docs/verification.md). None in production.</summary>
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
}
