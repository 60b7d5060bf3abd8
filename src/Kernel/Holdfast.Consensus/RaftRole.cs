namespace Holdfast.Consensus;

/// <summary>A replica's role in its term.</summary>
public enum RaftRole : byte
{
    /// <summary>Follows a leader, or waits for one.</summary>
    Follower = 0,

    /// <summary>Asks whether it would win, without having raised its term.</summary>
    PreCandidate = 1,

    /// <summary>Stands for election.</summary>
    Candidate = 2,

    /// <summary>Leads the term.</summary>
    Leader = 3,
}
