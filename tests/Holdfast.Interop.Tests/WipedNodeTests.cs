namespace Holdfast.Interop.Tests;

/// <summary>A listed node whose disk was wiped comes back under its name only with proof, and counts for nothing until it is re-admitted (S4).</summary>
public sealed class WipedNodeTests
{
    [Fact]
    public async Task S4_a_wiped_node_without_proof_is_refused_and_told_what_to_do()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        Wipe(nodes[2]);
        nodes[2].Start("--cluster", MembersOf(nodes));
        Assert.Equal(1, await nodes[2].UntilEndedAsync());
        Assert.Contains("a wiped node proves who it is before it comes back (S4)", nodes[2].Said, StringComparison.Ordinal);
        Assert.Contains("holdfast token", nodes[2].Said, StringComparison.Ordinal);
        await nodes[0].PutAsync("two", "go on");
    }

    [Fact]
    public async Task S4_a_wiped_node_with_a_token_does_not_count_until_a_majority_has_readmitted_it()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        await nodes[0].PutAsync("kept", "yes");
        var token = (await ServerBench.RunAsync("token", "--endpoints", nodes[0].Endpoint)).Output.Trim();
        nodes[1].Kill();
        Wipe(nodes[2]);
        nodes[2].Start("--cluster", MembersOf(nodes), "--token", token);
        await nodes[2].UntilSaysAsync("joining by");

        // One old voter and an empty newcomer: were its vote or its acknowledgement counted, these writes would succeed.
        for (var attempt = 0; attempt < 3; attempt++) Assert.False(await nodes[0].TryPutAsync("never", "written", secondsMax: 2));

        // With the second old voter there is a majority of those who know; it removes the old incarnation and promotes the new one by itself.
        nodes[1].Start("--cluster", MembersOf(nodes));
        await nodes[2].UntilServesAsync();
        await nodes[2].UntilAsync(async () => (await ServerBench.RunAsync("status", "--endpoints", nodes[2].Endpoint)).Output.Split('\n').Any(line => line.Contains(nodes[2].Endpoint, StringComparison.Ordinal) && line.Contains("follower", StringComparison.Ordinal))
            || await nodes[2].LeadsAsync(), "is not promoted");
        Assert.Equal("yes", await nodes[2].GetAsync("kept"));

        // It counts now: without the one that was killed before, the other two are a majority.
        await nodes[0].UntilAsync(async () => await VotersOfBothGroupsAsync(nodes[0]) == 6, "does not list three voters in both groups");
        nodes[1].Kill();
        await nodes[2].UntilServesAsync();
        Assert.Equal("yes", await nodes[0].GetAsync("kept"));
    }

    [Fact]
    public async Task S4_with_tls_the_nodes_own_certificate_is_proof_and_another_nodes_is_not()
    {
        await using var bench = new ServerBench();
        Assert.Equal(0, (await ServerBench.RunAsync("cert", "ca", "--out", bench.At("ca"))).Code);
        for (var i = 1; i <= 3; i++) Assert.Equal(0, (await ServerBench.RunAsync("cert", "node", $"n{i}", "--ca", bench.At("ca"), "--out", bench.At($"tls{i}"), "--host", "127.0.0.1")).Code);
        var nodes = await bench.FoundAsync(node => ["--tls", bench.At("tls" + node.Name[1..])]);
        await nodes[0].PutAsync("kept", "yes");

        Wipe(nodes[2]);
        nodes[2].Start("--cluster", MembersOf(nodes), "--tls", bench.At("tls2"));
        Assert.Equal(1, await nodes[2].UntilEndedAsync());
        Assert.Contains("or with the certificate that names n3", nodes[2].Said, StringComparison.Ordinal);

        Wipe(nodes[2]);
        nodes[2].Start("--cluster", MembersOf(nodes), "--tls", bench.At("tls3"));
        await nodes[2].UntilServesAsync();
        Assert.Equal("yes", await nodes[2].GetAsync("kept"));
        await nodes[0].UntilAsync(async () => await VotersOfBothGroupsAsync(nodes[0]) == 6, "does not list three voters in both groups");
    }

    /// <summary>Of two nodes the one with the smaller id dials: one that was down while another joined does not know where to, and the newcomer that leads must make itself known.</summary>
    [Fact]
    public async Task A_node_that_was_down_while_another_joined_is_found_by_it_though_it_leads_everything()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        var ids = await NodeIdsAsync(nodes[0]);
        var down = nodes.MinBy(node => ids[node.Name], StringComparer.Ordinal)!;
        var up = nodes.Where(node => node != down).ToArray();
        down.Kill();
        await up[0].UntilServesAsync();
        var newcomer = bench.Add("n4");
        newcomer.Start("--join", up[0].Peer, "--token", await ServerBench.TokenAsync(up[0]));
        await newcomer.UntilServesAsync();
        foreach (var group in (int[])[0, 1]) await newcomer.UntilAsync(() => LeadsAfterTransferAsync(up, newcomer, group), $"does not come to lead group {group}");
        down.Start("--cluster", MembersOf(nodes));
        await down.UntilServesAsync();
    }

    private static async Task<Dictionary<string, string>> NodeIdsAsync(ServerProcess node)
    {
        using var http = new HttpClient();
        using var status = System.Text.Json.JsonDocument.Parse(await http.GetStringAsync($"http://{node.Endpoint}/holdfast/v1/status"));
        return status.RootElement.GetProperty("members").EnumerateArray().ToDictionary(member => member.GetProperty("name").GetString()!, member => member.GetProperty("node_id").GetString()!);
    }

    /// <summary>Asks whoever leads a group to hand it over; whether the wanted node leads it.</summary>
    private static async Task<bool> LeadsAfterTransferAsync(ServerProcess[] others, ServerProcess wanted, int group)
    {
        using var http = new HttpClient();
        using var status = System.Text.Json.JsonDocument.Parse(await http.GetStringAsync($"http://{wanted.Endpoint}/holdfast/v1/status"));
        if (status.RootElement.GetProperty("groups").EnumerateArray().Any(each => each.GetProperty("group").GetInt32() == group && each.GetProperty("role").GetString() == "leader")) return true;
        foreach (var other in others)
        {
            using var content = new StringContent($"{{\"group\":{group},\"node\":\"{wanted.Name}\"}}", System.Text.Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync($"http://{other.Endpoint}/holdfast/v1/transfer", content);
        }

        return false;
    }

    private static string MembersOf(ServerProcess[] nodes) => string.Join(',', nodes.Select(node => $"{node.Name}={node.Peer}"));

    private static void Wipe(ServerProcess node)
    {
        if (!node.HasExited) node.Kill();
        Directory.Delete(node.Data, recursive: true);
    }

    /// <summary>Six when both groups have three voters and no learner.</summary>
    private static async Task<int> VotersOfBothGroupsAsync(ServerProcess node)
    {
        using var http = new HttpClient();
        var status = System.Text.Json.JsonDocument.Parse(await http.GetStringAsync($"http://{node.Endpoint}/holdfast/v1/status")).RootElement;
        return status.GetProperty("groups").EnumerateArray().Sum(group => group.GetProperty("learners").GetArrayLength() == 0 ? group.GetProperty("voters").GetArrayLength() : 0);
    }
}
