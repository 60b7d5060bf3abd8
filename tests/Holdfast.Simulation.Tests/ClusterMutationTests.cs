using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Each kind of bug that is planted in whole nodes is found, at a seed that is known to find it; <c>sim --table</c> hunts them all from seed 1 on.</summary>
public sealed class ClusterMutationTests
{
    /// <summary>The log and its recovery: S1, S7, S8, S9.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.BatchCompletedBeforeSync), 1)]
    [InlineData(nameof(ClusterMutation.FailedSyncTriedAgain), 2)]
    [InlineData(nameof(ClusterMutation.FolderSyncForgotten), 1)]
    [InlineData(nameof(ClusterMutation.SnapshotFilesNotSynced), 2)]
    [InlineData(nameof(ClusterMutation.ReadableTakenForDurable), 2)]
    [InlineData(nameof(ClusterMutation.DamageCutOff), 14)]
    public void A_bug_of_the_log_is_found(string name, int seed) => IsFound(name, seed);

    /// <summary>Replicas and their snapshots: S10, S11.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.UncommittedStateInSnapshot), 17)]
    [InlineData(nameof(ClusterMutation.EvictedSessionExecuted), 3)]
    [InlineData(nameof(ClusterMutation.ReadGrantedBeforeApplied), 3)]
    public void A_bug_of_a_replica_is_found(string name, int seed) => IsFound(name, seed);

    private static void IsFound(string name, int seed)
    {
        var result = ClusterRun.Once((ulong)seed, Enum.Parse<ClusterMutation>(name));
        Assert.True(result.Failure is not null, $"{name} survived seed {seed}");
    }
}
