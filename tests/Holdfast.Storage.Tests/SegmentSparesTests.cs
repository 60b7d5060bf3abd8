namespace Holdfast.Storage.Tests;

/// <summary>The next segment is made before it is needed, so that the commit that needs it does not wait for a file system.</summary>
public sealed class SegmentSparesTests
{
    private const int SegmentBytes = 256 * 1024;

    [Fact]
    public void A_spare_is_wanted_once_in_a_segment_and_well_before_its_end()
    {
        var fixture = Created();
        Assert.False(fixture.Log.WantsSpare());
        var last = Write(fixture, from: 1, () => fixture.Log.WantsSpare());
        Assert.Equal(1, fixture.Log.SegmentCount);
        Assert.False(fixture.Log.WantsSpare());
        last = Write(fixture, last + 1, () => fixture.Log.SegmentCount > 1);
        Write(fixture, last + 1, () => fixture.Log.WantsSpare());
        Assert.Equal(2, fixture.Log.SegmentCount);
    }

    [Fact]
    public void The_next_segment_is_the_file_that_was_made_ahead()
    {
        var fixture = Created();
        var last = Write(fixture, from: 1, () => fixture.Log.WantsSpare());
        fixture.Log.PrepareSpare(TestContext.Current.CancellationToken);
        var spare = Assert.Single(Spares(fixture));
        Assert.Equal(SegmentBytes, fixture.Disk.Content(spare).Length);
        last = Write(fixture, last + 1, () => fixture.Log.SegmentCount > 1);
        Assert.Empty(Spares(fixture));
        fixture.CommitEntries(LogFixture.A, 1, last + 1, last + 5);
        fixture.Disk.LosePower();
        fixture.Reopen();
        Assert.Empty(fixture.Recovery.Findings);
        fixture.AssertWhole(LogFixture.A, last + 5);
    }

    [Fact]
    public void A_spare_outlives_a_restart_and_what_was_half_filled_does_not()
    {
        var fixture = Created();
        Write(fixture, from: 1, () => fixture.Log.WantsSpare());
        fixture.Log.PrepareSpare(TestContext.Current.CancellationToken);
        using (var file = fixture.Disk.Open($"{fixture.Options.Folder}/filling-99")) file.Write(0, new byte[1000]);
        fixture.Reopen(); // Begins a segment, and so uses the spare.
        Assert.Empty(Spares(fixture));
        Assert.DoesNotContain(fixture.Disk.Paths, path => path.Contains("filling", StringComparison.Ordinal));
    }

    [Fact]
    public void Who_is_told_to_stop_leaves_nothing_behind()
    {
        var fixture = Created();
        var before = fixture.Disk.Paths.Count();
        fixture.Log.PrepareSpare(new CancellationToken(canceled: true));
        Assert.Equal(before, fixture.Disk.Paths.Count());
    }

    private static LogFixture Created()
    {
        var fixture = new LogFixture(SegmentBytes);
        fixture.Create(LogFixture.A);
        return fixture;
    }

    private static IEnumerable<string> Spares(LogFixture fixture) => fixture.Disk.Paths.Where(path => path.Contains("spare-", StringComparison.Ordinal));

    private static ulong Write(LogFixture fixture, ulong from, Func<bool> isReached)
    {
        for (var index = from; index < from + 1000; index++)
        {
            fixture.CommitEntries(LogFixture.A, 1, index, index, bytes: 2000);
            if (isReached()) return index;
        }

        Assert.Fail("a thousand commits brought it not about");
        return 0;
    }
}
