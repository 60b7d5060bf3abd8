namespace Holdfast.Replication;

/// <summary>Mistakes that can only be made inside a replica. The simulator plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedReplicaBug : byte
{
    /// <summary>The replica as it is.</summary>
    None = 0,

    /// <summary>A snapshot is taken of a state with executed but uncommitted entries (against S10).</summary>
    UncommittedStateInSnapshot,

    /// <summary>A command of an evicted session is executed (against S11).</summary>
    EvictedSessionExecuted,

    /// <summary>A granted read goes on before its index is applied.</summary>
    ReadGrantedBeforeApplied,

    /// <summary>A state that was rebuilt is taken as it is, though the log was compacted beyond it meanwhile (against S20).</summary>
    StateBehindLogTaken,

    /// <summary>A confirmation is young enough for every stale read, however old it is (against S14).</summary>
    StaleBoundIgnored,

    /// <summary>A reply of the quorum class that shows something is let go when no other reply is held, although what was executed and answered at once is not committed (against S18).</summary>
    AsyncNotWaitedFor,
}
