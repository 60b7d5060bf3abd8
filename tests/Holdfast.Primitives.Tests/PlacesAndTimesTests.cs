namespace Holdfast.Primitives.Tests;

public sealed class PlacesAndTimesTests
{
    [Fact]
    public void A_later_last_term_is_more_up_to_date_than_a_longer_log()
    {
        var later = new LogPosition(new Term(3), new LogIndex(5));
        var longer = new LogPosition(new Term(2), new LogIndex(90));
        Assert.True(later.IsAtLeast(longer));
        Assert.False(longer.IsAtLeast(later));
        Assert.True(later.IsAtLeast(later));
    }

    [Fact]
    public void There_is_no_place_before_the_first() => Assert.Equal(LogIndex.Zero, LogIndex.Zero.Previous);

    [Fact]
    public void Never_stays_never_however_long_one_waits()
    {
        Assert.Equal(Instant.Never, Instant.Never + TimeSpan.FromDays(1));
        Assert.Equal(new Instant(5), Instant.Min(Instant.Never, new Instant(5)));
    }

    [Fact]
    public void Node_ids_are_printed_as_etcd_prints_member_ids() => Assert.Equal("8e9e05c52164694d", new NodeId(0x8E9E05C52164694D).ToString());
}
