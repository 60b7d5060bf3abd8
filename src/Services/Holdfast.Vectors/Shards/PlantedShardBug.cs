namespace Holdfast.Vectors.Shards;

/// <summary>Mistakes that can only be made inside a shard. A simulated world plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedShardBug : byte
{
    /// <summary>The shard as it is.</summary>
    None = 0,

    /// <summary>What died while segments were merged lives on in the copy.</summary>
    MergeForgetsDeaths,

    /// <summary>Payloads that were changed while segments were merged are the old ones in the copy.</summary>
    MergeForgetsPayloads,

    /// <summary>A merged segment takes its sources' place in the middle of an entry.</summary>
    MergeEndsInsideEntry,

    /// <summary>A snapshot's view does not hold the files that it names.</summary>
    ViewHoldsNoFiles,

    /// <summary>A snapshot says of all rows in files that they live.</summary>
    SnapshotForgetsDeaths,

    /// <summary>A restored row has its file's payload although a newer one came along.</summary>
    RestoreForgetsPayloads,

    /// <summary>A deletion by filter does not ask again at its place in the log.</summary>
    FilterNotAskedAgain,

    /// <summary>What an entry wrote shows slice by slice.</summary>
    HalfAnEntryShows,

    /// <summary>A source goes on writing what it has sealed for a split.</summary>
    WritesWhatIsSealed,

    /// <summary>A target adopts what was staged without looking whether it is what was sealed.</summary>
    AdoptsUnseen,

    /// <summary>A target takes what is staged although it serves already.</summary>
    StagesAfterAdoption,

    /// <summary>A source releases what it has sealed, whichever seal the driver speaks of.</summary>
    ReleasesAnySeal,

    /// <summary>A command under a lock is executed whatever tokens the shard has seen.</summary>
    FencesAreNotAsked,

    /// <summary>Rows are put in the order of their tenants, and where their copies lie is not told anew.</summary>
    GroupingForgetsCopies,

    /// <summary>A snapshot has no fences.</summary>
    SnapshotForgetsFences,
}
