namespace Holdfast.Storage;

/// <summary>Mistakes that can only be made inside the log and its recovery. The simulator plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedLogBug : byte
{
    /// <summary>The log as it is.</summary>
    None = 0,

    /// <summary>What recovery could read is taken for durable and not written anew (against S7).</summary>
    ReadableTakenForDurable,

    /// <summary>Damage is taken for the end of the log wherever it lies, and cut off with all that follows (against S8).</summary>
    DamageCutOff,

    /// <summary>A last commit that may have been acknowledged is taken for a torn one (against S8).</summary>
    MaybeTakenForTorn,

    /// <summary>A record's body is believed whatever its checksum says.</summary>
    BodyChecksumUnchecked,

    /// <summary>A segment goes although a slow group's entries live in it (against S9).</summary>
    SlowGroupsSegmentReleased,

    /// <summary>The marks that begin a segment leave out term and vote, which go with the segment that held them (against S9).</summary>
    VoteNotCarriedForward,

    /// <summary>A copied record ends its group's log (against S9).</summary>
    CopiedRecordEndsLog,
}
