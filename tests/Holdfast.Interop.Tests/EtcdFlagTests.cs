using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Holdfast.Interop.Tests;

/// <summary>holdfast etcd in the place of etcd, and the clients that people use.</summary>
public sealed partial class EtcdFlagTests
{
    [Fact]
    public async Task Three_members_start_as_etcd_does_and_etcdctl_finds_no_difference()
    {
        await using var cluster = new EtcdFlagCluster();
        string[] everyday =
        [
            "--snapshot-count=10000", "--heartbeat-interval", "100", "--election-timeout", "1000", "--strict-reconfig-check", "-auth-token", "simple", "--logger=zap", "--enable-v2=false",
            "--quota-backend-bytes", "8589934592", "--auto-compaction-mode", "revision", "--auto-compaction-retention", "1000", "--max-concurrent-streams", "1000", "--listen-metrics-urls", cluster.Client(4),
        ];
        var all = cluster.InitialCluster(3);
        var said = await Task.WhenAll(cluster.StartAsync(0, all), cluster.StartByVariablesAsync(1, all), cluster.StartAsync(2, all, "new", everyday));
        Assert.Contains(said[2], line => line.Contains("--election-timeout has no effect", StringComparison.Ordinal));
        foreach (var lines in said)
        {
            Assert.Contains(lines, line => line.Contains("enabled capabilities for version 3.6", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.Contains("ready to serve client requests", StringComparison.Ordinal));
            Assert.Contains(lines, line => line.Contains("published {Name:infra", StringComparison.Ordinal));
        }

        using var http = new HttpClient();
        Assert.Contains("etcd_server_has_leader 1", await http.GetStringAsync(cluster.Client(4) + "/metrics"), StringComparison.Ordinal);
        for (var member = 0; member < 3; member++) Assert.Equal("OK\n", await cluster.EtcdctlAsync(member, "put", $"key{member}", "value"));
        var list = await cluster.EtcdctlAsync(0, "member", "list");
        for (var member = 0; member < 3; member++) Assert.Contains($", started, infra{member}, {cluster.Peer(member)}, {cluster.Client(member)}, false", list, StringComparison.Ordinal);
        Assert.Equal(3, Lines(await cluster.EtcdctlAsync(0, "endpoint", "status", "--cluster")).Length);

        // Equal at an equal revision, on all members (R1.13 aside, etcdctl's own check for divergence).
        var revision = RevisionOf(await cluster.EtcdctlAsync(0, "get", "key0", "--write-out=json"));
        var hashes = Lines(await cluster.EtcdctlAsync(1, "endpoint", "hashkv", "--cluster", "--rev", revision)).Select(line => line.Split(", ")[1]).ToArray();
        Assert.Equal(3, hashes.Length);
        Assert.Single(hashes.Distinct());

        // The remaining time of a lease, from every member: only the leader's clock runs.
        var lease = (await cluster.EtcdctlAsync(0, "lease", "grant", "600")).Split(' ')[1];
        await Patient.UntilAsync(async () =>
        {
            for (var member = 0; member < 3; member++)
                if (!int.TryParse(Remaining().Match(await cluster.EtcdctlAsync(member, "lease", "timetolive", lease)).Groups[1].Value, CultureInfo.InvariantCulture, out var left) || left >= 600) return false;
            return true;
        }, () => "a member does not tell the lease's remaining time", TimeSpan.FromMilliseconds(200));

        // Leadership goes to whom it is handed; only the leader takes the order, so etcdctl is told all.
        var other = Lines(await cluster.EtcdctlAsync(0, "endpoint", "status", "--cluster")).First(line => line.Contains(", false, false,", StringComparison.Ordinal)).Split(", ")[1];
        var everyone = string.Join(',', Enumerable.Range(0, 3).Select(cluster.Client));
        var moved = await EtcdFlagCluster.RunAsync("etcdctl", new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }, "--endpoints", everyone, "move-leader", other);
        Assert.Contains($"Leadership transferred from", moved, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_is_added_with_etcdctl_started_as_existing_and_removed()
    {
        await using var cluster = new EtcdFlagCluster();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(member => cluster.StartAsync(member, cluster.InitialCluster(3))));
        await cluster.EtcdctlAsync(0, "put", "before", "yes");
        var added = await cluster.EtcdctlAsync(1, "member", "add", "infra3", $"--peer-urls={cluster.Peer(3)}");
        Assert.Contains("ETCD_INITIAL_CLUSTER_STATE=\"existing\"", added, StringComparison.Ordinal);
        Assert.Contains($", unstarted, , {cluster.Peer(3)}, , false", await cluster.EtcdctlAsync(2, "member", "list"), StringComparison.Ordinal);
        await cluster.StartAsync(3, cluster.InitialCluster(4), "existing");
        Assert.Equal("before\nyes\n", await cluster.EtcdctlAsync(3, "get", "before"));
        var joined = Lines(await cluster.EtcdctlAsync(3, "member", "list")).Single(line => line.Contains(", infra3, ", StringComparison.Ordinal));
        Assert.Equal(4, Lines(await cluster.EtcdctlAsync(3, "member", "list")).Length);
        await Patient.UntilAsync(async () => Lines(await cluster.EtcdctlAsync(0, "member", "list")).Single(line => line.Contains(", infra3, ", StringComparison.Ordinal)).EndsWith(", false", StringComparison.Ordinal), () => "the joiner is no voter", TimeSpan.FromMilliseconds(200));
        await cluster.EtcdctlAsync(0, "member", "remove", joined.Split(',')[0]);
        await Patient.UntilAsync(async () => Lines(await cluster.EtcdctlAsync(0, "member", "list")).Length == 3, () => "the removed member is still listed", TimeSpan.FromMilliseconds(200));
        Assert.Equal("OK\n", await cluster.EtcdctlAsync(0, "put", "after", "yes"));
    }

    /// <summary>As tools do it (kubeadm joins so): the id that the addition was answered with is the only one they know.</summary>
    [Fact]
    public async Task A_learner_waits_until_it_is_promoted_by_the_id_that_it_was_added_under()
    {
        await using var cluster = new EtcdFlagCluster();
        await Task.WhenAll(Enumerable.Range(0, 3).Select(member => cluster.StartAsync(member, cluster.InitialCluster(3))));
        await cluster.EtcdctlAsync(0, "put", "before", "yes");
        var id = (await cluster.EtcdctlAsync(0, "member", "add", "infra3", "--learner", $"--peer-urls={cluster.Peer(3)}")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        Assert.Contains($", unstarted, , {cluster.Peer(3)}, , true", await cluster.EtcdctlAsync(1, "member", "list"), StringComparison.Ordinal);
        Assert.Contains("can only promote a learner member which is in sync with leader", await FailedAsync(cluster, "member", "promote", id), StringComparison.Ordinal);
        Assert.Contains("too many learner members in cluster", await FailedAsync(cluster, "member", "add", "infra4", "--learner", $"--peer-urls={cluster.Peer(4)}"), StringComparison.Ordinal);
        await cluster.StartAsync(3, cluster.InitialCluster(4), "existing");
        Assert.Equal("before\nyes\n", await cluster.EtcdctlAsync(3, "get", "before"));

        // It has everything and still does not vote: a member that came after it does.
        await cluster.EtcdctlAsync(0, "member", "add", "infra4", $"--peer-urls={cluster.Peer(4)}");
        await cluster.StartAsync(4, cluster.InitialCluster(5), "existing");
        await Patient.UntilAsync(async () => await RowAsync(cluster, "infra4") is { } row && row.EndsWith(", false", StringComparison.Ordinal), () => "the voter does not vote", TimeSpan.FromMilliseconds(200));
        Assert.EndsWith(", true", await RowAsync(cluster, "infra3"), StringComparison.Ordinal);
        Assert.Contains("too many learner members in cluster", await FailedAsync(cluster, "member", "add", "infra5", "--learner", "--peer-urls=http://127.0.0.1:9"), StringComparison.Ordinal);

        // In sync within a moment, promoted by the place's id; asked again, it is done; by its own id it is no learner any more.
        await Patient.UntilAsync(async () => await PromotedAsync(cluster, id), () => "the learner is not promoted", TimeSpan.FromMilliseconds(200));
        Assert.EndsWith(", false", await RowAsync(cluster, "infra3"), StringComparison.Ordinal);
        Assert.True(await PromotedAsync(cluster, id));
        var own = (await RowAsync(cluster, "infra3"))!.Split(',')[0];
        Assert.NotEqual(id, own);
        Assert.Contains("can only promote a learner member", await FailedAsync(cluster, "member", "promote", own), StringComparison.Ordinal);
        await cluster.EtcdctlAsync(0, "member", "remove", id);
        await Patient.UntilAsync(async () => await RowAsync(cluster, "infra3") is null, () => "the removed member is still listed", TimeSpan.FromMilliseconds(200));
        Assert.Equal("OK\n", await cluster.EtcdctlAsync(0, "put", "after", "yes"));
    }

    [Fact]
    public async Task A_learner_is_promoted_by_name_with_our_own_command()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        await cluster.EtcdctlAsync(0, "member", "add", "infra1", "--learner", $"--peer-urls={cluster.Peer(1)}");
        await cluster.StartAsync(1, cluster.InitialCluster(2), "existing");
        await Patient.UntilAsync(async () => (await EtcdFlagCluster.EndedAsync("member", "promote", "infra1", "--endpoints", cluster.Client(0))).Code == 0, () => "the learner is not promoted", TimeSpan.FromMilliseconds(200));
        Assert.EndsWith(", false", await RowAsync(cluster, "infra1"), StringComparison.Ordinal);
        var (said, code) = await EtcdFlagCluster.EndedAsync("member", "promote", "infra1", "--endpoints", cluster.Client(0));
        Assert.NotEqual(0, code);
        Assert.Contains("can only promote a learner member", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_reserved_place_can_be_given_up_and_nobody_else_takes_it()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        var added = await cluster.EtcdctlAsync(0, "member", "add", "infra1", $"--peer-urls={cluster.Peer(1)}");
        var id = added.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        await cluster.EtcdctlAsync(0, "member", "remove", id);
        Assert.Single(Lines(await cluster.EtcdctlAsync(0, "member", "list")));
        var stranger = await Assert.ThrowsAsync<InvalidOperationException>(() => cluster.StartAsync(1, cluster.InitialCluster(2), "existing"));
        Assert.Contains("does not admit this node", stranger.Message, StringComparison.Ordinal);

        // What a member is asked to promote is one already; an address that is another's is refused, a new one is shown.
        var self = Lines(await cluster.EtcdctlAsync(0, "member", "list"))[0].Split(',')[0];
        Assert.Contains("can only promote a learner member", await FailedAsync(cluster, "member", "promote", self), StringComparison.Ordinal);
        Assert.Contains("Peer URLs already exists", await FailedAsync(cluster, "member", "add", "infra1", $"--peer-urls={cluster.Peer(0)}"), StringComparison.Ordinal);
        Assert.Contains("re-configuration failed due to not enough started members", await FailedAsync(cluster, "member", "remove", self), StringComparison.Ordinal);
        await cluster.EtcdctlAsync(0, "member", "update", self, $"--peer-urls={cluster.Peer(2)}");
        Assert.Contains($", {cluster.Peer(2)}, ", await cluster.EtcdctlAsync(0, "member", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Members_make_their_own_certificates_and_metrics_stay_in_the_clear_without_the_keyspace()
    {
        await using var cluster = new EtcdFlagCluster { Scheme = "https" };
        var metrics = "http://127.0.0.1:" + cluster.ClientPort(4);
        string[] auto = ["--auto-tls", "--peer-auto-tls"];
        var all = cluster.InitialCluster(3);
        await Task.WhenAll(cluster.StartAsync(0, all, "new", auto), cluster.StartAsync(1, all, "new", auto), cluster.StartAsync(2, all, "new", [.. auto, "--listen-metrics-urls", metrics]));
        for (var member = 0; member < 3; member++) Assert.Equal("OK\n", await cluster.EtcdctlAsync(member, "put", $"key{member}", "value"));
        Assert.Contains($", started, infra1, {cluster.Peer(1)}, {cluster.Client(1)}, false", await cluster.EtcdctlAsync(0, "member", "list"), StringComparison.Ordinal);

        // Who is given a member's certificate knows that it is this member.
        var certificate = Path.Combine(cluster.Data(1), "fixtures", "client", "cert.pem");
        Assert.Equal("key0\nvalue\n", await EtcdFlagCluster.RunAsync("etcdctl", new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }, "--endpoints", cluster.Client(1), "--cacert", certificate, "get", "key0"));
        await Assert.ThrowsAnyAsync<Exception>(() => EtcdFlagCluster.RunAsync("etcdctl", new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }, "--endpoints", cluster.Client(2), "--cacert", certificate, "get", "key0"));

        using var http = new HttpClient();
        Assert.Contains("etcd_server_has_leader 1", await http.GetStringAsync(metrics + "/metrics"), StringComparison.Ordinal);
        Assert.Contains("\"health\":\"true\"", await http.GetStringAsync(metrics + "/health"), StringComparison.Ordinal);
        foreach (var path in (string[])["/v3/kv/range", "/holdfast/v1/status", "/etcdserverpb.KV/Range"])
            Assert.Equal(System.Net.HttpStatusCode.NotFound, (await http.PostAsync(metrics + path, new StringContent("{\"key\":\"a2V5MA==\"}"))).StatusCode);
    }

    /// <summary>Under --peer-auto-tls whoever shows a certificate is let speak, and one that names a member proves nothing.</summary>
    [Fact]
    public async Task S4_where_certificates_prove_nothing_a_wiped_member_is_refused_whatever_its_certificate_says()
    {
        await using var cluster = new EtcdFlagCluster { Scheme = "https" };
        string[] auto = ["--auto-tls", "--peer-auto-tls"];
        var all = cluster.InitialCluster(3);
        await Task.WhenAll(cluster.StartAsync(0, all, "new", auto), cluster.StartAsync(1, all, "new", auto), cluster.StartAsync(2, all, "new", auto));
        await cluster.KillAsync(2);
        Directory.Delete(cluster.Data(2), recursive: true);
        var peer = Directory.CreateDirectory(Path.Combine(cluster.Data(2), "fixtures", "peer")).FullName;
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var request = new CertificateRequest("CN=infra2", key, HashAlgorithmName.SHA256);
            using var forged = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
            await File.WriteAllTextAsync(Path.Combine(peer, "cert.pem"), forged.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(peer, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        }

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => cluster.StartAsync(2, all, "new", auto));
        Assert.Contains("a wiped node proves who it is before it comes back (S4)", refused.Message, StringComparison.Ordinal);
        Assert.Equal("OK\n", await cluster.EtcdctlAsync(0, "put", "two", "go on"));
    }

    [Fact]
    public async Task Unknown_flags_are_refused_with_a_suggestion_and_unsafe_ones_with_a_reason()
    {
        var (said, code) = await EtcdFlagCluster.EndedAsync("etcd", "--listen-client-url", "http://127.0.0.1:0", "--client-crl-file=x.pem", "--auto-compaction-mode=revision", "--auto-compaction-retention=1h");
        Assert.Equal(2, code);
        Assert.Contains("--listen-client-url: etcd has no such flag, or this program does not know it; did you mean --listen-client-urls?", said, StringComparison.Ordinal);
        Assert.Contains("--client-crl-file: revocation lists are not offered; issue short-lived certificates", said, StringComparison.Ordinal);
        Assert.Contains("--auto-compaction-retention: \"1h\" is no retention in mode revision", said, StringComparison.Ordinal);
        Assert.StartsWith("etcd Version: 3.6.0\n", (await EtcdFlagCluster.EndedAsync("etcd", "--version")).Said, StringComparison.Ordinal);
    }

    /// <summary>kube-apiserver's integration tests and controller-runtime's envtest leave the peer port to the system and ask for no fsync.</summary>
    [Fact]
    public async Task It_starts_as_test_environments_start_etcd_and_takes_requests_as_large_as_it_was_told()
    {
        const int valueBytes = 9 * 1024 * 1024;
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1), "new", "--listen-peer-urls=http://127.0.0.1:0", "--unsafe-no-fsync", "--max-request-bytes=10485760", "--quota-backend-bytes=-1");
        using var http = new HttpClient();
        using var put = await http.PostAsync($"{cluster.Client(0)}/v3/kv/put", new StringContent($"{{\"key\":\"YQ==\",\"value\":\"{Convert.ToBase64String(new byte[valueBytes])}\"}}"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);
        using var range = await http.PostAsync($"{cluster.Client(0)}/v3/kv/range", new StringContent("{\"key\":\"YQ==\"}"), TestContext.Current.CancellationToken);
        using var found = JsonDocument.Parse(await range.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(valueBytes, found.RootElement.GetProperty("kvs")[0].GetProperty("value").GetBytesFromBase64().Length);
    }

    [Fact]
    public async Task The_python_client_finds_no_difference()
    {
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        Assert.EndsWith("all passed\n", await EtcdFlagCluster.RunAsync("/usr/bin/python3", new Dictionary<string, string>(), Script("python_etcd3.py"), Port(cluster)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_node_client_finds_no_difference()
    {
        var modules = Path.Combine(Root(), "artifacts", "npm", "node_modules");
        Assert.True(Directory.Exists(Path.Combine(modules, "etcd3")), "npm's etcd3 is missing: npm install --prefix artifacts/npm etcd3@1.1.2 (./test does it)");
        await using var cluster = new EtcdFlagCluster();
        await cluster.StartAsync(0, cluster.InitialCluster(1));
        Assert.EndsWith("all passed\n", await EtcdFlagCluster.RunAsync("node", new Dictionary<string, string> { ["NODE_PATH"] = modules }, Script("npm_etcd3.js"), Port(cluster)), StringComparison.Ordinal);
    }

    /// <summary>A member's line in etcdctl's list; null when it is not there.</summary>
    private static async Task<string?> RowAsync(EtcdFlagCluster cluster, string name) =>
        Lines(await cluster.EtcdctlAsync(0, "member", "list")).SingleOrDefault(line => line.Contains($", {name}, ", StringComparison.Ordinal));

    private static async Task<bool> PromotedAsync(EtcdFlagCluster cluster, string id)
    {
        try
        {
            return (await cluster.EtcdctlAsync(0, "member", "promote", id)).Contains("promoted in cluster", StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false; // Not in sync yet.
        }
    }

    private static async Task<string> FailedAsync(EtcdFlagCluster cluster, params string[] words) =>
        (await Assert.ThrowsAnyAsync<Exception>(() => cluster.EtcdctlAsync(0, words))).Message;

    private static string Port(EtcdFlagCluster cluster) => cluster.ClientPort(0).ToString(CultureInfo.InvariantCulture);

    private static string Script(string name) => Path.Combine(Root(), "tests", "Holdfast.Interop.Tests", "Clients", name);

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Holdfast.slnx"))) folder = folder.Parent ?? throw new InvalidOperationException("the repository's root is not above the tests");
        return folder.FullName;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string RevisionOf(string json) => Regex.Match(json, "\"revision\":([0-9]+)").Groups[1].Value;

    [GeneratedRegex(@"remaining\(([0-9]+)s\)")]
    private static partial Regex Remaining();
}
