using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Holdfast.Interop.Tests;

/// <summary>Mutual TLS between real processes, from the command line: founders with folders made offline, a joiner with a token (decision 0013).</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class TlsProcessesTests
{
    [Fact]
    public async Task Three_founders_over_tls_survive_kill_9_and_a_fourth_joins_with_a_token()
    {
        await using var bench = new ServerBench();
        var nodes = await FoundAsync(bench);
        await nodes[0].PutAsync("kept", "before");
        nodes[1].Kill();
        await nodes[0].UntilServesAsync();
        await nodes[2].PutAsync("kept", "after");

        // n2 signs no more; n1, which holds the authority's key, does, although n3 is asked.
        var token = await TokenAsync(nodes[2]);
        var fourth = bench.Add("n4");
        fourth.Start("--join", nodes[2].Peer, "--token", token);
        await fourth.UntilServesAsync();
        Assert.Equal("after", await fourth.GetAsync("kept"));
        var key = Path.Combine(fourth.Data, "tls", "node.key");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(fourth.Data));

        // Its certificate is kept: it comes back after a kill without a token.
        fourth.Kill();
        fourth.Start();
        await fourth.UntilServesAsync();
        nodes[1].Start(FlagsOf(bench, nodes[1], nodes));
        await nodes[1].UntilServesAsync();
        Assert.Equal("after", await nodes[1].GetAsync("kept"));
    }

    [Fact]
    public async Task A_peer_in_the_clear_and_one_of_another_authority_are_refused()
    {
        await using var bench = new ServerBench();
        var nodes = await FoundAsync(bench);

        // In the clear: not a byte comes back.
        using (var plain = new TcpClient())
        {
            await plain.ConnectAsync("127.0.0.1", int.Parse(nodes[0].Peer.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture));
            await plain.GetStream().WriteAsync(new byte[64]);
            var answer = new byte[64];
            var came = 0;
            try
            {
                came = await plain.GetStream().ReadAsync(answer);
            }
            catch (IOException)
            {
                // Reset: as good a refusal as the end of the stream.
            }

            Assert.True(came == 0 || answer[0] == 21, "a byte that is no TLS alert came back");
        }

        // Certificates of another cluster, and a token of this one: the joiner itself sees that they do not belong together.
        await AuthorityAsync(bench, "other");
        await NodeFolderAsync(bench, "other", "n9");
        var token = await TokenAsync(nodes[0]);
        var stranger = bench.Add("n9");
        stranger.Start("--join", nodes[0].Peer, "--token", token, "--tls", bench.At("other-n9"));
        Assert.Equal(1, await stranger.UntilEndedAsync());
        Assert.Contains("another authority", stranger.Said, StringComparison.Ordinal);

        // The same certificates on the wire: the handshake fails, at whichever side looks first.
        await AssertRefusedAsync(nodes[0], bench.At("other-n9"));
        await nodes[1].PutAsync("still", "here");
    }

    [Fact]
    public async Task A_token_of_another_cluster_does_not_show_its_secret_to_this_one()
    {
        await using var bench = new ServerBench();
        var nodes = await FoundAsync(bench);
        await AuthorityAsync(bench, "other");
        await NodeFolderAsync(bench, "other", "lone", "--signs");
        var lone = bench.Add("lone");
        lone.Start("--cluster", $"lone={lone.Peer}", "--tls", bench.At("other-lone"));
        await lone.UntilServesAsync();
        var joiner = bench.Add("n5");
        joiner.Start("--join", nodes[0].Peer, "--token", await TokenAsync(lone));
        Assert.Equal(1, await joiner.UntilEndedAsync());
        Assert.Contains("not of the authority in the token", joiner.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Certificates_are_taken_up_without_a_restart_and_bad_ones_are_not()
    {
        await using var bench = new ServerBench();
        var nodes = await FoundAsync(bench);
        await NodeFolderAsync(bench, "ca", "n1", "--signs", "--days", "30");
        await nodes[0].UntilSaysAsync("certificates_reloaded");
        await File.WriteAllTextAsync(bench.At("ca-n2", "node.pem"), "not a certificate");
        await nodes[1].UntilSaysAsync("certificates_kept");

        // Handshakes after the change: n3 comes back and both are its peers.
        nodes[2].Kill();
        nodes[2].Start(FlagsOf(bench, nodes[2], nodes));
        await nodes[2].UntilServesAsync();
        nodes[1].Kill();
        await nodes[2].UntilServesAsync();
    }

    [Fact]
    public async Task A_bind_beyond_loopback_needs_tls_or_insecure()
    {
        await using var bench = new ServerBench();
        var refused = await ServerBench.RunAsync("server", "--data", bench.At("open"), "--peer", "0.0.0.0:0", "--etcd", "127.0.0.1:0");
        Assert.Equal(2, refused.Code);
        Assert.Contains("neither TLS nor authentication", refused.Fault, StringComparison.Ordinal);
        Assert.Contains("--tls", refused.Fault, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.At("open")));

        await AuthorityAsync(bench, "ca");
        await NodeFolderAsync(bench, "ca", "n1");
        var secured = bench.Add("n1");
        secured.PeerBind = "0.0.0.0:0";
        secured.Start("--tls", bench.At("ca-n1"));
        await secured.UntilServesAsync();
    }

    [Fact]
    public async Task Certificates_that_do_not_fit_together_are_refused_at_start_with_the_reason()
    {
        await using var bench = new ServerBench();
        await AuthorityAsync(bench, "ca");
        await AuthorityAsync(bench, "other");
        await NodeFolderAsync(bench, "ca", "n1");
        File.Copy(bench.At("other", "ca.pem"), bench.At("ca-n1", "ca.pem"), overwrite: true);
        var mixed = await ServerBench.RunAsync("server", "--data", bench.At("n1"), "--etcd", "127.0.0.1:0", "--tls", bench.At("ca-n1"));
        Assert.Equal(1, mixed.Code);
        Assert.Contains("is not signed by the authority in", mixed.Fault, StringComparison.Ordinal);
        File.Delete(bench.At("ca-n1", "node.key"));
        var without = await ServerBench.RunAsync("server", "--data", bench.At("n1"), "--etcd", "127.0.0.1:0", "--tls", bench.At("ca-n1"));
        Assert.Equal(1, without.Code);
        Assert.Contains("node.key is missing", without.Fault, StringComparison.Ordinal);
    }

    private static async Task<ServerProcess[]> FoundAsync(ServerBench bench)
    {
        await AuthorityAsync(bench, "ca");
        for (var i = 1; i <= 3; i++) await NodeFolderAsync(bench, "ca", $"n{i}", i == 1 ? ["--signs"] : []);
        return await bench.FoundAsync(node => ["--tls", bench.At($"ca-{node.Name}")]);
    }

    private static string[] FlagsOf(ServerBench bench, ServerProcess node, ServerProcess[] founders) =>
        ["--cluster", string.Join(',', founders.Select(founder => $"{founder.Name}={founder.Peer}")), "--tls", bench.At($"ca-{node.Name}")];

    private static async Task AuthorityAsync(ServerBench bench, string folder) => await DoAsync("cert", "ca", "--out", bench.At(folder));

    private static async Task NodeFolderAsync(ServerBench bench, string authority, string name, params string[] more) =>
        await DoAsync(["cert", "node", name, "--ca", bench.At(authority), "--out", bench.At($"{authority}-{name}"), "--host", "127.0.0.1", .. more]);

    private static async Task<string> TokenAsync(ServerProcess node) => (await DoAsync("token", "--endpoints", node.Endpoint)).Trim();

    private static async Task<string> DoAsync(params string[] words)
    {
        var ended = await ServerBench.RunAsync(words);
        Assert.True(ended.Code == 0, $"holdfast {string.Join(' ', words)}: {ended.Fault}");
        return ended.Output;
    }

    private static async Task AssertRefusedAsync(ServerProcess node, string folder)
    {
        using var certificate = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "node.pem"), Path.Combine(folder, "node.key"));
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", int.Parse(node.Peer.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture));
        await using var stream = new SslStream(client.GetStream());
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "holdfast-peer",
                ClientCertificates = [certificate],
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
            });

            // TLS 1.3: a client hears of the refusal of its certificate when it reads.
            await stream.WriteAsync(new byte[64]);
            if (await stream.ReadAsync(new byte[64]) == 0) throw new IOException("closed");
        });
    }
}
