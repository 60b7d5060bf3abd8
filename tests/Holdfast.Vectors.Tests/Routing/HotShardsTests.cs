using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Tests.Routing;

/// <summary>When a replica is moved away from a hot node, and when it is left alone.</summary>
public sealed class HotShardsTests
{
    private static readonly ulong[] Nodes = [1, 2, 3, 4];

    [Fact]
    public void A_node_that_is_hot_for_long_gives_the_replica_away_that_evens_it_out_most()
    {
        var plan = new HotShards();
        ReplicaHeat[] heat = [new("c", 0, 1, 0.9), new("c", 1, 1, 0.5), new("c", 2, 1, 0.1), new("c", 0, 2, 0.3), new("c", 1, 3, 0.2)];
        for (var look = 1; look < HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, Nodes));
        Assert.Equal(new ShardRelief("c", 0, 1, 4), plan.Look(heat, Nodes));

        // Whatever it looks like afterwards: it is let rest.
        for (var look = 0; look < HotShards.LooksAfter; look++) Assert.Null(plan.Look(heat, Nodes));
        for (var look = 1; look < HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, Nodes));
        Assert.NotNull(plan.Look(heat, Nodes));
    }

    [Fact]
    public void What_a_hot_node_leads_is_handed_over_before_a_replica_is_moved()
    {
        var plan = new HotShards();
        ReplicaHeat[] heat = [new("c", 0, 1, 0.9) { Leads = true }, new("c", 1, 1, 0.7) { Leads = true }, new("c", 2, 1, 0.2), new("c", 0, 2, 0.3), new("c", 0, 3, 0.1), new("c", 1, 2, 0.1)];
        Assert.Equal(new ShardRelief("c", 0, 1, 3) { IsLeadOnly = true }, Next(plan, heat));

        // As hot as before without it: the next one, and when it leads nothing any more a replica.
        heat[0] = heat[0] with { Leads = false };
        Assert.Equal(new ShardRelief("c", 1, 1, 2) { IsLeadOnly = true }, Next(plan, heat));
        heat[1] = heat[1] with { Leads = false };
        Assert.Equal(new ShardRelief("c", 0, 1, 4), Next(plan, heat));
    }

    [Fact]
    public void A_lead_stays_where_all_that_could_take_it_are_busy_too()
    {
        var plan = new HotShards();
        ReplicaHeat[] heat = [new("c", 0, 1, 1.2) { Leads = true }, new("c", 0, 2, 0.8), new("c", 0, 3, 0.7)];
        for (var look = 0; look < 3 * HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, [1, 2, 3]));
    }

    [Fact]
    public void A_burst_moves_nothing()
    {
        var plan = new HotShards();
        for (var look = 0; look < 100; look++)
            Assert.Null(plan.Look(look % HotShards.LooksBefore == 0 ? [new("c", 0, 1, 0.1)] : [new("c", 0, 1, 0.9), new("c", 1, 1, 0.9)], Nodes));
    }

    [Theory]
    [InlineData(0.2, 0.2, 0.0)] // Not busy enough.
    [InlineData(2.0, 0.0, 0.0)] // One shard alone is hot: it would be as hot elsewhere.
    [InlineData(0.9, 0.9, 1.2)] // The others are busy too.
    public void A_move_that_does_not_pay_is_not_made(double one, double other, double elsewhere)
    {
        var plan = new HotShards();
        ReplicaHeat[] heat = [new("c", 0, 1, one), new("c", 1, 1, other), new("c", 2, 2, elsewhere), new("c", 2, 3, elsewhere), new("c", 2, 4, elsewhere)];
        for (var look = 0; look < 3 * HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, Nodes));
    }

    [Fact]
    public void Nobody_gets_a_second_replica_of_the_same_shard()
    {
        var plan = new HotShards();
        ReplicaHeat[] heat = [new("c", 0, 1, 0.9), new("c", 1, 1, 0.9), new("c", 0, 2, 0), new("c", 1, 2, 0)];
        for (var look = 0; look < 3 * HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, [1, 2]));
    }

    private static ShardRelief? Next(HotShards plan, ReplicaHeat[] heat)
    {
        for (var look = 1; look < HotShards.LooksBefore; look++) Assert.Null(plan.Look(heat, Nodes));
        return plan.Look(heat, Nodes);
    }
}
