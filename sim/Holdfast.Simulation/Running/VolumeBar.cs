namespace Holdfast.Simulation.Running;

/// <summary>How much of one kind of work a CI run must do to count as a search at all.</summary>
internal readonly record struct VolumeBar(string What, long AtLeast, Func<SimCounts, long> Of)
{
    /// <summary>The bars of one CI run: ten minutes on two processors.</summary>
    public static readonly VolumeBar[] All =
    [
        new("events", 30_000_000, static counts => counts.Events),
        new("acknowledged client operations", 1_000_000, static counts => counts.Acknowledged),
        new("elections", 5_000, static counts => counts.Elections),
        new("log truncations", 5_000, static counts => counts.Truncations),
        new("snapshot installs", 5_000, static counts => counts.SnapshotInstalls),
        new("membership changes", 5_000, static counts => counts.MembershipChanges),
        new("crash recoveries", 5_000, static counts => counts.CrashRecoveries),
    ];

    public bool IsMet(SimCounts counts) => Of(counts) >= AtLeast;

    public static bool AreMet(SimCounts counts) => Array.TrueForAll(All, bar => bar.IsMet(counts));
}
