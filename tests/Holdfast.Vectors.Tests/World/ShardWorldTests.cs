using Holdfast.Primitives;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.World;

/// <summary>
/// Three replicas of a shard over one log, from one seed: each applies, merges, writes snapshots, takes graphs over from the others and dies at its own pace, and none may hold anything but what the log says. Planted bugs
/// must be found.
/// </summary>
public sealed class ShardWorldTests
{
    private const int Steps = 1000;

    /// <summary>In one world of so many the replicas know each other; in the others each builds for itself.</summary>
    private const ulong SharingSeeds = 3;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 6).Select(seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Replicas_hold_what_the_log_says_whatever_their_segments_went_through(ulong seed) => Run(seed, PlantedShardBug.None);

    [Fact]
    public void In_these_worlds_graphs_are_taken_over() => Assert.InRange(Enumerable.Range(1, 6).Sum(seed => Run((ulong)seed * SharingSeeds, PlantedShardBug.None)), 5, long.MaxValue);

    [Theory]
    [InlineData("MergeForgetsDeaths")]
    [InlineData("MergeForgetsPayloads")]
    [InlineData("MergeEndsInsideEntry")]
    [InlineData("GroupingForgetsCopies")]
    [InlineData("ViewHoldsNoFiles")]
    [InlineData("SnapshotForgetsDeaths")]
    [InlineData("RestoreForgetsPayloads")]
    [InlineData("FilterNotAskedAgain")]
    [InlineData("HalfAnEntryShows")]
    public void A_planted_bug_is_found(string name)
    {
        var bug = Enum.Parse<PlantedShardBug>(name);
        for (ulong seed = 1; seed <= 40; seed++)
            if (Record.Exception(() => { Run(seed, bug); }) is not null) return;
        Assert.Fail($"{name} was not found in 40 seeds");
    }

    /// <summary>Lives through a world; how many graphs were taken over in it.</summary>
    private static long Run(ulong seed, PlantedShardBug bug)
    {
        var dice = new SeededRandom(seed);
        var model = new ShardModel(dice.Fork());
        var network = new ShardNetwork(new SeededRandom(seed ^ 0x5EED), isWhole: seed % SharingSeeds == 0);
        ShardReplica[] replicas = [.. Enumerable.Range(0, 3).Select(_ => new ShardReplica(model, dice.Fork(), bug, network))];
        for (var step = 0; step < Steps; step++)
        {
            if (dice.Chance(0.15)) model.Propose();
            replicas[dice.Next(replicas.Length)].Act(replicas);
            network.Pass(50);
            foreach (var one in replicas)
                foreach (var other in replicas)
                    if (one.Applied == other.Applied) Assert.Equal(one.StateHash, other.StateHash);
        }

        foreach (var replica in replicas) replica.Settle();
        Assert.Single(replicas.Select(replica => replica.StateHash).Distinct());
        return replicas.Sum(replica => replica.Meters.Fetched);
    }
}
