using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Tests.Endpoints;

/// <summary>What older programs would not understand stays out of the log until all of them are gone (S5).</summary>
public sealed class LevelGateTests
{
    [Fact]
    public async Task While_an_old_program_runs_a_late_command_is_refused_at_once_and_says_why()
    {
        var fault = await Assert.ThrowsAsync<VectorFault>(async () => await LevelGate.PassAsync(2, () => 1, () => 1, TestContext.Current.CancellationToken));
        Assert.Equal(503, fault.Status);
        Assert.Contains("needs feature level 2, and the shard has 1 until every node runs a program that knows it; nothing was written", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rise_that_is_on_its_way_is_waited_for()
    {
        var looks = 0;
        await LevelGate.PassAsync(2, () => ++looks < 5 ? 1u : 2u, () => 2, TestContext.Current.CancellationToken);
        Assert.True(looks >= 5);
        await LevelGate.PassAsync(2, () => 3, () => throw new InvalidOperationException("there is nothing to look ahead for"), TestContext.Current.CancellationToken);
    }
}
