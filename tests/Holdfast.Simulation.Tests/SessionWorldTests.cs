using Holdfast.Simulation.Cluster;
using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Sessions with lock delay (R1.6), in whole nodes that die, are cut off and whose clocks drift; and the bugs that are planted in them.</summary>
public sealed class SessionWorldTests
{
    /// <summary>A run takes half a second.</summary>
    private const int Budget = 60;

    [Fact]
    public void Sessions_hold_in_the_first_seeds_and_run_the_same_twice()
    {
        // 20: a rotten sector hid that an exiled leader's tail was truncated, and the node could not start any more. 70167: a commit in the very last moment, of which only its leader had heard.
        foreach (var seed in (ulong[])[1, 2, 3, 4, 5, 6, 7, 8, 20, 70167])
        {
            var result = SimWorld.Of("sessions").Twice(seed);
            Assert.True(result.Failure is null, $"seed {seed}: {result.Failure}");
            Assert.True(result.Counts.Acknowledged > 0, $"seed {seed} did nothing");
        }
    }

    /// <summary>At the seed that found it first; when the code has moved it, at another.</summary>
    [Theory]
    [InlineData(nameof(ClusterMutation.SessionKeyGivenDuringDelay), 1)]
    [InlineData(nameof(ClusterMutation.SessionDelayEndsWithIt), 1)]
    [InlineData(nameof(ClusterMutation.SessionRenewedWithoutDelay), 2)]
    [InlineData(nameof(ClusterMutation.SessionEndedWithoutDelay), 1)]
    public void A_bug_of_sessions_is_found(string name, int likely) =>
        Assert.True(ClusterRun.IsFound(Enum.Parse<ClusterMutation>(name), likely, Budget), $"{name} survived {Budget} seeds");
}
