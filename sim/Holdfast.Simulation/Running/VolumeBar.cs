namespace Holdfast.Simulation.Running;

/// <summary>
/// How much of one kind of work a CI run must do to count as a search at all, and how much of that in whole nodes: the core alone has a log and snapshots of the simulator's own, and work there says nothing of the
/// production log, its recovery and its snapshots.
/// </summary>
internal readonly record struct VolumeBar(string What, long AtLeast, long AtLeastOfWholeNodes, Func<SimCounts, long> Of)
{
    /// <summary>The bars of one CI run: ten minutes on two processors.</summary>
    public static readonly VolumeBar[] All =
    [
        new("events", 30_000_000, 20_000_000, static counts => counts.Events),
        new("acknowledged client operations", 1_000_000, 400_000, static counts => counts.Acknowledged),
        new("elections", 5_000, 2_000, static counts => counts.Elections),
        new("log truncations", 5_000, 500, static counts => counts.Truncations),
        new("snapshot installs", 5_000, 250, static counts => counts.SnapshotInstalls),
        new("membership changes", 5_000, 1_000, static counts => counts.MembershipChanges),
        new("crash recoveries", 5_000, 1_200, static counts => counts.CrashRecoveries),
    ];

    /// <summary>Whether it is met; a sweep that runs the core alone is not asked for whole nodes.</summary>
    public bool IsMet(SimCounts all, SimCounts? ofWholeNodes) => Of(all) >= AtLeast && (ofWholeNodes is null || Of(ofWholeNodes) >= AtLeastOfWholeNodes);

    public static bool AreMet(SimCounts all, SimCounts? ofWholeNodes) => Array.TrueForAll(All, bar => bar.IsMet(all, ofWholeNodes));
}
