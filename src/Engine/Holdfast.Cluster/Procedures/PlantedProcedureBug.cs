namespace Holdfast.Cluster;

/// <summary>Mistakes that can only be made inside the directory and its procedures. The simulator plants them, one per run, and must find each. Never in a program.</summary>
internal enum PlantedProcedureBug : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Whoever leads goes on only with procedures that began while it led.</summary>
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
