namespace Holdfast.Vectors.Machine.Sharing;

/// <summary>Mistakes in sharing graphs. A model plants them, one per run, and must find each.</summary>
internal enum PlantedSharingBug : byte
{
    /// <summary>As it is.</summary>
    None = 0,

    /// <summary>A builder that always gets on and never ends is waited for without a bound.</summary>
    WaitsWithoutBound,

    /// <summary>A question that was lost is waited for until the whole time is over.</summary>
    AsksOnce,

    /// <summary>A file that stopped coming is waited for.</summary>
    WaitsForPieces,

    /// <summary>What turned out to be of no use is fetched again.</summary>
    FetchesAgain,

    /// <summary>Who waits looks at the next in the order first, who waits for it.</summary>
    WaitsInACircle,

    /// <summary>Everybody believes that it is his turn.</summary>
    EverybodyBuilds,

    /// <summary>A builder that was away once is never waited for again.</summary>
    ForgivesNobody,

    /// <summary>Links that were taken over are not tried.</summary>
    TrustsLinks,
}
