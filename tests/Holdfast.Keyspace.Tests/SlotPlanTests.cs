using System.Collections.Immutable;
using Holdfast.Primitives;

namespace Holdfast.Keyspace.Tests;

/// <summary>Slots as text, layouts after moves, and how slots are spread.</summary>
public sealed class SlotPlanTests
{
    [Fact]
    public void Ranges_are_read_and_written_as_text()
    {
        Assert.Equal("0-7,9", SlotRanges.Parse("9,0-3,4-7")!.ToString());
        Assert.Equal(9, SlotRanges.Parse("0-7,9")!.Count);
        foreach (var wrong in (string[])["", "a", "1-", "-1", "3-2", "16384", "0-16384", "1,,2"]) Assert.Null(SlotRanges.Parse(wrong));
        var ranges = SlotRanges.Parse("5-6,100,16383")!;
        Assert.True(ranges.Contains(5) && ranges.Contains(100) && ranges.Contains(16383));
        Assert.False(ranges.Contains(4) || ranges.Contains(7) || ranges.Contains(99) || ranges.Contains(16382));
    }

    [Fact]
    public void A_layout_changes_by_what_its_source_has()
    {
        var (two, three) = (new GroupId(2), new GroupId(3));
        Assert.Equal("2:0-9,20-99;3:10-19,100-199", ShardLayout.Moved("2:0-99;3:100-199", two, three, SlotRanges.Parse("10-19,150")!));
        Assert.Equal("2:0-98;9:99", ShardLayout.Moved("2:0-99", two, new GroupId(9), SlotRanges.Parse("99")!));
        Assert.Equal("2:;3:0-99", ShardLayout.Moved("2:0-99", two, three, SlotRanges.Parse("0-99")!));
        Assert.True(ShardLayout.Parse("2:;3:0-99")[two].IsEmpty);
    }

    [Theory]
    [InlineData("2:0-16383;3:;4:", 10922)]
    [InlineData("2:0-5460;3:5461-10922;4:10923-16383", 0)]
    [InlineData("2:0-8191;3:8192-16383;4:", 5461)]
    [InlineData("2:0-100;3:101-16383", 8091)]
    public void A_plan_evens_slots_out_and_moves_no_more_than_it_must(string layout, int moved)
    {
        var plan = SlotPlanner.Even(ShardLayout.Parse(layout));
        Assert.Equal(moved, plan.Sum(move => move.Slots.Count));
        foreach (var move in plan)
        {
            Assert.InRange(move.Slots.Count, 1, SlotPlanner.SlotsPerMove);
            layout = ShardLayout.Moved(layout, move.Source, move.Target, move.Slots);
        }

        var counts = ShardLayout.Parse(layout).Values.Select(ranges => SlotRanges.Of(ranges).Count).ToArray();
        Assert.Equal(KeySlot.Count, counts.Sum());
        Assert.InRange(counts.Max() - counts.Min(), 0, 1);
        Assert.Empty(SlotPlanner.Even(ShardLayout.Parse(layout)));
    }
}
