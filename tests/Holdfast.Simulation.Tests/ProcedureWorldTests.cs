using Holdfast.Simulation.Cluster;
using Xunit;

namespace Holdfast.Simulation.Tests;

/// <summary>Groups whose members the directory decides, while its nodes die, are cut off, are wiped, join and are sent away; and the bugs that are planted in the directory and its procedures.</summary>
public sealed class ProcedureWorldTests
{
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
}
