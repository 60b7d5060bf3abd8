namespace Holdfast.Consensus;

/// <summary>Mistakes that can only be made inside the core. The simulator plants them through an internal option, one per run, and must find each (issue: mutations).</summary>
internal enum PlantedBug : byte
{
    /// <summary>The core as it is.</summary>
    None = 0,

    /// <summary>An entry of an earlier term is committed because a majority has it (against Raft paper 5.4.2).</summary>
    OldTermCommittedByCounting,

    /// <summary>Reads are granted before an entry of the own term is committed (against Raft thesis 6.4).</summary>
    ReadBeforeOwnTermCommit,

    /// <summary>A follower truncates although the entries agree: a late append takes back acknowledged ones.</summary>
    OvereagerTruncation,

    /// <summary>A follower keeps an entry that contradicts its leader's.</summary>
    ConflictNotTruncated,

    /// <summary>One acknowledgement is enough.</summary>
    QuorumOffByOne,

    /// <summary>A configuration is in force from its commit, not from its place in the log (against Raft paper 6).</summary>
    MembershipEffectiveAtCommit,

    /// <summary>A witness stands for election, although it has no payloads to replicate.</summary>
    WitnessStands,

    /// <summary>The lease is kept while the successor is asked to stand (against S3).</summary>
    TransferKeepsLease,

    /// <summary>A node's promise is leaned on whether or not its vote is bound to it in this term (against S2).</summary>
    LeaseOfUnboundVotes,

    /// <summary>While two sets are in force, the leader asks for a majority of the new one only (against Raft paper 6).</summary>
    JointCountedInOneHalf,

    /// <summary>A roll call is won with a majority's answers, damaged ones among them (against S8).</summary>
    RollOfMajority,

    /// <summary>A roll call is answered before the higher term is on the disk (against S8).</summary>
    RollAnsweredBeforeTermPersisted,

    /// <summary>A roll call is granted although this log ends later (against S8).</summary>
    RollIgnoresBetterLog,

    /// <summary>A damaged replica's vote counts in any election (against S8).</summary>
    DamagedVotesAnywhere,

    /// <summary>A damaged replica goes on in the term that it found, although it may have lost newer ones and what it acknowledged in them (against S8, decision 0015).</summary>
    DamagedKeepsTerm,

    /// <summary>A witness is told of entries together with everybody: it may hold what only a dead leader had besides, and keeps the rest from leading (decision 0030).</summary>
    WitnessToldAtOnce,

    /// <summary>A follower does not ask for the commit of its last entries, though its leader, which says it once, is silent.</summary>
    MissedCommitNotAskedFor,
}
