namespace Holdfast.Interop.Tests.Redis;

/// <summary>
/// The loss table: in quorum mode no acknowledged write is lost, whatever happens to a minority, or to all at once. (A plain kill and the kill of all stand in <see cref="KeyspaceProcessesTests"/>.) Each row counts
/// what was acknowledged and is not there afterwards.
/// </summary>
public sealed class LossTests
{
    [Fact]
    public async Task A_follower_is_paused_for_a_second_and_then_the_leader_is_killed()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        cluster.Nodes.Signal(1, "STOP");
        await Task.Delay(TimeSpan.FromSeconds(1)); // The row itself: a follower that was away for a second.
        cluster.Nodes.Kill(0);
        cluster.Nodes.Signal(1, "CONT");
        await writers.UntilAsync(600, everyWriter: true);
        cluster.Nodes.Start(0);
        await cluster.UntilServedAsync(-1);
        await writers.StopAsync();
        await writers.CheckAsync();
    }

    [Fact]
    public async Task A_leader_is_cut_off_from_its_peers_while_clients_still_reach_it()
    {
        await using var cluster = await RedisCluster.StartAsync(hasFaultyNetwork: true);
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        cluster.Nodes.Network.Partition([1, 0, 0]);
        await writers.UntilAsync(450, everyWriter: true); // Whoever asks the cut-off node waits for seconds until it says that it cannot answer.
        cluster.Nodes.Network.Heal();
        await writers.UntilAsync(700, everyWriter: true);
        await writers.StopAsync();
        await writers.CheckAsync();
    }

    [Fact]
    public async Task A_node_is_killed_and_comes_back_empty()
    {
        string[] proof = [];
        await using var cluster = await RedisCluster.StartAsync(flagsOf: node => node == 0 ? proof : []);
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        var token = (await ServerBench.RunAsync("token", "--endpoints", cluster.Nodes.Endpoint(1))).Output.Trim();
        cluster.Nodes.Kill(0);
        Directory.Delete(cluster.Nodes.Data(0), recursive: true);
        proof = ["--token", token];
        cluster.Nodes.Start(0);
        await writers.UntilAsync(600, everyWriter: true);
        await cluster.UntilServedAsync(-1);
        await writers.StopAsync();
        await writers.CheckAsync();
    }

    [Fact]
    public async Task A_leader_is_stopped_and_goes_on_later()
    {
        await using var cluster = await RedisCluster.StartAsync();
        var writers = new Writers(cluster.Ports);
        await writers.UntilAsync(300);
        cluster.Nodes.Signal(0, "STOP");
        await writers.UntilAsync(600, everyWriter: true);
        cluster.Nodes.Signal(0, "CONT");
        await writers.UntilAsync(900, everyWriter: true);
        await writers.StopAsync();
        await writers.CheckAsync();
    }
}
