using System.Text;
using Holdfast.Storage;

namespace Holdfast.Replication.Tests;

/// <summary>Segments go although groups at rest have entries in them: copied forward when few (S9), snapshotted when many.</summary>
public sealed class HeldBackTests
{
    private static readonly WalOptions SmallSegments = new() { Cluster = TestCluster.Cluster, SegmentBytes = 128 * 1024, BlockBytes = 512, SegmentsMax = 3 };

    [Theory]
    [InlineData(3)]
    [InlineData(100)]
    public void The_log_on_disk_stays_bounded_with_one_idle_group_among_busy_ones_S9(int entriesOfIdle)
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 32 * 1024 }, groups: 3, wal: SmallSegments);
        cluster.Until(() => Enumerable.Range(0, 3).All(i => cluster.Nodes.Any(node => node.Groups[i].Status.IsServingLeader)), "three leaders");
        for (var i = 0; i < entriesOfIdle; i++) Write(cluster, 2, $"idle{i}={i}");
        var most = 0;
        for (var round = 0; round < 300; round++)
        {
            Write(cluster, round % 2, $"k{round % 10}={new string('x', 3000)}");
            most = Math.Max(most, cluster.Nodes.Max(node => node.Segments));
        }

        Assert.True(most <= SmallSegments.SegmentsMax + 2, $"{most} segments");
        Assert.Equal(entriesOfIdle >= 64, cluster.Nodes[0].Groups[2].Status.Snapshot.Index.Value > 0);
        foreach (var node in cluster.Nodes)
        {
            node.Kill();
            node.Start();
            Assert.Empty(node.Recovery.Findings);
        }

        cluster.Until(() => cluster.Nodes.All(node => node.Machines[2].Map.Count == entriesOfIdle), "the idle group's entries after restart");
    }

    [Fact]
    public void A_group_without_a_quorum_holds_no_segment_of_its_node()
    {
        var cluster = new TestCluster(3, new GroupOptions { SnapshotLogBytes = 32 * 1024, ProposeTimeout = TimeSpan.FromSeconds(1) }, groups: 1, wal: SmallSegments);
        cluster.UntilLed();
        var leader = cluster.Leader;

        // A tail that nobody else has; a second group, of this node alone, fills the log.
        cluster.Isolate(leader);
        for (var i = 0; i < 100; i++) leader.Propose($"t{i}={i}");
        var busy = leader.AddSole(new Primitives.GroupId(50));
        cluster.Until(() => busy.Status.IsServingLeader, "the sole group's leader");
        var most = 0;
        for (var round = 0; round < 300; round++)
        {
            var completion = new Completion();
            busy.Propose(Encoding.UTF8.GetBytes($"k{round % 10}={new string('x', 3000)}"), default, completion);
            cluster.Until(() => completion.Outcome is not null, "a write to the sole group");
            most = Math.Max(most, leader.Segments);
        }

        Assert.True(most <= SmallSegments.SegmentsMax + 2, $"{most} segments");
    }

    private static void Write(TestCluster cluster, int group, string command)
    {
        var completion = new Completion();
        cluster.Nodes.First(node => node.Groups[group].Status.IsServingLeader).Groups[group].Propose(Encoding.UTF8.GetBytes(command), default, completion);
        cluster.Until(() => completion.Outcome is not null, $"the fate of {command}");
        Assert.True(completion.Outcome!.Value.IsApplied);
    }
}
