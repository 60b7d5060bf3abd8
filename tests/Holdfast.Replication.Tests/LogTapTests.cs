using Holdfast.Primitives;
using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>A reader of the log from outside the group: what a snapshot has the log forget is kept for it, and not for ever.</summary>
public sealed class LogTapTests
{
    private const int BytesAtOnce = 1 << 20;

    [Fact]
    public void Entries_that_the_log_forgot_are_read_all_the_same_and_in_order()
    {
        var (cluster, node) = Led();
        var read = LogReading.Of(node.Group.Replica, node.Group.Status.Applied, BytesAtOnce).Applied.Index;
        for (var i = 0; i < 20; i++) Assert.True(cluster.Apply(node, $"k{i}=1").IsApplied);
        Forget(cluster, node);
        Assert.True(node.Group.Status.Snapshot.Index > read);
        var reading = LogReading.Of(node.Group.Replica, read, BytesAtOnce);
        Assert.True(reading is { IsRead: true, IsCompacted: false, IsAtEnd: true });
        Assert.Equal(Enumerable.Range(1, reading.Entries.Count).Select(step => new LogIndex(read.Value + (ulong)step)), reading.Entries.Select(static entry => entry.Position.Index));
        Assert.True(reading.Entries.Count >= 20);
    }

    [Fact]
    public void A_reader_that_stays_away_too_long_is_told_of_the_gap()
    {
        var (cluster, node) = Led();
        var read = LogReading.Of(node.Group.Replica, node.Group.Status.Applied, BytesAtOnce).Applied.Index;
        var large = new string('x', 900_000);
        for (var i = 0; i < 40; i++) Assert.True(cluster.Apply(node, $"k{i % 2}={large}").IsApplied);
        Forget(cluster, node);
        Assert.True(LogReading.Of(node.Group.Replica, read, BytesAtOnce) is { IsRead: true, IsCompacted: true });
    }

    private static (TestCluster Cluster, TestNode Node) Led()
    {
        var cluster = new TestCluster(1, new GroupOptions { SnapshotLogBytes = 256 * 1024 * 1024 }, wal: new WalOptions { Cluster = TestCluster.Cluster, SegmentBytes = 64 * 1024 * 1024 });
        cluster.UntilLed();
        Assert.True(cluster.Apply(cluster.Leader, "before=1").IsApplied);
        return (cluster, cluster.Leader);
    }

    private static void Forget(TestCluster cluster, TestNode node)
    {
        node.Group.TakeSnapshot();
        cluster.Until(() => node.Group.Status.Snapshot.Index == node.Group.Status.Applied, "the snapshot");
    }
}
