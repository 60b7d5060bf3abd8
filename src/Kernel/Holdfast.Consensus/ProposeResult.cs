using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What became of a proposal at once. Being accepted promises nothing: only a commit does.</summary>
public enum ProposeStatus : byte
{
    /// <summary>In the leader's log.</summary>
    Accepted = 0,

    /// <summary>This replica does not lead; nothing was written.</summary>
    NotLeader = 1,

    /// <summary>Too much is uncommitted, or leadership is being handed over; nothing was written.</summary>
    Busy = 2,

    /// <summary>Larger than an entry may be; nothing was written.</summary>
    TooLarge = 3,

    /// <summary>A membership change is under way, or the change is not allowed; nothing was written.</summary>
    Refused = 4,
}

/// <summary>A proposal's fate so far, with its place when it has one and the leader when another is known to lead.</summary>
public readonly record struct ProposeResult(ProposeStatus Status, LogPosition Position, NodeId Leader);
