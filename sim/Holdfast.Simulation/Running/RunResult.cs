namespace Holdfast.Simulation.Running;

/// <summary>How much a run did.</summary>
internal sealed class SimCounts
{
    public long Runs { get; set; }
    public long Events { get; set; }
    public long Acknowledged { get; set; }
    public long Elections { get; set; }
    public long Truncations { get; set; }
    public long SnapshotInstalls { get; set; }
    public long MembershipChanges { get; set; }
    public long CrashRecoveries { get; set; }
    public long Undecided { get; set; }
    public long PowerLosses { get; set; }
    public long Wipes { get; set; }
    public long Rots { get; set; }
    public long Transfers { get; set; }
    public long FollowerReads { get; set; }
    public long LeaseReads { get; set; }

    /// <summary>Shards of vectors that were split, to the end.</summary>
    public long Splits { get; set; }

    public void Add(SimCounts other)
    {
        Runs += other.Runs;
        Events += other.Events;
        Acknowledged += other.Acknowledged;
        Elections += other.Elections;
        Truncations += other.Truncations;
        SnapshotInstalls += other.SnapshotInstalls;
        MembershipChanges += other.MembershipChanges;
        CrashRecoveries += other.CrashRecoveries;
        Undecided += other.Undecided;
        PowerLosses += other.PowerLosses;
        Wipes += other.Wipes;
        Rots += other.Rots;
        Transfers += other.Transfers;
        FollowerReads += other.FollowerReads;
        LeaseReads += other.LeaseReads;
        Splits += other.Splits;
    }
}

/// <summary>How a run ended.</summary>
/// <param name="Seed">What it was drawn from.</param>
/// <param name="Hash">A hash over every event; equal seeds give equal hashes.</param>
/// <param name="Failure">The first broken invariant, or null.</param>
/// <param name="Counts">How much it did.</param>
internal sealed record RunResult(ulong Seed, ulong Hash, string? Failure, SimCounts Counts)
{
    /// <summary>Which world was run, by its name.</summary>
    public string World { get; init; } = "";
}

/// <summary>What a check found wrong: the run ends.</summary>
internal sealed class CheckFailedException(string sentence) : Exception(sentence);
