using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Bugs that are planted in whole nodes are found: each with the seed that found it when this was written; <c>sim --table --world cluster</c> hunts all of them from seed 1 on.</summary>
public sealed class ClusterMutationTests
{
    /// <summary>Several times what the table shows for these: a change of production code moves what a seed does.</summary>
    private const int SeedBudget = 40;

    /// <summary>The log, its recovery and the disk below: S1, S7, S8, S9, S10.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.BatchCompletedBeforeSync), 1)]
    [InlineData(nameof(ClusterMutation.FailedSyncTriedAgain), 5)]
    [InlineData(nameof(ClusterMutation.FolderSyncForgotten), 1)]
    [InlineData(nameof(ClusterMutation.ReadableTakenForDurable), 3)]
    [InlineData(nameof(ClusterMutation.BodyChecksumUnchecked), 7)]
    [InlineData(nameof(ClusterMutation.DamageCutOff), 2)]
    [InlineData(nameof(ClusterMutation.MaybeTakenForTorn), 24)]
    [InlineData(nameof(ClusterMutation.SnapshotFilesNotSynced), 2)]
    [InlineData(nameof(ClusterMutation.SlowGroupsSegmentReleased), 1)]
    [InlineData(nameof(ClusterMutation.VoteNotCarriedForward), 1)]
    [InlineData(nameof(ClusterMutation.CopiedRecordEndsLog), 3)]
    public void A_bug_of_the_log_is_found(string name, int likely) => IsFound(name, likely);

    /// <summary>Replicas, their state and their snapshots: S10, S11, S13, S20.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.UncommittedStateInSnapshot), 5)]
    [InlineData(nameof(ClusterMutation.ReadGrantedBeforeApplied), 3)]
    [InlineData(nameof(ClusterMutation.EntryAppliedTwiceAfterRestart), 1)]
    [InlineData(nameof(ClusterMutation.ApplyLooksAtOwnLimit), 1)]
    [InlineData(nameof(ClusterMutation.IterationOrderLeaks), 1)]
    [InlineData(nameof(ClusterMutation.ViewShowsLaterEntries), 5)]
    [InlineData(nameof(ClusterMutation.TruncatedTailNotUndone), 7)]
    [InlineData(nameof(ClusterMutation.RollAnsweredBeforeTermPersisted), 3)]
    [InlineData(nameof(ClusterMutation.RunLeftOutOfSnapshot), 1)]
    [InlineData(nameof(ClusterMutation.StateBehindLogTaken), 62)]
    [InlineData(nameof(ClusterMutation.VersionDecidesInsteadOfLevel), 3)]
    [InlineData(nameof(ClusterMutation.WipedNodeKeepsName), 4)]
    [InlineData(nameof(ClusterMutation.StaleBoundIgnored), 49)]
    [InlineData(nameof(ClusterMutation.AsyncNotWaitedFor), 1)]
    [InlineData(nameof(ClusterMutation.ProposedAgainAtElection), 1)]
    public void A_bug_of_a_replica_is_found(string name, int likely) => IsFound(name, likely);

    /// <summary>What services come to coordination for: locks and their tokens, leases, watches that go on elsewhere, permissions.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.FenceCountedInMemory), 1)]
    [InlineData(nameof(ClusterMutation.FenceResetByRestore), 1)]
    [InlineData(nameof(ClusterMutation.LockGrantedWithoutLease), 2)]
    [InlineData(nameof(ClusterMutation.KeyStaysOnOldLease), 1)]
    [InlineData(nameof(ClusterMutation.AttachmentsLostByRestore), 2)]
    [InlineData(nameof(ClusterMutation.WatchSkipsRevision), 1)]
    [InlineData(nameof(ClusterMutation.WatchMissesRestored), 2)]
    [InlineData(nameof(ClusterMutation.ProgressToldWhileBehind), 4)]
    [InlineData(nameof(ClusterMutation.AuthChangeMissedByCache), 2)]
    [InlineData(nameof(ClusterMutation.IdentitiesLeftOutOfSnapshot), 2)]
    [InlineData(nameof(ClusterMutation.PermissionAskedAtDoorOnly), 2)]
    [InlineData(nameof(ClusterMutation.ReadPermissionAskedBeforeBarrier), 13)]
    public void A_bug_of_coordination_is_found(string name, int likely) => IsFound(name, likely);

    /// <summary>The first seed that finds it lies beyond the budget of the others: that seed is kept.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.EvictedSessionExecuted), 23)]
    public void A_bug_that_takes_many_seeds_is_found_at_the_first_that_found_it(string name, int seed) =>
        Assert.NotNull(ClusterRun.Once((ulong)seed, Enum.Parse<ClusterMutation>(name)).Failure);

    /// <summary>A bug that the swarm finds seldom has a scenario of its own, which the command falls back to: a leader that does not know yet that it was deposed judges leases, and tells its finding to its successor.</summary>
    [Fact]
    public void A_deposed_leader_that_ends_leases_is_found() => Assert.NotNull(NodeScenario.Kill(ClusterMutation.LeaseEndedByUnconfirmedLeader));

    [Fact]
    public void Runs_of_history_that_are_not_told_of_a_forgotten_deletion_are_found() => Assert.NotNull(NodeScenario.Kill(ClusterMutation.DeletionUnknownToRuns));

    [Fact]
    public void Writes_that_a_snapshot_may_hold_and_that_are_done_again_are_found() => Assert.NotNull(NodeScenario.Kill(ClusterMutation.SnapshotTakenForNothing));

    [Fact]
    public void Every_bug_that_can_be_planted_in_whole_nodes_is_planted_in_a_test() => PlantedNames.AreAllIn<ClusterMutation>(
        [ClusterMutation.None, ClusterMutation.LeaseEndedByUnconfirmedLeader, ClusterMutation.DeletionUnknownToRuns, ClusterMutation.SnapshotTakenForNothing, ClusterMutation.CopyOutlivesTerm],
        typeof(ClusterMutationTests), typeof(SessionWorldTests), typeof(ShardWorldTests), typeof(VectorWorldTests), typeof(ProcedureWorldTests));

    /// <summary>Watches and leases.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.WatchSkipsCompacted), 5)]
    [InlineData(nameof(ClusterMutation.FollowersClockEndsLease), 2)]
    [InlineData(nameof(ClusterMutation.LeasesLeftOutOfSnapshot), 2)]
    [InlineData(nameof(ClusterMutation.ExpiryIgnoresRenewal), 15)]
    public void A_bug_of_the_keyspace_is_found(string name, int likely) => IsFound(name, likely);

    private static void IsFound(string name, int likely) =>
        Assert.True(ClusterRun.IsFound(Enum.Parse<ClusterMutation>(name), likely, SeedBudget), $"{name} survived {SeedBudget} seeds");
}
