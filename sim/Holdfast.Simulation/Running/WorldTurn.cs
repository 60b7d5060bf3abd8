namespace Holdfast.Simulation.Running;

/// <summary>Which world runs which seed, when several take turns: the same in every sweep, and each world's seeds without a gap.</summary>
internal sealed class WorldTurn
{
    private readonly List<(SimWorld World, int Before)> turn = [];
    private readonly ulong from;

    /// <summary>The worlds take turns by how many runs of a turn each has, spread over it, so that a sweep that is broken off has seen all of them.</summary>
    public WorldTurn(IReadOnlyList<SimWorld> worlds, ulong from)
    {
        this.from = from;
        var length = worlds.Count == 1 ? 1 : worlds.Sum(static world => world.RunsInTurn);
        var given = new int[worlds.Count];
        for (var at = 0; at < length; at++)
        {
            var next = 0;
            for (var i = 1; i < given.Length; i++)
                if (given[i] * worlds[next].RunsInTurn < given[next] * worlds[i].RunsInTurn) next = i; // Least served by its share.
            turn.Add((worlds[next], given[next]++));
        }
    }

    /// <summary>The run at a place of the sweep.</summary>
    public (SimWorld World, ulong Seed) At(int place)
    {
        var (world, before) = turn[place % turn.Count];
        var inTurn = turn.Count(each => each.World == world);
        return (world, from + (ulong)(place / turn.Count * inTurn + before));
    }
}
