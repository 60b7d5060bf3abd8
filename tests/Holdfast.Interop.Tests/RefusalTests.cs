namespace Holdfast.Interop.Tests;

/// <summary>What a node refuses to start on, with the real program: each refusal says why, and what to do.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RefusalTests
{
    [Fact]
    public async Task A_torn_identity_file()
    {
        await using var bench = new ServerBench();
        var node = await StoppedAsync(bench);
        var identity = Path.Combine(node.Data, "identity");
        File.WriteAllBytes(identity, File.ReadAllBytes(identity)[..20]);
        await AssertRefusedAsync(node, "The identity file in", "is damaged", "Restore it from a backup");
    }

    [Fact]
    public async Task A_torn_genesis_file()
    {
        await using var bench = new ServerBench();
        var node = await StoppedAsync(bench);
        Flip(Path.Combine(node.Data, "genesis"), 20);
        await AssertRefusedAsync(node, "the file genesis is damaged", "start with an empty one and a join token");
    }

    [Theory]
    [InlineData("identity", 0)]
    [InlineData("genesis", 4)]
    public async Task A_directory_of_a_newer_format(string file, int versionAt)
    {
        await using var bench = new ServerBench();
        var node = await StoppedAsync(bench);
        var path = Path.Combine(node.Data, file);
        var bytes = File.ReadAllBytes(path);
        bytes[versionAt] = 9;
        File.WriteAllBytes(path, bytes);
        await AssertRefusedAsync(node, "9", "newer");
    }

    [Fact]
    public async Task A_directory_that_another_process_uses()
    {
        await using var bench = new ServerBench();
        var node = bench.Add("n1");
        node.Start();
        await node.UntilServesAsync();
        var second = await ServerBench.RunAsync("server", "--data", node.Data, "--etcd", "127.0.0.1:0");
        Assert.Equal(1, second.Code);
        Assert.Contains("is in use by process", second.Fault, StringComparison.Ordinal);
        Assert.Contains("give --data another directory", second.Fault, StringComparison.Ordinal);
        await node.PutAsync("undisturbed", "yes");
    }

    [Fact]
    public async Task A_directory_of_another_node()
    {
        await using var bench = new ServerBench();
        var node = await StoppedAsync(bench);
        var other = await ServerBench.RunAsync("server", "--name", "n2", "--data", node.Data, "--etcd", "127.0.0.1:0");
        Assert.Equal(1, other.Code);
        Assert.Contains("belongs to node 'n1', not to 'n2'", other.Fault, StringComparison.Ordinal);
        Assert.Contains("Start with --name n1", other.Fault, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_with_the_genesis_or_the_log_of_another_cluster()
    {
        await using var bench = new ServerBench();
        var (one, two) = (await StoppedAsync(bench), await StoppedAsync(bench, "n2"));
        var genesis = File.ReadAllBytes(Path.Combine(one.Data, "genesis"));
        File.Copy(Path.Combine(two.Data, "genesis"), Path.Combine(one.Data, "genesis"), overwrite: true);
        await AssertRefusedAsync(one, "belongs to cluster", "give --data an empty directory");

        File.WriteAllBytes(Path.Combine(one.Data, "genesis"), genesis);
        Directory.Delete(Path.Combine(one.Data, "wal"), recursive: true);
        Directory.Move(Path.Combine(two.Data, "wal"), Path.Combine(one.Data, "wal"));
        await AssertRefusedAsync(one, "The write-ahead log belongs to cluster", "Start the node with the data directory that belongs to it");
    }

    [Fact] // (S4, S8)
    public async Task A_directory_whose_log_is_gone()
    {
        await using var bench = new ServerBench();
        var node = await StoppedAsync(bench);
        Directory.Delete(Path.Combine(node.Data, "wal"), recursive: true);
        await AssertRefusedAsync(node, "the write-ahead log is gone", "holdfast recover");
        await AssertRefusedAsync(node, "the write-ahead log is gone"); // Nothing was begun by the first refusal.
    }

    [Fact] // (S8)
    public async Task Rot_in_the_log_of_a_node_that_nobody_can_repair()
    {
        await using var bench = new ServerBench();
        var node = bench.Add("n1");
        node.Start();
        await node.UntilServesAsync();
        await node.PutAsync("rotten", "this value will not be readable");
        for (var i = 0; i < 20; i++) await node.PutAsync($"later{i}", "acknowledged");
        node.Kill();
        var rotted = 0;
        foreach (var segment in Directory.GetFiles(Path.Combine(node.Data, "wal")))
        {
            var at = File.ReadAllBytes(segment).AsSpan().IndexOf("this value will not"u8);
            if (at < 0) continue;
            Flip(segment, at);
            rotted++;
        }

        Assert.Equal(1, rotted);
        await AssertRefusedAsync(node, "the log of group 1 is damaged", "only voter", "holdfast recover");
        var dry = await ServerBench.RunAsync("recover", "--data", node.Data, "--dry-run");
        Assert.Equal(1, dry.Code);
        Assert.Contains("--accept-damage", dry.Fault, StringComparison.Ordinal);
        var accepted = await ServerBench.RunAsync("recover", "--data", node.Data, "--accept-damage", "--dry-run");
        Assert.True(accepted.Code == 0, accepted.Fault);
    }

    [Fact]
    public async Task An_unknown_flag_and_all_faults_of_the_settings_at_once()
    {
        await using var bench = new ServerBench();
        var unknown = await ServerBench.RunAsync("server", "--data", bench.At("none"), "--peeer", "127.0.0.1:1");
        Assert.NotEqual(0, unknown.Code);
        Assert.Contains("--peeer", unknown.Fault, StringComparison.Ordinal);
        var faulty = await ServerBench.RunAsync("server", "--data", bench.At("none"), "--name", "a b", "--etcd", "nowhere", "--peer", "0.0.0.0:1", "--tls", bench.At("missing"), "--log-format", "xml");
        Assert.Equal(2, faulty.Code);
        foreach (var key in (string[])["name (flag --name)", "etcd.listen (flag --etcd)", "peer.tls (flag --tls)", "log.format (flag --log-format)"])
            Assert.Contains(key, faulty.Fault, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.At("none")));
    }

    [Fact]
    public async Task Files_that_other_users_can_open_are_warned_of()
    {
        await using var bench = new ServerBench();
        Assert.Equal(0, (await ServerBench.RunAsync("cert", "ca", "--out", bench.At("ca"))).Code);
        Assert.Equal(0, (await ServerBench.RunAsync("cert", "node", "n1", "--ca", bench.At("ca"), "--out", bench.At("tls"))).Code);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(bench.At("ca", "ca.key")));
        File.SetUnixFileMode(bench.At("tls", "node.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        var node = bench.Add("n1");
        Directory.CreateDirectory(node.Data, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        node.Start("--tls", bench.At("tls"));
        await node.UntilServesAsync();
        await node.UntilSaysAsync($"chmod 700 {node.Data}");
        await node.UntilSaysAsync($"chmod 600 {bench.At("tls", "node.key")}");
    }

    private static async Task<ServerProcess> StoppedAsync(ServerBench bench, string name = "n1")
    {
        var node = bench.Add(name);
        node.Start();
        await node.UntilServesAsync();
        node.Kill();
        return node;
    }

    private static async Task AssertRefusedAsync(ServerProcess node, params string[] sentences)
    {
        var ended = await ServerBench.RunAsync("server", "--name", node.Name, "--data", node.Data, "--etcd", node.Endpoint, "--peer", node.Peer);
        Assert.True(ended.Code == 1, $"exit {ended.Code}: {ended.Fault}");
        foreach (var sentence in sentences) Assert.Contains(sentence, ended.Fault, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Fault, StringComparison.Ordinal); // A sentence, not a stack.
    }

    private static void Flip(string path, int at)
    {
        var bytes = File.ReadAllBytes(path);
        bytes[at] ^= 0x40;
        File.WriteAllBytes(path, bytes);
    }
}
