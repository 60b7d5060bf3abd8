namespace Holdfast.Replication;

/// <summary>Mistakes that can only be made inside a replica. The simulator plants them through an internal option, one per run, and must find each.</summary>
internal enum PlantedReplicaBug : byte
{
    /// <summary>The replica as it is.</summary>
    None = 0,

    /// <summary>A snapshot is taken of a state with executed but uncommitted entries (against S10).</summary>
    UncommittedStateInSnapshot,

    /// <summary>A view that shows executed entries is kept though they were taken back, and is written as the state after those that were committed in their place (against S10).</summary>
    TakenBackStateInSnapshot,

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

    /// <summary>A leader takes a proposal that was handed to an earlier leader, perhaps itself, in an earlier term (against S25: its proposer may have proposed it again).</summary>
    ForwardTakenInAnyTerm,

    /// <summary>A snapshot took the state's place, and proposals that it may hold are taken for not written (against S25).</summary>
    SnapshotTakenForNothing,

    /// <summary>What was on its way to a leader is proposed again as soon as another one leads, before anything of its term is committed (against S25).</summary>
    ProposedAgainAtElection,
}
