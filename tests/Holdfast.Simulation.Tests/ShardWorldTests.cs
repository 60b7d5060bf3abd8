using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Shards of the Redis face whose slots move all the time, in whole nodes that die, are cut off and change members; and the bugs that are planted in them.</summary>
public sealed class ShardWorldTests
{
    private const int SeedBudget = 40;

    [Fact]
    public void Shards_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var result = ClusterRun.TwiceWithShards(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    [Theory]
    [InlineData(nameof(ClusterMutation.ReplyBeforeCommit))]
    [InlineData(nameof(ClusterMutation.SealWithoutTail))]
    [InlineData(nameof(ClusterMutation.SourceReadsSealed))]
    [InlineData(nameof(ClusterMutation.TakenBackUnasked))]
    [InlineData(nameof(ClusterMutation.EpochNotRaised))]
    [InlineData(nameof(ClusterMutation.MovesLeftOutOfSnapshot))]
    [InlineData(nameof(ClusterMutation.ForgottenBeforeAdopted))]
    [InlineData(nameof(ClusterMutation.WatchIgnored))]
    [InlineData(nameof(ClusterMutation.ReplicaExpiresByOwnClock))]
    public void A_bug_of_shards_is_found(string name) =>
        Assert.True(ClusterRun.SeedsToKill(Enum.Parse<ClusterMutation>(name), SeedBudget) is not null, $"{name} survived {SeedBudget} seeds");
}
