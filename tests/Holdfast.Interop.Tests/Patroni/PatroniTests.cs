namespace Holdfast.Interop.Tests.Patroni;

/// <summary>Patroni finds in Holdfast what it finds in etcd, and a failure of the one is no failure of the other.</summary>
[Collection(Alone.Name)]
public sealed class PatroniTests
{
    [Fact]
    public async Task A_postgresql_pair_lives_on_holdfast_through_failover_switchover_and_the_death_of_the_stores_leader()
    {
        await using var store = await ProcessCluster.StartAsync();
        await using var pair = new PatroniPair(Enumerable.Range(0, 3).Select(store.Endpoint));
        pair.Start(0);
        await pair.PrimaryAsync();
        pair.Start(1);
        await pair.UntilFollowsAsync(1);
        await pair.AskAsync(0, "create table kept (n int)");
        await pair.AskAsync(0, "insert into kept values (1)");
        Assert.Equal(new Dictionary<string, string> { ["pg0"] = "Leader", ["pg1"] = "Replica" }, await pair.RolesAsync());

        await TheStoresLeaderDiesAsync(store, pair, primary: 0);
        await SwitchoverAsync(pair, from: 0);
        await ThePrimaryDiesAsync(pair, primary: 1);
        Assert.Equal("1,2,3,4", await pair.AskAsync(0, "select string_agg(n::text, ',' order by n) from kept"));
    }

    /// <summary>The lock's lease outlives the leader that counted its time, so PostgreSQL must not notice anything.</summary>
    private static async Task TheStoresLeaderDiesAsync(ProcessCluster store, PatroniPair pair, int primary)
    {
        const string Timeline = "select timeline_id || ' since ' || pg_postmaster_start_time() from pg_control_checkpoint()";
        var before = await pair.AskAsync(primary, Timeline);
        var leader = await store.LeaderAsync();
        store.Kill(leader);

        // Thirty turns of a second each are more than the lock's time to live: without a renewal it would be gone.
        var turns = pair.CountSaid(primary, "the leader with the lock");
        await pair.UntilAsync("thirty turns of the primary", () => Task.FromResult(pair.CountSaid(primary, "the leader with the lock") >= turns + 30));
        Assert.Equal(before, await pair.AskAsync(primary, Timeline));
        Assert.Equal(0, pair.CountSaid(primary, "demoted self"));
        Assert.Equal(0, pair.CountSaid(1 - primary, "promoted self"));
        await pair.AskAsync(primary, "insert into kept values (2)");
        store.Start(leader);
        await store.UntilServesAsync(leader);
    }

    private static async Task SwitchoverAsync(PatroniPair pair, int from)
    {
        await pair.UntilFollowsAsync(1 - from);
        Assert.Contains("Successfully switched over to", await pair.PatronictlAsync("switchover", "--master", $"pg{from}", "--candidate", $"pg{1 - from}", "--force"), StringComparison.Ordinal);
        Assert.Equal(1 - from, await pair.PrimaryAsync(exceptFor: from));
        await pair.UntilFollowsAsync(from);
        await pair.AskAsync(1 - from, "insert into kept values (3)");
    }

    private static async Task ThePrimaryDiesAsync(PatroniPair pair, int primary)
    {
        await pair.UntilAsync("the row on both", async () => await pair.AskAsync(1 - primary, "select count(*) from kept") == "3");
        await pair.KillAsync(primary);
        Assert.Equal(1 - primary, await pair.PrimaryAsync(exceptFor: primary));
        await pair.AskAsync(1 - primary, "insert into kept values (4)");
        pair.Start(primary);
        await pair.UntilFollowsAsync(primary);
        Assert.Equal("4", await pair.AskAsync(primary, "select count(*) from kept"));
    }
}
