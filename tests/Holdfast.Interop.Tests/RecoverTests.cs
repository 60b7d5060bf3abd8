using Google.Protobuf;
using Grpc.Net.Client;
using Holdfast.Coordination.Protocol;

namespace Holdfast.Interop.Tests;

/// <summary>A majority's disks are gone for good: one survivor becomes a new cluster, by hand (S12).</summary>
public sealed class RecoverTests
{
    [Fact]
    public async Task S12_one_survivor_of_three_becomes_a_cluster_with_the_data_that_fences_the_old_members()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        for (var i = 0; i < 50; i++) await nodes[i % 3].PutAsync($"key{i}", $"value{i}");
        var revisionBefore = (await nodes[0].StatusAsync()).Header.Revision;
        foreach (var node in nodes) node.Kill();
        CopyFolder(nodes[1].Data, bench.At("zombie"));
        foreach (var gone in nodes[1..]) Directory.Delete(gone.Data, recursive: true);

        var unsaid = await ServerBench.RunAsync("recover", "--data", nodes[0].Data, "--dry-run");
        Assert.Equal(1, unsaid.Code);
        Assert.Contains("--lost n2", unsaid.Fault, StringComparison.Ordinal);
        Assert.Contains("--lost n3", unsaid.Fault, StringComparison.Ordinal);

        string[] words = ["recover", "--data", nodes[0].Data, "--lost", "n2", "--lost", "n3", "--out", bench.At("n1-new")];
        var dry = await ServerBench.RunAsync([.. words, "--dry-run"]);
        Assert.True(dry.Code == 0, dry.Fault);
        Assert.Contains("group 1: from", dry.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.At("n1-new")));

        // What an operator is shown of long work: the reading of the log and, of each group, the writing.
        var told = new List<string>();
        using (var recovery = new Holdfast.Cluster.DisasterRecovery([nodes[0].Data], told.Add)) recovery.Write(bench.At("aside"), ["n2", "n3"], acceptsDamage: false);
        Assert.Contains(told, line => line.StartsWith($"reading {nodes[0].Data}: 1 of ", StringComparison.Ordinal));
        Assert.Contains(told, line => line.StartsWith("group 1: ", StringComparison.Ordinal));
        var done = await ServerBench.RunAsync(words);
        Assert.True(done.Code == 0, done.Fault);

        Directory.Move(nodes[0].Data, bench.At("n1-old"));
        Directory.Move(bench.At("n1-new"), nodes[0].Data);
        nodes[0].Start();
        await nodes[0].UntilServesAsync();
        for (var i = 0; i < 50; i++) Assert.Equal($"value{i}", await nodes[0].GetAsync($"key{i}"));
        var status = await nodes[0].StatusAsync();
        Assert.True(status.Header.Revision >= revisionBefore + 1_000_000_000, $"revision {status.Header.Revision} does not lie beyond what lost nodes may have given after {revisionBefore}");
        await AssertResumingWatchMustReadAnewAsync(nodes[0].Endpoint, revisionBefore);

        // An old member comes back from the grave: it is of another cluster, serves no write, and is not let in.
        var token = (await ServerBench.RunAsync("token", "--endpoints", nodes[0].Endpoint)).Output.Trim();
        Directory.Move(bench.At("zombie"), nodes[1].Data);
        nodes[1].Start();
        await nodes[1].UntilSaysAsync("ready: ");
        Assert.False(await nodes[1].TryPutAsync("from", "the grave", secondsMax: 3));
        nodes[1].Kill();
        nodes[1].Start("--join", nodes[0].Peer, "--token", token);
        Assert.Equal(1, await nodes[1].UntilEndedAsync());
        Assert.Contains("this data directory belongs to cluster", nodes[1].Said, StringComparison.Ordinal);
        using var http = new HttpClient();
        var members = await http.GetStringAsync($"http://{nodes[0].Endpoint}/holdfast/v1/status");
        Assert.Contains("\"n1\"", members, StringComparison.Ordinal);
        Assert.DoesNotContain("\"n2\"", members, StringComparison.Ordinal);

        // A new node joins the recovered one, as on any cluster; and the recovered one restarts like any node.
        var fourth = bench.Add("n4");
        fourth.Start("--join", nodes[0].Peer, "--token", token);
        await fourth.UntilServesAsync();
        Assert.Equal("value49", await fourth.GetAsync("key49"));
        nodes[0].Kill();
        nodes[0].Start();
        await nodes[0].UntilServesAsync();
    }

    [Fact]
    public async Task S12_nothing_is_recovered_while_a_majority_is_there_or_a_node_runs_on_the_directory()
    {
        await using var bench = new ServerBench();
        var nodes = await bench.FoundAsync();
        var running = await ServerBench.RunAsync("recover", "--data", nodes[0].Data, "--dry-run");
        Assert.Equal(1, running.Code);
        Assert.Contains("is in use by process", running.Fault, StringComparison.Ordinal);
        foreach (var node in nodes) node.Kill();
        var majority = await ServerBench.RunAsync("recover", "--data", nodes[0].Data, "--data", nodes[1].Data, "--lost", "n3", "--dry-run");
        Assert.Equal(1, majority.Code);
        Assert.Contains("start those nodes, and nothing at all is lost", majority.Fault, StringComparison.Ordinal);
    }

    private static async Task AssertResumingWatchMustReadAnewAsync(string endpoint, long revision)
    {
        using var channel = GrpcChannel.ForAddress($"http://{endpoint}");
        using var stream = new Watch.WatchClient(channel).Watch(deadline: Patient.Deadline);
        await stream.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = ByteString.CopyFromUtf8("key0"), StartRevision = revision } });
        while (await stream.ResponseStream.MoveNext(CancellationToken.None))
        {
            if (!stream.ResponseStream.Current.Canceled) continue;
            Assert.True(stream.ResponseStream.Current.CompactRevision > revision);
            return;
        }

        Assert.Fail("the watch was not cancelled as compacted");
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var folder in Directory.GetDirectories(from, "*", SearchOption.AllDirectories).Prepend(from)) Directory.CreateDirectory(to + folder[from.Length..]);
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories)) File.Copy(file, to + file[from.Length..]);
    }
}
