using Holdfast.Primitives;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.World;

/// <summary>
/// Three replicas of a shard over one log, from one seed: each applies, merges, writes snapshots and dies at its own pace, and none may hold anything but what the log says. Planted bugs must be found.
/// </summary>
public sealed class ShardWorldTests
{
    private const int Steps = 1000;

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 6).Select(seed => (ulong)seed)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Replicas_hold_what_the_log_says_whatever_their_segments_went_through(ulong seed) => Run(seed, PlantedShardBug.None);

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
            if (Record.Exception(() => Run(seed, bug)) is not null) return;
        Assert.Fail($"{name} was not found in 40 seeds");
    }

    private static void Run(ulong seed, PlantedShardBug bug)
    {
        var dice = new SeededRandom(seed);
        var model = new ShardModel(dice.Fork());
        ShardReplica[] replicas = [.. Enumerable.Range(0, 3).Select(_ => new ShardReplica(model, dice.Fork(), bug))];
        for (var step = 0; step < Steps; step++)
        {
            if (dice.Chance(0.15)) model.Propose();
            replicas[dice.Next(replicas.Length)].Act(replicas);
            foreach (var one in replicas)
                foreach (var other in replicas)
                    if (one.Applied == other.Applied) Assert.Equal(one.StateHash, other.StateHash);
        }

        foreach (var replica in replicas) replica.Settle();
        Assert.Single(replicas.Select(replica => replica.StateHash).Distinct());
    }
}
