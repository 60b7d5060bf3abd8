using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>What an entry is to the core. Everything a face writes is a <see cref="Command"/>.</summary>
public enum EntryKind : byte
{
    /// <summary>A new leader's first entry: committing it commits everything before (Raft paper 5.4.2, 8).</summary>
    NoOp = 0,

    /// <summary>Bytes for the group's state machine.</summary>
    Command = 1,

    /// <summary>A <see cref="Configuration"/>, in force from the moment it is in the log, not from its commit.</summary>
    Configuration = 2,
}

/// <summary>One place in a group's log. The payload belongs to the log that holds it and is valid until the log truncates or compacts it.</summary>
public readonly record struct Entry(LogPosition Position, EntryKind Kind, ReadOnlyMemory<byte> Payload);

/// <summary>What a replica must not forget: the newest term it has seen and whom it voted for in it.</summary>
public readonly record struct HardState(Term Term, NodeId Vote);
