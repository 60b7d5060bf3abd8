namespace Holdfast.Cluster.Tests;

/// <summary>What faces may take, and who carries them.</summary>
public sealed class BudgetTests
{
    [Fact]
    public void Budgets_that_the_machine_cannot_hold_are_said_and_impossible_ones_refused()
    {
        const long GiB = 1024L * 1024 * 1024;
        Assert.Empty(new NodeBudget(4 * GiB, 4, [new FaceBudget(Face.Coordination, 2 * GiB)]).WorthKnowing());
        Assert.Contains("add up to 4096 MiB", Assert.Single(new NodeBudget(4 * GiB, 4, [new FaceBudget(Face.Coordination, 2 * GiB), new FaceBudget(Face.Keyspace, 2 * GiB, 4)]).WorthKnowing()), StringComparison.Ordinal);
        Assert.Contains("8 cores", Assert.Single(new NodeBudget(4 * GiB, 4, [new FaceBudget(Face.Vectors, GiB, 8)]).WorthKnowing()), StringComparison.Ordinal);
        Assert.Equal(2, new NodeBudget(4 * GiB, 4, [new FaceBudget(Face.Vectors, 0), new FaceBudget(Face.Vectors, GiB)]).Validate().Count);
        Assert.Null(new NodeBudget(4 * GiB, 4, []).Of(Face.Keyspace));
    }

    [Fact]
    public void A_node_carries_the_data_groups_of_its_roles()
    {
        Assert.True((NodeRoles.Coordination | NodeRoles.Vectors).Carry("vectors"));
        Assert.False(NodeRoles.Coordination.Carry("vectors"));
        Assert.False(NodeRoles.Coordination.Carry("vectors/7/0"));
        Assert.True(NodeRoles.Vectors.Carry("vectors/7/0"));
        Assert.False(NodeRoles.None.Carry("keyspace"));
        Assert.True(NodeRoles.None.Carry("something else"));
    }
}
