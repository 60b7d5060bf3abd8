namespace Holdfast.Cluster.Tests;

/// <summary>What faces may take, and who carries them.</summary>
public sealed class BudgetTests
{
    [Fact]
    public void Memory_is_charged_up_to_the_budget_and_not_a_byte_beyond()
    {
        var account = new MemoryAccount(100);
        Assert.True(account.TryCharge(60));
        Assert.False(account.TryCharge(41));
        Assert.True(account.TryCharge(40));
        Assert.Equal(100, account.UsedBytes);
        account.Refund(50);
        Assert.True(account.TryCharge(50));
        account.Charge(30); // A state that was restored is there, budget or not.
        Assert.False(account.TryCharge(0));
        account.Refund(130);
        Assert.Equal(0, account.UsedBytes);
        Assert.Throws<Primitives.InvariantBrokenException>(() => account.Refund(1));
    }

    [Fact]
    public async Task Many_threads_never_charge_more_than_the_budget()
    {
        var account = new MemoryAccount(1000);
        var charged = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Enumerable.Range(0, 1000).Count(_ => account.TryCharge(1)))));
        Assert.Equal(1000, charged.Sum());
    }

    [Fact]
    public async Task So_many_jobs_run_at_once_the_others_in_turn_and_too_many_are_refused()
    {
        var gate = new CpuGate(cores: 2, waitingMax: 2);
        Assert.True(await gate.EnterAsync());
        Assert.True(await gate.EnterAsync());
        var third = gate.EnterAsync().AsTask();
        using var impatient = new CancellationTokenSource();
        var fourth = gate.EnterAsync(impatient.Token).AsTask();
        Assert.False(await gate.EnterAsync());
        Assert.False(third.IsCompleted);
        Assert.Equal((2, 2), (gate.Running, gate.Waiting));

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fourth);
        gate.Leave();
        Assert.True(await third);
        gate.Leave();
        gate.Leave();
        Assert.Equal((0, 0), (gate.Running, gate.Waiting));
        Assert.Throws<Primitives.InvariantBrokenException>(gate.Leave);
    }

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
