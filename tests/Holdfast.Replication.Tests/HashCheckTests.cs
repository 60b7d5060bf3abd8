using Holdfast.Primitives;

namespace Holdfast.Replication.Tests;

/// <summary>Replicas tell each other the hash of their state every so many entries.</summary>
public sealed class HashCheckTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_machine_that_goes_astray_on_one_replica_raises_the_alarm(bool straysOnLeader)
    {
        var astray = NodeId.None;
        var cluster = new TestCluster(3, machineOf: id => new StrayingMachine(() => id == astray));
        cluster.UntilLed();
        var leader = cluster.Leader;
        astray = straysOnLeader ? leader.Id : cluster.Follower.Id;
        Write(cluster, leader, 1100);
        cluster.Until(() => cluster.Nodes.Any(node => node.Group.Status.HasDiverged), "the alarm");

        // The leader's word is compared by each follower: by all that differ from it.
        var alarmed = cluster.Nodes.Where(node => node.Group.Status.HasDiverged).Select(node => node.Id).ToArray();
        Assert.Equal(straysOnLeader ? cluster.Nodes.Where(node => node != leader).Select(node => node.Id) : [astray], alarmed);
    }

    [Fact]
    public void Replicas_that_agree_raise_no_alarm()
    {
        var cluster = new TestCluster(3);
        cluster.UntilLed();
        var compared = Comparisons();
        Write(cluster, cluster.Leader, 1100);
        cluster.UntilEqual();
        cluster.Run(TimeSpan.FromMilliseconds(100));
        Assert.DoesNotContain(cluster.Nodes, node => node.Group.Status.HasDiverged);
        Assert.True(Comparisons() > compared);
    }

    private static long Comparisons() => Mark.All().SingleOrDefault(mark => mark.Name == "replication: state hashes compared")?.Hits ?? 0;

    private static void Write(TestCluster cluster, TestNode at, int count)
    {
        var completions = Enumerable.Range(0, count).Select(i => at.Propose($"k{i % 10}={i}")).ToArray();
        cluster.Until(() => completions.All(asked => asked.Outcome is not null), "the writes");
    }

    private sealed class StrayingMachine(Func<bool> isAstray) : ToyMachine
    {
        protected override string Written(in CommittedEntry entry, string value) => isAstray() && value == "500" ? "501" : value;
    }
}
