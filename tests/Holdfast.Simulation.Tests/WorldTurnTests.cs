using Holdfast.Simulation.Running;
using Xunit;

namespace Holdfast.Simulation.Tests;

public sealed class WorldTurnTests
{
    [Fact]
    public void Every_world_has_its_share_of_each_turn_and_its_seeds_without_a_gap()
    {
        var turn = new WorldTurn(SimWorld.All, 5);
        var length = SimWorld.All.Sum(static world => world.RunsInTurn);
        var runs = Enumerable.Range(0, 3 * length).Select(turn.At).ToArray();
        foreach (var world in SimWorld.All)
        {
            var seeds = runs.Where(run => run.World == world).Select(static run => run.Seed).ToArray();
            Assert.Equal(Enumerable.Range(0, 3 * world.RunsInTurn).Select(static seed => 5UL + (ulong)seed), seeds);
        }

        // Spread over the turn: whole nodes are run from the beginning on.
        Assert.Contains(runs.Take(4), static run => run.World.IsOfWholeNodes);
    }

    [Fact]
    public void One_world_alone_runs_every_seed()
    {
        var turn = new WorldTurn([SimWorld.Of("cluster")], 1);
        Assert.Equal([1UL, 2UL, 3UL], Enumerable.Range(0, 3).Select(place => turn.At(place).Seed));
    }

    [Fact]
    public void Whole_nodes_have_a_bar_of_their_own()
    {
        var (all, ofWholeNodes) = (new SimCounts { Elections = 6_000 }, new SimCounts { Elections = 10 });
        var elections = Array.Find(VolumeBar.All, static bar => bar.What == "elections");
        Assert.True(elections.IsMet(all, ofWholeNodes: null));
        Assert.False(elections.IsMet(all, ofWholeNodes));
        ofWholeNodes.Elections = 5_000;
        Assert.True(elections.IsMet(all, ofWholeNodes));
    }
}
