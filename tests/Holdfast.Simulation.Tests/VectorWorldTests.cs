using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Shards of vectors and the routing to them, in whole nodes that die, are cut off and change members; and the bugs that are planted in them.</summary>
public sealed class VectorWorldTests
{
    /// <summary>A run takes half a second.</summary>
    private const int Budget = 60;

    [Fact]
    public void Shards_of_vectors_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            var result = SimWorld.Of("vectors").Twice(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    /// <summary>At the seed that found it first; when the code has moved it, at another.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.VectorAcknowledgedEarly), 1)]
    [InlineData(nameof(ClusterMutation.VectorReadWithoutBarrier), 1)]
    [InlineData(nameof(ClusterMutation.VectorSessionForgotten), 2)]
    [InlineData(nameof(ClusterMutation.VectorReadNotPassedOn), 6)]
    [InlineData(nameof(ClusterMutation.VectorUnknownWriteRepeated), 31)]
    [InlineData(nameof(ClusterMutation.VectorKeptAnswerOutlivesWrite), 1)]
    [InlineData(nameof(ClusterMutation.MergeForgetsDeaths), 2)]
    [InlineData(nameof(ClusterMutation.MergeForgetsPayloads), 1)]
    [InlineData(nameof(ClusterMutation.SnapshotForgetsDeaths), 3)]
    [InlineData(nameof(ClusterMutation.RestoreForgetsPayloads), 2)]
    public void A_bug_of_shards_of_vectors_is_found(string name, int likely) =>
        Assert.True(ClusterRun.IsFound(Enum.Parse<ClusterMutation>(name), likely, Budget), $"{name} survived {Budget} seeds");
}
