using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Groups whose members the directory decides, while its nodes die, are cut off, are wiped, join and are sent away; and the bugs that are planted in the directory and its procedures.</summary>
public sealed class ProcedureWorldTests
{
    /// <summary>Planted, and not found or not hunted so far (docs/STATUS.md): what these prove is still to be shown.</summary>
    internal static readonly ClusterMutation[] NotHuntedYet =
    [
        ClusterMutation.SweepForgotten, ClusterMutation.StateGivenUpOnRecord, ClusterMutation.TombstonesLeftOutOfSnapshot, ClusterMutation.GroupIdGivenAgain, ClusterMutation.LateChangeTaken,
        ClusterMutation.VoterNotReplacedLater, ClusterMutation.DriverNotConfirmed, ClusterMutation.SilentMembersTaken, ClusterMutation.UncommittedMembersBelieved,
    ];

    [Fact]
    public void Procedures_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var result = SimWorld.Of("procedures").Twice(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts is { Acknowledged: > 0, MembershipChanges: > 0 }, $"seed {seed} did nothing");
        }
    }

    /// <summary>The group's leader restarted while the directory placed it elsewhere already, and was not begun again: its group had no leader any more.</summary>
    [Fact]
    public void A_replica_that_is_placed_elsewhere_serves_its_group_until_the_group_goes_on_without_it()
    {
        var result = SimWorld.Of("procedures").Once(4);
        Assert.True(result.Failure is null, result.Failure);
        Assert.NotNull(ClusterRun.Once(4, ClusterMutation.MovedReplicaStaysDown).Failure);
    }

    [Theory]
    [InlineData(nameof(ClusterMutation.ProcedureNotResumed), 1)]
    [InlineData(nameof(ClusterMutation.RecordTakenForGroup), 1)]
    public void A_bug_of_procedures_is_found(string name, int likely) =>
        Assert.True(ClusterRun.IsFound(Enum.Parse<ClusterMutation>(name), likely, 20), $"{name} survived 20 seeds");
}
