using System.Globalization;
using Google.Protobuf;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests.Chaos;

/// <summary>Faults on real processes while recorded clients work; the history must be linearizable whatever happens (issue 2 section 7, R1.10).</summary>
[Collection(Alone.Name)]
public sealed class ChaosTests
{
    /// <summary>Calls that are to be answered before, between and after the faults.</summary>
    private const int Some = 150;

    private static readonly TimeSpan StopOfTheLeader = TimeSpan.FromSeconds(3);

    [Fact] // (R1.10, first row)
    public async Task Killing_the_leader_elects_another_and_no_write_splits()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var leaders = new LeaderWatch(cluster);
        await using var clients = new RecordedClients(cluster, seed: 1);
        await clients.UntilAnsweredAsync(Some);
        var killed = await cluster.LeaderAsync();
        cluster.Kill(killed);
        await clients.UntilAnsweredAsync(Some); // The other two go on.
        Assert.NotEqual(killed, await cluster.LeaderAsync());
        cluster.Start(killed);
        await cluster.UntilServesAsync(killed);
        await clients.UntilAnsweredAsync(Some);
        await leaders.AssertNoSplitBrainAsync();
        await clients.AssertLinearizableAsync();
    }

    [Fact]
    public async Task Killing_a_follower_is_hardly_noticed()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var clients = new RecordedClients(cluster, seed: 2);
        await clients.UntilAnsweredAsync(Some);
        var leader = await cluster.LeaderAsync();
        var follower = (leader + 1) % 3;
        cluster.Kill(follower);
        await clients.UntilAnsweredAsync(Some);
        cluster.Start(follower);
        await cluster.UntilServesAsync(follower);
        await clients.UntilAnsweredAsync(Some);
        await clients.AssertLinearizableAsync();
    }

    [Fact]
    public async Task Killing_all_and_then_stopping_all_keeps_the_history_whole()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var clients = new RecordedClients(cluster, seed: 3);
        await clients.UntilAnsweredAsync(Some);
        for (var node = 0; node < 3; node++) cluster.Kill(node);
        for (var node = 0; node < 3; node++) cluster.Start(node);
        await clients.UntilAnsweredAsync(Some);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(cluster.StopAsync));
        for (var node = 0; node < 3; node++) cluster.Start(node);
        await clients.UntilAnsweredAsync(Some);
        for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
        await clients.AssertLinearizableAsync();
    }

    [Fact] // (S3: the lease is checked against the moment of its use, so a leader that slept serves nothing stale.)
    public async Task A_leader_that_was_stopped_for_three_seconds_serves_nothing_stale()
    {
        await using var cluster = await ProcessCluster.StartAsync();
        await using var leaders = new LeaderWatch(cluster);
        await using var clients = new RecordedClients(cluster, seed: 4);
        await clients.UntilAnsweredAsync(Some);
        var stopped = await cluster.LeaderAsync();
        var term = (await cluster.StatusAsync(stopped))!.RaftTerm;
        cluster.Signal(stopped, "STOP");
        using (var pause = new PeriodicTimer(StopOfTheLeader)) await pause.WaitForNextTickAsync(); // The fault itself takes this long.
        cluster.Signal(stopped, "CONT");
        await clients.UntilAnsweredAsync(Some);
        await cluster.UntilServesAsync(stopped);
        Assert.True((await cluster.StatusAsync(stopped))!.RaftTerm > term, "nobody was elected while the leader slept");
        await leaders.AssertNoSplitBrainAsync();
        await clients.AssertLinearizableAsync();
    }

    [Fact]
    public async Task A_leader_whose_links_are_closed_and_cut_one_way_loses_nothing()
    {
        await using var cluster = await ProcessCluster.StartAsync(hasFaultyNetwork: true);
        await using var leaders = new LeaderWatch(cluster);
        await using var clients = new RecordedClients(cluster, seed: 5);
        for (var round = 0; round < 2; round++)
        {
            await clients.UntilAnsweredAsync(Some);
            cluster.Network.Hangup(await cluster.LeaderAsync());
        }

        // It is heard and hears nobody; then it hears and is not heard.
        foreach (var isDeaf in (bool[])[true, false])
        {
            await clients.UntilAnsweredAsync(Some);
            var leader = await cluster.LeaderAsync();
            var term = (await cluster.StatusAsync(leader))!.RaftTerm;
            for (var other = 0; other < 3; other++)
                if (other != leader) (isDeaf ? cluster.Network[other, leader] : cluster.Network[leader, other]).Cut();
            await Patient.UntilAsync(async () => await LedElsewhereAsync(cluster, leader, term), () => $"the others elected nobody while the leader was {(isDeaf ? "deaf" : "dumb")}");
            cluster.Network.Heal();
        }

        await clients.UntilAnsweredAsync(Some);
        for (var node = 0; node < 3; node++) await cluster.UntilServesAsync(node);
        await leaders.AssertNoSplitBrainAsync();
        await clients.AssertLinearizableAsync();
    }

    [Fact] // (R1.10, second row)
    public async Task Three_of_five_go_on_and_the_two_with_the_leader_step_down_and_refuse()
    {
        await using var cluster = await ProcessCluster.StartAsync(nodes: 5, hasFaultyNetwork: true);
        await using var leaders = new LeaderWatch(cluster);
        await using var clients = new RecordedClients(cluster, seed: 6);
        await clients.UntilAnsweredAsync(Some);
        var old = await cluster.LeaderAsync();
        var term = (await cluster.StatusAsync(old))!.RaftTerm;
        int[] minority = [old, (old + 1) % 5];
        cluster.Network.Partition([.. Enumerable.Range(0, 5).Select(node => minority.Contains(node) ? 1 : 0)]);
        await Patient.UntilAsync(async () => await LedElsewhereAsync(cluster, old, term), () => "the three elected nobody");
        for (var node = 0; node < 5; node++)
            if (!minority.Contains(node)) await cluster.UntilServesAsync(node);
        await Patient.UntilAsync(async () => await cluster.StatusAsync(old) is { } status && status.Leader != status.Header.MemberId, () => "the cut-off leader did not step down");
        foreach (var node in minority)
        {
            Assert.False(await cluster.TryPutAsync(node, "refused", node.ToString(CultureInfo.InvariantCulture)), $"node {node} acknowledged a write that no majority has");
            await Assert.ThrowsAsync<Grpc.Core.RpcException>(async () => await cluster.Kv(node).RangeAsync(new RangeRequest { Key = ByteString.CopyFromUtf8("ready") }, deadline: DateTime.UtcNow.AddSeconds(20)));
        }

        cluster.Network.Heal();
        for (var node = 0; node < 5; node++) await cluster.UntilServesAsync(node);
        await clients.UntilAnsweredAsync(Some);
        await leaders.AssertNoSplitBrainAsync();
        await clients.AssertLinearizableAsync();
    }

    [Fact] // (R1.10, third row)
    public async Task Commits_go_on_beside_a_delayed_follower_and_it_catches_up()
    {
        await using var cluster = await ProcessCluster.StartAsync(hasFaultyNetwork: true);
        await using var clients = new RecordedClients(cluster, seed: 7);
        await clients.UntilAnsweredAsync(Some);
        var leader = await cluster.LeaderAsync();
        var (delayed, other) = ((leader + 1) % 3, (leader + 2) % 3);
        cluster.Network.Slow(delayed, TimeSpan.FromMilliseconds(500));
        await clients.UntilAnsweredAsync(Some);
        cluster.Network[leader, delayed].Cut(); // As late as can be.
        await Patient.UntilAsync(() => cluster.TryPutAsync(other, "behind", "yes"), () => "commits do not go on");
        Assert.NotEqual("yes", await cluster.GetAsync(delayed, "behind", serializable: true));
        cluster.Network.Heal();
        await Patient.UntilAsync(async () => await cluster.GetAsync(delayed, "behind", serializable: true) == "yes", () => "the delayed follower does not catch up");
        await clients.UntilAnsweredAsync(Some);
        await clients.AssertLinearizableAsync();
    }

    /// <summary>Whether another node leads, in a later term.</summary>
    private static async Task<bool> LedElsewhereAsync(ProcessCluster cluster, int old, ulong term)
    {
        for (var node = 0; node < cluster.Nodes; node++)
            if (node != old && await cluster.StatusAsync(node) is { Leader: not 0 } status && status.Leader == status.Header.MemberId && status.RaftTerm > term) return true;
        return false;
    }
}
