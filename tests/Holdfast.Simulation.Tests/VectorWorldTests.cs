using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Shards of vectors and the routing to them, in whole nodes that die, are cut off and change members; and the bugs that are planted in them.</summary>
public sealed class VectorWorldTests
{
    [Fact]
    public void Shards_of_vectors_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            var result = ClusterRun.TwiceWithVectors(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    [Fact]
    public void Hunt()
    {
        for (ulong seed = 1; seed <= 40; seed++) File.AppendAllText("/tmp/vecapi-hunt.log", $"seed {seed}: {ClusterRun.OnceWithVectors(seed).Failure}\n");
        foreach (var mutation in Enum.GetValues<ClusterMutation>().Where(each => each >= ClusterMutation.VectorAcknowledgedEarly))
            File.AppendAllText("/tmp/vecapi-hunt.log", $"{mutation}: {ClusterRun.SeedsToKill(mutation, 50)}\n");
    }
}
