namespace Holdfast.Replication.Tests;

public sealed class AppendExecutionTests
{
    [Fact]
    public void The_leader_executes_once_and_the_others_apply_its_effects()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        for (var i = 1; i <= 10; i++) Assert.Equal($"{i}", cluster.Apply(cluster.Leader, "add n").Reply);
        Assert.Equal("10", cluster.Apply(cluster.Leader, "get n").Reply);
        cluster.UntilEqual();
        Assert.Equal(10, cluster.Nodes.Sum(node => ((ToyExecutor)node.Machine).Executed));
        Assert.All(cluster.Nodes, node => Assert.Equal("10", node.Machine.Map["n"]));
    }

    [Fact]
    public void An_async_reply_leaves_at_once_and_a_quorum_reply_waits()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var async = cluster.Leader.Propose("add n", new ProposeOptions { Durability = Durability.Async });
        var quorum = cluster.Leader.Propose("add n");
        Assert.Equal("1", async.Outcome!.Value.Reply);
        Assert.Null(quorum.Outcome);
        cluster.Until(() => quorum.Outcome is not null, "the quorum's reply");
        Assert.Equal("2", quorum.Outcome!.Value.Reply);
    }

    [Fact]
    public void A_truncated_tail_is_undone_and_its_replies_are_unknown_S15_S19()
    {
        var cluster = new TestCluster(3, atAppend: true);
        cluster.UntilLed();
        var old = cluster.Leader;
        Assert.Equal("1", cluster.Apply(old, "add n").Reply);
        cluster.Isolate(old);
        var lost = old.Propose("add n");
        cluster.Until(() => cluster.Nodes.Any(node => node != old && node.Group.Status.IsServingLeader), "a new leader");
        cluster.Until(() => lost.Outcome is not null, "the end of the lost proposal");
        Assert.Equal(ProposalStatus.Unknown, lost.Outcome!.Value.Status);
        cluster.Cut.Clear();
        cluster.Until(() => old.Machine.Map["n"] == "1", "the undoing");
        Assert.Equal(1, ((ToyExecutor)old.Machine).Undone);
        Assert.Equal("2", cluster.Apply(cluster.Leader, "add n").Reply);
        cluster.Until(() => cluster.Nodes.All(node => node.Machine.Map["n"] == "2"), "the same everywhere");
    }
}
