using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Routing;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Tests.World;

/// <summary>Splits: a shard cut in half under load, with drivers that die at every step. Planted bugs must be found.</summary>
public sealed class SplitWorldTests
{
    private const ulong Seeds = 60;

    /// <summary>Some need three things to happen in one order.</summary>
    private const ulong SeedsMax = 1500;

    [Fact]
    public async Task What_was_acknowledged_is_read_once_whenever_a_driver_dies_and_whichever_layout_a_client_knows()
    {
        var (crashes, gaveUp, fenced, indexes, twice) = (0, 0, 0, 0, 0);
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            var world = new SplitWorld(seed, PlantedShardBug.None, PlantedSplitBug.None);
            await world.RunAsync();
            crashes += world.Crashes;
            fenced += world.Fenced;
            indexes += world.Indexes;
            twice += world.Twice;
            if (world.GaveUp) gaveUp++;
        }

        Assert.True(crashes > 10, $"{crashes} crashes prove nothing");
        Assert.True(gaveUp > 0, "nobody gave up");
        Assert.True(fenced > 10, $"{fenced} writes of former holders prove nothing");
        Assert.True(indexes > 10, $"{indexes} payload indexes prove nothing");
        Assert.True(twice > 10, $"{twice} requests that write a point twice prove nothing");
    }

    [Theory]
    [InlineData("WritesWhatIsSealed", "None")]
    [InlineData("AdoptsUnseen", "ForgetsTheRest")]
    [InlineData("StagesAfterAdoption", "None")]
    [InlineData("ReleasesAnySeal", "None")]
    [InlineData("None", "DividesTooSoon")]
    [InlineData("None", "AsksTheSourceFirst")]
    [InlineData("None", "ForgetsTheFences")]
    [InlineData("FencesAreNotAsked", "None")]
    public async Task A_planted_bug_is_found(string shardBug, string splitBug)
    {
        for (ulong seed = 1; seed <= SeedsMax; seed++)
            if (await Record.ExceptionAsync(() => new SplitWorld(seed, Enum.Parse<PlantedShardBug>(shardBug), Enum.Parse<PlantedSplitBug>(splitBug)).RunAsync()) is not null) return;
        Assert.Fail($"{shardBug} and {splitBug} were not found in {SeedsMax} seeds");
    }

    [Fact]
    public async Task A_command_that_passes_one_that_was_refused_is_found()
    {
        for (ulong seed = 3; seed <= SeedsMax; seed += 4)
            if (await Record.ExceptionAsync(() => new SplitWorld(seed, PlantedShardBug.None, PlantedSplitBug.None, PlantedWriteBug.PassesWhatWasRefused).RunAsync()) is not null) return;
        Assert.Fail($"it was not found in {SeedsMax} seeds");
    }

    [Fact]
    public async Task A_driver_that_forgets_what_changed_is_stopped_by_the_target()
    {
        for (ulong seed = 1; seed <= 10; seed++) await new SplitWorld(seed, PlantedShardBug.None, PlantedSplitBug.ForgetsTheRest).RunAsync();
    }

    [Fact]
    public void A_split_moves_half_of_one_shard_and_nothing_else()
    {
        var before = LayoutOf(4);
        var after = before.Splitting(2).Divided();
        Assert.Equal([0, 1, 2, 3, 4], after.Numbers);
        var (moved, stayed) = (0, 0);
        for (ulong id = 0; id < 40_000; id++)
        {
            var (old, now) = (before.ShardOf(null, PointId.Of(id)), after.ShardOf(null, PointId.Of(id)));
            if (old == now) stayed++;
            else
            {
                Assert.Equal((2, 4), (old, now));
                moved++;
            }
        }

        Assert.InRange(moved, 4700, 5300);
        Assert.Equal([2, 4], after.Successors(2, HashPart.All));
        var again = after.Splitting(4).Divided().Splitting(2).Divided();
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], again.Numbers);
        Assert.Equal([2, 4, 5, 6], again.Successors(2, HashPart.All));
        Assert.Equal([4, 5], again.Successors(4, after.PartOf(4)));
        Assert.Equal(before.Next + 3, again.Next);
    }

    [Fact]
    public void The_directory_keeps_what_splits_made_of_a_layout()
    {
        using var config = System.Text.Json.JsonDocument.Parse("""{"vectors":{"size":2,"distance":"Dot"},"shard_number":2}""");
        var parsed = CollectionConfig.Create(config.RootElement, 1);
        foreach (var layout in (ShardLayout[])[LayoutOf(2), LayoutOf(2).Splitting(1), LayoutOf(2).Splitting(1).Unsplit(), LayoutOf(2).Splitting(1).Divided(), LayoutOf(2).Splitting(1).Divided().Splitting(2)])
        {
            var text = CollectionText.Write(new CollectionRecord("c", "id", parsed, layout));
            var read = CollectionText.Read("c", text);
            Assert.Equal(text, CollectionText.Write(read));
            Assert.Equal((layout.Next, layout.Split), (read.Layout.Next, read.Layout.Split));
            Assert.Equal(layout.Numbers, read.Layout.Numbers);
            for (ulong id = 0; id < 200; id++) Assert.Equal(layout.ShardOf(null, PointId.Of(id)), read.Layout.ShardOf(null, PointId.Of(id)));
        }
    }

    [Fact]
    public void Shards_behind_a_key_are_split_and_go_with_it()
    {
        var layout = ShardLayout.Of([new ShardKey("\"a\"", [0, 1]), new ShardKey("\"b\"", [2])], 3).Splitting(2).Divided();
        Assert.Equal([2, 3], layout.Meant(["\"b\""]));
        Assert.Equal("\"b\"", layout.KeyOf(3));
        Assert.Equal([0, 1, 2, 3], layout.Numbers);
        Assert.Equal([0, 1], layout.Without("\"b\"").Numbers);
        Assert.Equal([0, 1, 2, 3, 4], layout.With("\"c\"", 1).Numbers);
    }

    [Fact]
    public void A_shard_says_how_far_it_is_over_the_wire()
    {
        var hold = new ShardHold(new HashPart(3, 5), true, new HashPart(4, 13), new(7), new(8), new(ulong.MaxValue));
        var told = new Holdfast.Vectors.Queries.SplitAnswer(hold, ulong.MaxValue - 3, 12, 1UL << 63) { Fences = "AQID" };
        Assert.Equal(told, Holdfast.Vectors.Queries.SplitAnswer.Read(told.ToAnswer()));
        Assert.Equal(SplitStep.Stuck, SplitPlan.Next(HashPart.All, new ShardHold { Part = HashPart.All.Staying, ReleasedAt = new(3) }, default, false));
    }

    private static ShardLayout LayoutOf(int shards)
    {
        using var config = System.Text.Json.JsonDocument.Parse($$"""{"vectors":{"size":2,"distance":"Dot"},"shard_number":{{shards}}}""");
        return ShardLayout.Of(CollectionConfig.Create(config.RootElement, 1));
    }
}
