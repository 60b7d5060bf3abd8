using Holdfast.Simulation.Faults;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

public sealed class RaftWorldTests
{
    [Fact]
    public void The_first_seeds_hold_and_run_the_same_twice()
    {
        for (ulong seed = 1; seed <= 6; seed++)
        {
            var result = SimulationRun.Twice(seed, Mutation.None);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    /// <summary>
    /// A leader that restarts before its promise has lapsed keeps its node's support without leading: its followers stayed bound to it for ever.
    /// They now ask, and it says so; and a candidate's own vote request frees those bound to it.
    /// </summary>
    [Theory]
    [InlineData(6)]
    [InlineData(15)]
    [InlineData(18)]
    public void Followers_leave_a_leader_that_came_back_as_a_follower(int seed) =>
        Assert.Null(SimulationRun.Once((ulong)seed, Mutation.None).Failure);

    /// <summary>A follower that refused a commit announcement was never told again: it stayed one entry behind a group at rest.</summary>
    [Fact]
    public void A_follower_of_a_group_at_rest_is_not_left_one_commit_behind() => Assert.Null(SimulationRun.Once(168, Mutation.None).Failure);

    /// <summary>What a run is like depends on its seed and on the swarm's draws, so the seeds above change their meaning with the swarm; the mistake itself does not.</summary>
    [Fact]
    public void Followers_that_never_hear_of_a_release_stay_bound_and_the_simulator_says_so()
    {
        var kill = SimulationRun.SeedsToKill(Mutation.VoteReleaseLost, 100);
        Assert.True(kill is { Finding: var finding } && finding.StartsWith("no progress", StringComparison.Ordinal), $"{kill}");
    }

    [Theory]
    [InlineData(nameof(Mutation.OldTermCommittedByCounting))]
    [InlineData(nameof(Mutation.SnapshotKeepsMismatchingSuffix))]
    [InlineData(nameof(Mutation.RestartedVoterVotesAtOnce))]
    [InlineData(nameof(Mutation.LeaseCountedFromReceipt), 250)]
    [InlineData(nameof(Mutation.FollowerAcknowledgesBeforeSync))]
    [InlineData(nameof(Mutation.VoteNotPersisted))]
    [InlineData(nameof(Mutation.SnapshotNotConsistent))]
    [InlineData(nameof(Mutation.FailedSyncRetried))]
    [InlineData(nameof(Mutation.RollIgnoresBetterLog))]
    [InlineData(nameof(Mutation.DamagedVotesAnywhere))]
    [InlineData(nameof(Mutation.RollAnsweredBeforeTermPersisted))]
    [InlineData(nameof(Mutation.DamagedKeepsTerm), 200)]
    [InlineData(nameof(Mutation.LearnerConfirmsReads), 200)]
    [InlineData(nameof(Mutation.RollOfMajority), 250)] // A disk of the best log must be away just while the roll is called.
    public void A_planted_bug_is_found(string name, int seeds = 100)
    {
        var kill = SimulationRun.SeedsToKill(Enum.Parse<Mutation>(name), seeds);
        Assert.True(kill is not null, $"{name} survived {seeds} seeds");
    }

    [Fact]
    public void The_command_ends_with_the_hash_and_lists_the_mutations()
    {
        var output = new StringWriter();
        Assert.Equal(0, SimulationCommand.Run(["--seed", "2"], output));
        Assert.Contains("hash ", output.ToString().TrimEnd().Split('\n')[^1], StringComparison.Ordinal);
        var names = new StringWriter();
        Assert.Equal(0, SimulationCommand.Run(["--mutations"], names));
        Assert.True(names.ToString().TrimEnd().Split('\n').Length >= 25, "fewer than 25 mutations");
    }
}
