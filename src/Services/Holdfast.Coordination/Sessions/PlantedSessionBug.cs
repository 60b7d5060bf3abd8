namespace Holdfast.Coordination.Sessions;

/// <summary>Mistakes with sessions. The simulator plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedSessionBug : byte
{
    /// <summary>Sessions as they are.</summary>
    None = 0,

    /// <summary>A key is given to another session while its last holder may still believe that he has it.</summary>
    SessionKeyGivenDuringDelay,

    /// <summary>What keeps a key from others ends with the session.</summary>
    SessionDelayEndsWithIt,

    /// <summary>A session is renewed, and what keeps its keys from others afterwards is not.</summary>
    SessionRenewedWithoutDelay,

    /// <summary>A session that is ended gives its keys to others at once.</summary>
    SessionEndedWithoutDelay,
}
