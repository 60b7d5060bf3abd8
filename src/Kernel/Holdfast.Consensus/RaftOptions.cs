namespace Holdfast.Consensus;

/// <summary>What a replica is told once. All replicas of a group should agree on the times; none of them depends on it for safety, except <see cref="LeaseMax"/>, which is a constant.</summary>
public sealed record RaftOptions
{
    /// <summary>
    /// The longest promise any node may ever give or rely on. A constant, because a restarted voter stays silent for exactly this long:
    /// whatever it had promised before has then lapsed (S3).
    /// </summary>
    public static readonly TimeSpan LeaseMax = TimeSpan.FromSeconds(1);

    /// <summary>How long a follower without a supported leader waits before it stands, at least; the longest wait is twice this. Default 300 ms: six beats.</summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How often a leader whose followers are not yet all bound, or that waits for answers, sends an empty append. Default 50 ms.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Most bytes of entries in one append. Default 512 KiB: large enough to fill a fsync, small enough not to hold up a vote.</summary>
    public int AppendBytesMax { get; init; } = 512 * 1024;

    /// <summary>Most bytes on their way to one follower without an answer. Default 8 MiB.</summary>
    public int InflightBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// Bytes of entries after which one follower gets no more in the same flush; what is left follows with its first answer. A follower that comes back from a snapshot would otherwise be sent a whole window at once,
    /// and both loops would stand still while it is copied: 100 ms of processor time for 8 MiB, into memory touched for the first time. Default 1 MiB.
    /// </summary>
    public int FlushBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Most appends on their way to one follower without an answer. Default 256.</summary>
    public int InflightAppendsMax { get; init; } = 256;

    /// <summary>Most bytes proposed and not yet committed before proposals are refused; the effects of a command that was admitted below it may exceed it by one entry (S16). Default 64 MiB.</summary>
    public int UncommittedBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Largest entry. Default 1 MiB and some room for the entry's own header; larger proposals travel as chunks.</summary>
    public int EntryBytesMax { get; init; } = 1024 * 1024 + 4096;

    /// <summary>0 to 3. A voter of lower priority waits one election timeout longer per step. Default 3.</summary>
    public int ElectionPriority { get; init; } = 3;

    /// <summary>Grant reads under the lease; false asks a quorum for every batch of reads (<c>reads=quorum</c>), for hosts whose virtual machines are paused. Default true.</summary>
    public bool LeaseReads { get; init; } = true;

    /// <summary>A mistake that the simulator plants to prove that it would be found; none outside it.</summary>
    internal PlantedBug Bug { get; init; }
}
