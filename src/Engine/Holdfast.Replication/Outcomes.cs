using Holdfast.Primitives;

namespace Holdfast.Replication;

/// <summary>How a proposal ended.</summary>
public enum ProposalStatus : byte
{
    /// <summary>Committed and applied here; the reply is the state machine's.</summary>
    Applied = 0,

    /// <summary>No leader was known or reachable. Nothing was written: trying again is safe.</summary>
    NoLeader = 1,

    /// <summary>Too much is waiting, or leadership is being handed over. Nothing was written: trying again later is safe.</summary>
    Busy = 2,

    /// <summary>Larger than a command may be. Nothing was written.</summary>
    TooLarge = 3,

    /// <summary>Not known in time: it may have been, or may yet be, applied. We never retry it (S25).</summary>
    Unknown = 4,

    /// <summary>The session is unknown or was evicted: the command was not executed (S11).</summary>
    SessionEvicted = 5,

    /// <summary>This node is stopping. Nothing was written.</summary>
    Stopped = 6,
}

/// <summary>A proposal's end: how, where in the log, and what the state machine answered.</summary>
public readonly record struct ProposeOutcome(ProposalStatus Status, LogPosition Position, object? Reply)
{
    /// <summary>Whether the command was applied.</summary>
    public bool IsApplied => Status == ProposalStatus.Applied;

    internal static ProposeOutcome Of(ProposalStatus status) => new(status, default, null);
}

/// <summary>When a proposal's reply may leave. Decides nothing about what counts as committed (S18). Only execution at append knows a difference.</summary>
public enum Durability : byte
{
    /// <summary>When a quorum has it on disk.</summary>
    Quorum = 0,

    /// <summary>When the leader has executed it.</summary>
    Async = 1,
}

/// <summary>What a proposer may say about a proposal. The default is: quorum, no session, the group's own timeout.</summary>
public readonly record struct ProposeOptions
{
    /// <summary>When the reply may leave.</summary>
    public Durability Durability { get; init; }

    /// <summary>A session from <see cref="ReplicatedGroup.OpenSessionAsync"/>, or zero for none.</summary>
    public ulong Session { get; init; }

    /// <summary>The command's number in its session, rising from 1. A number that was executed already is not executed again.</summary>
    public ulong Sequence { get; init; }

    /// <summary>After this long an undecided proposal is answered <see cref="ProposalStatus.Unknown"/>; zero takes <see cref="GroupOptions.ProposeTimeout"/>.</summary>
    public TimeSpan Timeout { get; init; }
}

/// <summary>Learns how a proposal ended. Called once, on the group's loop.</summary>
public interface IProposalCompletion
{
    /// <summary>The proposal has ended.</summary>
    void OnCompleted(in ProposeOutcome outcome);
}

/// <summary>How fresh a read must be.</summary>
public readonly record struct ReadConsistency
{
    private ReadConsistency(ReadKind kind, TimeSpan bound)
    {
        Kind = kind;
        Bound = bound;
    }

    /// <summary>Linearizable: sees every write that was acknowledged before the read was asked. The default.</summary>
    public static ReadConsistency Strong => default;

    /// <summary>This replica's state as it is: no bound on its age.</summary>
    public static ReadConsistency Local => new(ReadKind.Local, TimeSpan.Zero);

    internal ReadKind Kind { get; }

    internal TimeSpan Bound { get; }

    /// <summary>Sees every write that was acknowledged longer than <paramref name="bound"/> before the read (S14).</summary>
    public static ReadConsistency Stale(TimeSpan bound) => new(ReadKind.Stale, bound);
}

internal enum ReadKind : byte
{
    Strong = 0,
    Stale = 1,
    Local = 2,
}

/// <summary>The leave to read: this replica has applied <paramref name="Index"/>, which is as new as was asked for.</summary>
/// <param name="IsGranted">False: no leader could confirm in time; nothing may be read.</param>
/// <param name="Index">What the read is sure to see.</param>
/// <param name="Now">This node's clock when leave was given.</param>
public readonly record struct ReadGrant(bool IsGranted, LogIndex Index, Instant Now);

/// <summary>Learns that a read may go on. Called once, on the group's loop.</summary>
public interface IReadCompletion
{
    /// <summary>The read was granted, and this replica has applied the grant's index; or it was refused.</summary>
    void OnGrant(in ReadGrant grant);
}
