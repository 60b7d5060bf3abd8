using Holdfast.Primitives;

namespace Holdfast.Consensus;

/// <summary>The entries a replica holds in memory, without a gap from the last compaction to the end. Owns their payloads.</summary>
public sealed class RaftLog
{
    /// <summary>The position the log was compacted to: the snapshot's last entry.</summary>
    public LogPosition Base => default;

    /// <summary>Where the log ends.</summary>
    public LogPosition Last => default;

    /// <summary>Payload bytes held.</summary>
    public long Bytes => default;

    /// <summary>The entry at an index after <see cref="Base"/> and not after <see cref="Last"/>.</summary>
    public Entry this[LogIndex index] => default;

    /// <summary>The term at an index from <see cref="Base"/> to <see cref="Last"/>; null outside.</summary>
    public Term? TermAt(LogIndex index) => default;
}
