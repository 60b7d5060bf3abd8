using Holdfast.Replication;

namespace Holdfast.Cluster.Tests;

/// <summary>Whole nodes in one process, over loopback and real disks: founded together, joined with a token, left.</summary>
public sealed class ThreeNodesTests
{
    [Fact]
    public async Task Three_nodes_found_a_cluster_a_fourth_joins_with_a_token_and_one_leaves()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(3);
        var token = await made[1].CreateTokenAsync(TimeSpan.FromMinutes(5), 1, CancellationToken.None);
        var fourth = await nodes.JoinAsync("n4", made[1], token!);
        await nodes.UntilAsync(() => fourth.View.Procedures.Count == 1 && fourth.View.Procedures[1].State == ProcedureState.Done);
        Assert.True(fourth.Coordination.Status.Configuration.CountsForQuorum(fourth.Directory.Status.Self));
        Assert.Equal("even-voters", Assert.Single(fourth.Advice).Code);

        var leaving = made[2].Directory.Status.Self;
        Assert.True((await fourth.LeaveAsync(leaving, CancellationToken.None)).Accepted);
        await nodes.UntilAsync(() => fourth.View.Removed.Contains(leaving));
        Assert.False(fourth.Directory.Status.Configuration.Contains(leaving));
    }

    /// <summary>The stall that the test above met now and then: who drives the procedures has left the etcd keyspace's group, which it led, and its own replica no longer hears who leads there.</summary>
    [Fact]
    public async Task S5_the_node_that_leads_every_group_leaves()
    {
        await using var nodes = new NodesInProcess();
        var made = await nodes.FoundAsync(3);
        var leaving = made[2];
        var self = leaving.Directory.Status.Self;
        foreach (var groupOf in (Func<ClusterNode, ReplicatedGroup>[])[node => node.Directory, node => node.Coordination])
        {
            await nodes.UntilAsync(() =>
            {
                foreach (var node in made)
                    if (node != leaving && groupOf(node).Status.IsServingLeader) _ = groupOf(node).TransferLeadershipAsync(self);
                return groupOf(leaving).Status.IsServingLeader;
            });
        }

        Assert.True((await made[0].LeaveAsync(self, CancellationToken.None)).Accepted);
        await nodes.UntilAsync(() => made[0].View.Removed.Contains(self));
        Assert.False(made[0].Coordination.Status.Configuration.Contains(self));
    }
}
