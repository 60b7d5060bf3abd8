using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Bugs that are planted in whole nodes are found from seed 1 on within a few seeds; <c>sim --table --world cluster</c> hunts all of them, the slow ones too.</summary>
public sealed class ClusterMutationTests
{
    /// <summary>Several times what the table shows for these: a change of production code moves what a seed does.</summary>
    private const int SeedBudget = 40;

    /// <summary>The log, its recovery and the disk below: S1, S7, S8, S9, S10.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.BatchCompletedBeforeSync))]
    [InlineData(nameof(ClusterMutation.FailedSyncTriedAgain))]
    [InlineData(nameof(ClusterMutation.FolderSyncForgotten))]
    [InlineData(nameof(ClusterMutation.ReadableTakenForDurable))]
    [InlineData(nameof(ClusterMutation.BodyChecksumUnchecked))]
    [InlineData(nameof(ClusterMutation.SlowGroupsSegmentReleased))]
    [InlineData(nameof(ClusterMutation.VoteNotCarriedForward))]
    [InlineData(nameof(ClusterMutation.CopiedRecordEndsLog))]
    public void A_bug_of_the_log_is_found(string name) => IsFound(name);

    /// <summary>Replicas, their state and their snapshots: S10, S11, S13, S20.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.UncommittedStateInSnapshot))]
    [InlineData(nameof(ClusterMutation.ReadGrantedBeforeApplied))]
    [InlineData(nameof(ClusterMutation.EntryAppliedTwiceAfterRestart))]
    [InlineData(nameof(ClusterMutation.ApplyLooksAtOwnLimit))]
    [InlineData(nameof(ClusterMutation.IterationOrderLeaks))]
    [InlineData(nameof(ClusterMutation.ViewShowsLaterEntries))]
    [InlineData(nameof(ClusterMutation.TruncatedTailNotUndone))]
    [InlineData(nameof(ClusterMutation.RollAnsweredBeforeTermPersisted))]
    public void A_bug_of_a_replica_is_found(string name) => IsFound(name);

    /// <summary>What services come to coordination for: locks and their tokens, leases, watches that go on elsewhere, permissions.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.FenceCountedInMemory))]
    [InlineData(nameof(ClusterMutation.FenceResetByRestore))]
    [InlineData(nameof(ClusterMutation.LockGrantedWithoutLease))]
    [InlineData(nameof(ClusterMutation.KeyStaysOnOldLease))]
    [InlineData(nameof(ClusterMutation.AttachmentsLostByRestore))]
    [InlineData(nameof(ClusterMutation.WatchSkipsRevision))]
    [InlineData(nameof(ClusterMutation.WatchMissesRestored))]
    [InlineData(nameof(ClusterMutation.ProgressToldWhileBehind))]
    [InlineData(nameof(ClusterMutation.AuthChangeMissedByCache))]
    [InlineData(nameof(ClusterMutation.IdentitiesLeftOutOfSnapshot))]
    [InlineData(nameof(ClusterMutation.PermissionAskedAtDoorOnly))]
    [InlineData(nameof(ClusterMutation.ReadPermissionAskedBeforeBarrier))]
    public void A_bug_of_coordination_is_found(string name) => IsFound(name);

    /// <summary>The first seed that finds it lies beyond the budget of the others: that seed is kept.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.EvictedSessionExecuted), 91)]
    public void A_bug_that_takes_many_seeds_is_found_at_the_first_that_found_it(string name, int seed) =>
        Assert.NotNull(ClusterRun.Once((ulong)seed, Enum.Parse<ClusterMutation>(name)).Failure);

    /// <summary>Watches and leases.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.WatchSkipsCompacted))]
    [InlineData(nameof(ClusterMutation.FollowersClockEndsLease))]
    [InlineData(nameof(ClusterMutation.LeasesLeftOutOfSnapshot))]
    public void A_bug_of_the_keyspace_is_found(string name) => IsFound(name);

    private static void IsFound(string name) =>
        Assert.True(ClusterRun.SeedsToKill(Enum.Parse<ClusterMutation>(name), SeedBudget) is not null, $"{name} survived {SeedBudget} seeds");
}
