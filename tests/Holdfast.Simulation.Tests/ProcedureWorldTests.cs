using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Groups whose members the directory decides, while its nodes die, are cut off, are wiped, join and are sent away; and the bugs that are planted in the directory and its procedures.</summary>
public sealed class ProcedureWorldTests
{
    /// <summary>As the table has it, and more than twice what the slowest of these takes: a change of production code moves what a seed does.</summary>
    private const int SeedBudget = 100;

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

    [Theory]
    [InlineData(nameof(ClusterMutation.ProcedureNotResumed), 1)]
    [InlineData(nameof(ClusterMutation.RecordTakenForGroup), 1)]
    [InlineData(nameof(ClusterMutation.SweepForgotten), 1)]
    [InlineData(nameof(ClusterMutation.StateGivenUpOnRecord), 1)]
    [InlineData(nameof(ClusterMutation.TombstonesLeftOutOfSnapshot), 1)]
    [InlineData(nameof(ClusterMutation.GroupIdGivenAgain), 1)]
    [InlineData(nameof(ClusterMutation.LateChangeTaken), 6)]
    [InlineData(nameof(ClusterMutation.VoterNotReplacedLater), 18)]
    [InlineData(nameof(ClusterMutation.DriverNotConfirmed), 15)]
    [InlineData(nameof(ClusterMutation.SilentMembersTaken), 8)]
    [InlineData(nameof(ClusterMutation.UncommittedMembersBelieved), 42)]
    [InlineData(nameof(ClusterMutation.MovedReplicaStaysDown), 1)]
    public void A_bug_of_procedures_is_found(string name, int likely) =>
        Assert.True(ClusterRun.IsFound(Enum.Parse<ClusterMutation>(name), likely, SeedBudget), $"{name} survived {SeedBudget} seeds");
}
