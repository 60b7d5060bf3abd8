using Holdfast.Consensus;

namespace Holdfast.Replication.Tests;

/// <summary>A proposal's number is never given twice: what is still said of an earlier one must not be taken for a word about a later one (S25).</summary>
public sealed class ProposalNumberTests
{
    [Fact]
    public void A_command_that_the_log_took_in_part_does_not_spoil_the_next()
    {
        var cluster = new TestCluster(3, new GroupOptions { ChunkBytes = 400, Raft = new RaftOptions { UncommittedBytesMax = 1000 } });
        cluster.UntilLed();
        var leader = cluster.Leader;

        // Two of three chunks find room. The next command, in chunks too, would be taken for their continuation under the same number.
        Assert.Equal(ProposalStatus.Busy, leader.Propose("a=" + new string('a', 1198)).Outcome!.Value.Status);
        cluster.Run(TimeSpan.FromMilliseconds(50));
        Assert.True(cluster.Apply(leader, "b=" + new string('b', 698)).IsApplied);
        cluster.UntilEqual();
        Assert.All(cluster.Nodes, node => Assert.Equal(new string('b', 698), node.Machine.Map["b"]));
        Assert.All(cluster.Nodes, node => Assert.False(node.Machine.Map.ContainsKey("a")));
    }

    [Fact]
    public void A_number_that_is_passed_over_is_not_given_again()
    {
        var table = new ProposalTable(4, bootCount: 1);
        var (first, second) = (new Completion(), new Completion());
        var passed = table.NextNumber;
        table.PassOver();
        Assert.Equal(passed + 1, table.NextNumber);
        table.Add(first, Primitives.Instant.Never, new Primitives.Term(1));
        table.PassOver();
        table.Add(second, Primitives.Instant.Never, new Primitives.Term(1));
        Assert.Equal(2, table.Count);
        Assert.Null(table.Take(passed, out _));
        Assert.Null(table.Take(passed + 2, out _));
        Assert.Same(first, table.Take(passed + 1, out _));
        Assert.Same(second, table.Take(passed + 3, out _));

        // And takes no room once those before it have ended.
        for (var i = 0; i < 100; i++) table.PassOver();
        Assert.True(table.HasRoom);
    }
}
