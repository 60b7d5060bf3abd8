using System.Diagnostics;
using System.Text.Json;

namespace Holdfast.Interop.Tests.Operating;

/// <summary>The verbs of an operator's second day, against real processes.</summary>
public sealed class OperatorVerbTests
{
    [Fact]
    public async Task Top_prints_a_line_per_node_and_look_into_a_pipe_and_shows_who_leads_and_who_is_down()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        var top = await ServerBench.RunAsync("top", "--endpoints", nodes[0].Endpoint, "--count", "2", "--interval", "200ms");
        Assert.True(top.Code == 0, top.Fault);
        var lines = top.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToArray();
        Assert.Equal(6, lines.Length);
        Assert.Equal(["n1", "n2", "n3", "n1", "n2", "n3"], lines.Select(line => line[0]));
        Assert.Equal(2, lines.Count(line => line[1] == "leader"));
        Assert.All(lines, line => Assert.Equal(10, line.Length));
        Assert.All(lines, line => Assert.EndsWith("MiB", line[7], StringComparison.Ordinal));
        nodes[2].Kill();
        var after = await ServerBench.RunAsync("top", "--endpoints", nodes[0].Endpoint, "-n", "1");
        Assert.Contains("n3\tdown", after.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await ServerBench.RunAsync("top", "--endpoints", nodes[0].Endpoint, "--interval", "soon")).Code);
    }

    [Fact]
    public async Task S4_a_lost_member_is_replaced_under_its_name_and_a_running_one_is_not()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        await nodes[0].PutAsync("kept", "yes");
        var alive = await ServerBench.RunAsync("member", "replace", "n3", "--endpoints", nodes[0].Endpoint);
        Assert.Equal(1, alive.Code);
        Assert.Contains("stop it first", alive.Fault, StringComparison.Ordinal);
        Assert.Equal(1, (await ServerBench.RunAsync("member", "replace", "nobody", "--endpoints", nodes[0].Endpoint)).Code);
        nodes[2].Kill();
        Directory.Delete(nodes[2].Data, recursive: true);

        string? token = "";
        await nodes[0].UntilAsync(async () => (token = (await ServerBench.RunAsync("member", "replace", "n3", "--endpoints", nodes[0].Endpoint)).Output.Trim()).Length > 0, "does not see that n3 is gone");

        // The same with --wait: it says what it waits for, and ends when the newcomer votes.
        using var waiting = Process.Start(ServerBench.Described(["member", "replace", "n3", "--wait", "--endpoints", nodes[0].Endpoint]))!;
        token = await waiting.StandardOutput.ReadLineAsync();
        var told = "";
        while (!told.Contains("nobody has come with the token yet", StringComparison.Ordinal)) told = await waiting.StandardError.ReadLineAsync() ?? throw new InvalidOperationException($"it ended without waiting: {told}");
        nodes[2].Start("--join", nodes[0].Peer, "--token", token!);
        told = await waiting.StandardError.ReadToEndAsync();
        await waiting.WaitForExitAsync();
        Assert.Equal(0, waiting.ExitCode);
        Assert.Contains("now and votes", told, StringComparison.Ordinal);
        await nodes[2].UntilServesAsync();
        Assert.Equal("yes", await nodes[2].GetAsync("kept"));
        await nodes[0].UntilAsync(async () =>
        {
            var rows = JsonDocument.Parse((await ServerBench.RunAsync("member", "list", "--endpoints", nodes[0].Endpoint, "-o", "json")).Output).RootElement.EnumerateArray().ToArray();
            return rows.Length == 3 && rows.All(row => row.GetProperty("role").GetString() == "voter");
        }, "does not count three voters");
        var added = await ServerBench.RunAsync("member", "add", "--endpoints", nodes[0].Endpoint);
        Assert.Equal(0, added.Code);
        Assert.Contains("--join " + nodes[0].Peer, added.Fault, StringComparison.Ordinal);
    }

    /// <summary>As the page of operations says it: a dead machine is taken out by its name, and the rest are a whole cluster.</summary>
    [Fact]
    public async Task A_node_that_leaves_is_out_of_every_group_and_a_dead_one_too()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        await nodes[0].PutAsync("kept", "yes");
        Assert.Equal(1, (await ServerBench.RunAsync("leave", "nobody", "--endpoints", nodes[0].Endpoint)).Code);

        nodes[2].Kill();
        var dead = await ServerBench.RunAsync("leave", "n3", "--endpoints", nodes[0].Endpoint);
        Assert.True(dead.Code == 0, dead.Fault);
        Assert.Contains("the removal has begun", dead.Output + dead.Fault, StringComparison.Ordinal);
        await nodes[0].UntilAsync(async () => await NamesAsync(nodes[0]) is ["n1", "n2"] && await VotersAsync(nodes[0]) == 2, "still counts n3");

        // Without a name the node that is asked goes, alive and well; what is left serves alone.
        var alive = await ServerBench.RunAsync("leave", "--endpoints", nodes[1].Endpoint);
        Assert.True(alive.Code == 0, alive.Fault);
        await nodes[0].UntilAsync(async () => await NamesAsync(nodes[0]) is ["n1"] && await VotersAsync(nodes[0]) == 1, "still counts n2");
        nodes[1].Kill();
        await nodes[0].PutAsync("alone", "yes");
        Assert.Equal("yes", await nodes[0].GetAsync("kept"));
    }

    [Fact]
    public async Task S12_recover_knows_the_names_of_members_that_joined_after_the_founding()
    {
        await using var bench = new ServerBench();
        var first = bench.Add("n1");
        first.Start();
        await first.UntilServesAsync();
        var later = new[] { bench.Add("n2"), bench.Add("n3") };
        foreach (var node in later)
        {
            var token = await ServerBench.TokenAsync(first);
            node.Start("--join", first.Peer, "--token", token);
            await node.UntilServesAsync();
        }

        await first.UntilAsync(async () => (await VotersAsync(first)) == 3, "does not count three voters");
        foreach (var node in later.Prepend(first)) node.Kill();
        var unsaid = await ServerBench.RunAsync("recover", "--data", first.Data, "--dry-run");
        Assert.Equal(1, unsaid.Code);
        Assert.Contains("--lost n2", unsaid.Fault, StringComparison.Ordinal);
        Assert.Contains("--lost n3", unsaid.Fault, StringComparison.Ordinal);
        var said = await ServerBench.RunAsync("recover", "--data", first.Data, "--lost", "n2", "--lost", "n3", "--dry-run");
        Assert.True(said.Code == 0, said.Fault);
    }

    [Fact]
    public async Task S12_force_new_cluster_makes_a_cluster_of_one_member_and_does_nothing_the_second_time()
    {
        await using var cluster = new EtcdFlagCluster();
        var all = cluster.InitialCluster(3);
        await Task.WhenAll(Enumerable.Range(0, 3).Select(member => cluster.StartAsync(member, all)));
        await cluster.EtcdctlAsync(0, "put", "kept", "yes");
        Assert.Equal("kept\nyes\n", await cluster.EtcdctlAsync(2, "get", "kept"));
        for (var member = 0; member < 3; member++) await cluster.KillAsync(member);

        await cluster.StartAsync(2, all, "new", "--force-new-cluster");
        Assert.Equal("kept\nyes\n", await cluster.EtcdctlAsync(2, "get", "kept"));
        Assert.Single((await cluster.EtcdctlAsync(2, "member", "list")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("OK\n", await cluster.EtcdctlAsync(2, "put", "alone", "yes"));
        await cluster.KillAsync(2);
        var again = await cluster.StartAsync(2, all, "new", "--force-new-cluster");
        Assert.Contains(again, line => line.Contains("the only voter already", StringComparison.Ordinal));
        Assert.Equal("alone\nyes\n", await cluster.EtcdctlAsync(2, "get", "alone"));
    }

    [Fact]
    public async Task A_node_without_the_coordination_role_votes_and_is_administered_and_sends_clients_on()
    {
        await using var bench = new ServerBench();
        var nodes = Enumerable.Range(1, 3).Select(i => bench.Add($"n{i}")).ToArray();
        var members = string.Join(',', nodes.Select(node => $"{node.Name}={node.Peer}"));
        foreach (var node in nodes) node.Start("--cluster", members, "--roles", node.Name == "n3" ? "none" : "coordination", "--zone", $"z-{node.Name}");
        await nodes[0].UntilServesAsync();
        await nodes[2].UntilSaysAsync("ready: ");
        Assert.False(await nodes[2].TryPutAsync("key", "value"));
        using var http = new HttpClient();
        var status = JsonDocument.Parse(await http.GetStringAsync($"http://{nodes[2].Endpoint}/holdfast/v1/status")).RootElement;
        Assert.Equal("none", status.GetProperty("roles").GetString());
        Assert.Empty(status.GetProperty("budgets").EnumerateArray());
        var served = JsonDocument.Parse(await http.GetStringAsync($"http://{nodes[0].Endpoint}/holdfast/v1/status")).RootElement;
        Assert.Equal("coordination", served.GetProperty("roles").GetString());
        var budget = Assert.Single(served.GetProperty("budgets").EnumerateArray());
        Assert.Equal((2147483648, "coordination"), (budget.GetProperty("memory_bytes_max").GetInt64(), budget.GetProperty("face").GetString()));

        // It votes: with another one gone the cluster goes on.
        nodes[1].Kill();
        await nodes[0].UntilServesAsync();
    }

    [Fact]
    public async Task Settings_of_backups_roles_and_budgets_are_checked_and_shown_with_their_origin()
    {
        var shown = await ServerBench.RunAsync("config", "show", "--origin", "--backup-dir", "/b", "--roles", "coordination,vectors");
        Assert.True(shown.Code == 0, shown.Fault);
        Assert.Matches(@"backup\.dir: /b +# flag --backup-dir", shown.Output);
        Assert.Matches(@"roles: coordination,vectors +# flag --roles", shown.Output);
        Assert.Matches(@"backup\.every: 6h +# default", shown.Output);
        var wrong = await ServerBench.RunAsync("server", "--data", "/d", "--backup-dir", "/d/backups", "--backup-every", "often", "--roles", "cook", "--memory", "1000");
        Assert.Equal(2, wrong.Code);
        foreach (var said in (string[])["lies in the data directory", "backup.every", "\"cook\" is no face", "which consensus needs alone"]) Assert.Contains(said, wrong.Fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status")]
    [InlineData("doctor")]
    [InlineData("top")]
    [InlineData("member list")]
    [InlineData("member add")]
    [InlineData("member promote")]
    [InlineData("member remove")]
    [InlineData("member replace")]
    [InlineData("backup status")]
    [InlineData("backup now")]
    [InlineData("backup list")]
    [InlineData("backup verify")]
    [InlineData("backup drill")]
    [InlineData("restore")]
    [InlineData("recover")]
    [InlineData("cert ca")]
    [InlineData("cert node")]
    [InlineData("config show")]
    [InlineData("token")]
    [InlineData("leave")]
    [InlineData("version")]
    public async Task Every_verb_of_an_operator_says_how_it_is_used(string verb)
    {
        var help = await ServerBench.RunAsync([.. verb.Split(' '), "--help"]);
        Assert.Equal(0, help.Code);
        Assert.Contains($"holdfast {verb}", help.Output, StringComparison.Ordinal);
    }

    /// <summary>None while nobody can say it.</summary>
    private static async Task<string[]> NamesAsync(ServerProcess node) =>
        await ServerBench.RunAsync("member", "list", "--endpoints", node.Endpoint, "-o", "json") is not { Code: 0 } list ? [] : [.. JsonDocument.Parse(list.Output).RootElement.EnumerateArray().Select(row => row.GetProperty("name").GetString()!).Order(StringComparer.Ordinal)];

    private static async Task<int> VotersAsync(ServerProcess node)
    {
        using var http = new HttpClient();
        var status = JsonDocument.Parse(await http.GetStringAsync($"http://{node.Endpoint}/holdfast/v1/status")).RootElement;
        return status.GetProperty("groups").EnumerateArray().Min(group => group.GetProperty("voters").GetArrayLength());
    }
}
