namespace Holdfast.Simulation.Cluster;

/// <summary>What is taken away from a run because it would only hide what the run is meant to bring about.</summary>
internal static class Calming
{
    /// <summary>Without what stops most of a cluster for a while, or takes a disk away: machines still die and restart one by one, and wires are as they were drawn.</summary>
    public static ClusterOptions WithoutUpheaval(this ClusterOptions drawn) => drawn with
    {
        BetweenPartitions = TimeSpan.Zero,
        BetweenBlackouts = TimeSpan.Zero,
        BetweenWipes = TimeSpan.Zero,
        BetweenFullDisks = TimeSpan.Zero,
        BetweenPauses = TimeSpan.Zero,
        BetweenStuckLoops = TimeSpan.Zero,
    };

    /// <summary>Disks that sync within so many milliseconds, and never stall.</summary>
    public static ClusterOptions OnFastDisks(this ClusterOptions drawn, int syncMaxMs) => drawn with
    {
        SyncMin = TimeSpan.FromMicroseconds(100),
        SyncMax = TimeSpan.FromMilliseconds(syncMaxMs),
        SyncStall = TimeSpan.Zero,
    };
}
