using System.Diagnostics;
using System.Net.Security;
using System.Text.RegularExpressions;
using Holdfast.Interop.Tests.Operating;
using Holdfast.Server.Configuration;
using Holdfast.Server.Etcd;

namespace Holdfast.Interop.Tests;

/// <summary>What becomes of etcd's flags before anything runs.</summary>
public sealed partial class EtcdPlanTests
{
    /// <summary>Flags of etcd 3.6 that 3.4 has not.</summary>
    private static readonly string[] New36 =
    [
        "listen-client-http-urls", "socket-reuse-port", "socket-reuse-address", "raft-read-timeout", "raft-write-timeout", "discovery-token", "discovery-endpoints", "discovery-dial-timeout",
        "discovery-request-timeout", "discovery-keepalive-time", "discovery-keepalive-timeout", "discovery-insecure-transport", "discovery-insecure-skip-tls-verify", "discovery-cert", "discovery-key",
        "discovery-cacert", "discovery-user", "discovery-password", "v2-deprecation", "client-cert-file", "client-key-file", "peer-client-cert-file", "peer-client-key-file", "self-signed-cert-validity",
        "tls-min-version", "tls-max-version", "enable-log-rotation", "log-rotation-config-json", "log-format", "warning-unary-request-duration", "enable-distributed-tracing", "distributed-tracing-address",
        "distributed-tracing-service-name", "distributed-tracing-instance-id", "distributed-tracing-sampling-rate", "initial-corrupt-check", "corrupt-check-time", "compact-hash-check-enabled",
        "compact-hash-check-time", "compaction-batch-limit", "compaction-sleep-interval", "peer-skip-client-san-verification", "watch-progress-notify-interval", "warning-apply-duration",
        "bootstrap-defrag-threshold-megabytes", "max-learners", "memory-mlock", "downgrade-check-time", "snapshot-catchup-entries", "feature-gates", "unsafe-no-fsync", "config-file", "backend-bbolt-freelist-type",
    ];

    /// <summary>Names of 3.5 that 3.6 has renamed and still takes, one that 3.4 takes and does not list, and one of 3.7.</summary>
    private static readonly string[] Elsewhere =
    [
        "experimental-initial-corrupt-check", "experimental-corrupt-check-time", "experimental-compact-hash-check-enabled", "experimental-compact-hash-check-time", "experimental-enable-v2v3",
        "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist", "experimental-compaction-batch-limit", "experimental-compaction-sleep-interval",
        "experimental-peer-skip-client-san-verification", "experimental-watch-progress-notify-interval", "experimental-warning-apply-duration", "experimental-warning-unary-request-duration",
        "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer", "experimental-bootstrap-defrag-threshold-megabytes", "experimental-max-learners",
        "experimental-enable-distributed-tracing", "experimental-distributed-tracing-address", "experimental-distributed-tracing-service-name", "experimental-distributed-tracing-instance-id",
        "experimental-distributed-tracing-sampling-rate", "experimental-snapshot-catchup-entries", "experimental-downgrade-check-time", "experimental-backend-bbolt-freelist-type",
        "experimental-stop-grpc-service-on-defrag", "experimental-set-member-localaddr", "log-output", "disable-log-sampling",
    ];

    [Fact]
    public async Task Every_flag_of_the_installed_etcd_and_of_3_6_is_known()
    {
        using var help = Process.Start(new ProcessStartInfo("etcd", ["--help"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var fault = help.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var said = await help.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken) + await fault;
        await help.WaitForExitAsync(TestContext.Current.CancellationToken);
        var flags = FlagInHelp().Matches(said).Select(match => match.Groups[1].Value).Concat(New36).Concat(Elsewhere).ToHashSet(StringComparer.Ordinal);
        Assert.True(flags.Count > 100, $"only {flags.Count} flags were found in: {said}");
        Assert.DoesNotContain(flags, flag => EtcdFlags.Find(flag) is null);
    }

    [Fact]
    public void No_flag_stands_twice_and_each_has_its_sentence()
    {
        Assert.Empty(EtcdFlags.All.GroupBy(flag => flag.Name).Where(group => group.Count() > 1).Select(group => group.Key));
        Assert.All(EtcdFlags.All, flag => Assert.NotEqual("", flag.Why));
    }

    [Fact]
    public void The_manuals_table_is_the_programs()
    {
        var page = File.ReadAllText(Checkout.PathOf("docs/coordination.md"));
        var begin = page.IndexOf("## holdfast etcd", StringComparison.Ordinal);
        var section = page[begin..page.IndexOf("\n## ", begin + 1, StringComparison.Ordinal)];
        var rows = section.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal));
        Assert.Equal(EtcdFlags.Rows().Select(row => $"| {row.Flags} | {row.Fate} | {row.Why} |"), rows);
    }

    [Fact]
    public void Addresses_with_and_without_tls_and_for_metrics_stand_beside_each_other()
    {
        var plan = Drawn("--listen-client-urls", "http://127.0.0.1:2379,https://127.0.0.2:2379", "--cert-file", "c.pem", "--key-file", "k.pem", "--listen-metrics-urls", "http://127.0.0.1:2381");
        Assert.Equal("127.0.0.2:2379", plan.Etcd.ToString());
        Assert.Equal(["127.0.0.1:2379 clear=True pages=False", "127.0.0.1:2381 clear=True pages=True"], plan.EtcdAlso.Select(also => $"{also.Address} clear={also.IsClear} pages={also.IsForPages}"));
        Assert.True(plan.ClientPort.IsTls);
    }

    [Fact]
    public void A_certificate_that_no_address_asks_for_is_not_used_and_that_is_said()
    {
        var plan = Drawn("--cert-file", "c.pem", "--key-file", "k.pem");
        Assert.False(plan.ClientPort.IsTls);
        Assert.Contains(plan.Warnings, warning => warning == "--cert-file has no effect: no address of --listen-client-urls is https");
        Assert.Contains(Drawn("--auto-tls").Warnings, warning => warning == "--auto-tls has no effect: no address of --listen-client-urls is https");
    }

    [Fact]
    public void Certificates_that_nobody_signed_do_not_open_the_peer_port_to_others()
    {
        string[] words = ["--peer-auto-tls", "--listen-peer-urls", "https://10.0.0.7:2380", "--initial-advertise-peer-urls", "https://10.0.0.7:2380", "--initial-cluster", "default=https://10.0.0.7:2380"];
        Assert.Contains("certificates that nobody signed prove nothing", Assert.Single(Faults(words)), StringComparison.Ordinal);
        Assert.EndsWith(Path.Combine("fixtures", "peer"), Drawn([.. words, "--insecure"]).SelfSignedPeerFolder, StringComparison.Ordinal);
    }

    [Fact]
    public void How_many_learners_there_may_be_is_taken_by_either_name()
    {
        Assert.Equal(1, Drawn("--name", "a", "--initial-cluster", "a=http://127.0.0.1:2380").LearnersMax);
        Assert.Equal(3, Drawn("--max-learners", "3").LearnersMax);
        Assert.Equal(2, Drawn("--experimental-max-learners=2").LearnersMax);
        Assert.Contains("is not a number of learners", Assert.Single(Faults("--max-learners", "0")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_versions_of_tls_can_be_bounded()
    {
        Assert.Equal(System.Security.Authentication.SslProtocols.Tls13, Drawn("--tls-min-version", "TLS1.3").ClientPort.Protocols);
        Assert.Contains("\"TLS1.1\" is neither TLS1.2 nor TLS1.3", Assert.Single(Faults("--tls-min-version=TLS1.1")), StringComparison.Ordinal);
        Assert.Contains("no version lies between them", Assert.Single(Faults("--tls-min-version=TLS1.3", "--tls-max-version=TLS1.2")), StringComparison.Ordinal);
    }

    [Fact]
    public void Cipher_suites_are_named_as_in_the_registry_and_those_of_the_newest_version_stand_beside_them()
    {
        var suites = Drawn("--cipher-suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305").ClientPort.CipherSuites;
        Assert.Equal(
            [TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256],
            suites);
        Assert.Equal([TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], Drawn("--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--tls-max-version=TLS1.2").ClientPort.CipherSuites);
        Assert.Empty(Drawn().ClientPort.CipherSuites);
        Assert.Contains("\"49199\" is no cipher suite", Assert.Single(Faults("--cipher-suites=49199")), StringComparison.Ordinal);
        Assert.Contains("cannot be chosen when only TLS 1.3 is spoken", Assert.Single(Faults("--cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "--tls-min-version=TLS1.3")), StringComparison.Ordinal);
    }

    [Fact]
    public void Quotas_are_as_small_as_they_are_asked_for_and_below_nothing_there_is_none()
    {
        Assert.Equal(2L << 30, Drawn("--quota-backend-bytes=0").Keyspace.QuotaBytes);
        Assert.Equal(53248, Drawn("--quota-backend-bytes=53248").Keyspace.QuotaBytes);
        Assert.Equal(1L << 50, Drawn("--quota-backend-bytes=-1").Keyspace.QuotaBytes);
    }

    [Fact]
    public void The_bound_on_requests_holds_at_the_door_and_behind_it()
    {
        var plan = Drawn("--max-request-bytes", "10485760");
        Assert.Equal((10485760, 10485760), (plan.Limits.RequestBytesMax, plan.Keyspace.RequestBytesMax));
        Assert.Contains("RequestBytesMax: between 1 byte and 32 MiB", Assert.Single(Faults("--max-request-bytes=40000000")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_system_may_choose_a_port_to_listen_at_and_none_to_be_called_at()
    {
        var plan = Drawn("--listen-peer-urls=http://localhost:0", "--listen-client-urls", "http://127.0.0.1:0");
        Assert.Equal((0, 0), (plan.Peer!.Port, plan.Etcd.Port));
        Assert.Contains("\"http://127.0.0.1:0\" is not http://host:port", Faults("--initial-advertise-peer-urls=http://127.0.0.1:0")[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_show_one_certificate_whichever_side_calls()
    {
        string[] files = ["--peer-cert-file=c.pem", "--peer-key-file=k.pem", "--peer-trusted-ca-file=ca.pem", "--listen-peer-urls=https://127.0.0.1:2380"];
        Assert.NotNull(Drawn([.. files, "--peer-client-cert-file=c.pem", "--peer-client-key-file=k.pem"]).PeerCertificates);
        Assert.StartsWith("--peer-client-cert-file: a node shows one certificate", Assert.Single(Faults([.. files, "--peer-client-cert-file=other.pem"])), StringComparison.Ordinal);
    }

    [Fact]
    public void Settings_that_ask_for_nothing_are_taken()
    {
        var plan = Drawn("--proxy=off", "--discovery-fallback", "proxy", "--discovery=", "--unsafe-no-fsync", "--cors", "http://a.example, http://b.example");
        Assert.Contains(plan.Warnings, warning => warning.StartsWith("--unsafe-no-fsync has no effect", StringComparison.Ordinal));
        Assert.DoesNotContain(plan.Warnings, warning => warning.StartsWith("--proxy", StringComparison.Ordinal));
        Assert.Equal(["http://a.example", "http://b.example"], plan.Origins);
        Assert.StartsWith("--proxy: there is no proxy mode", Assert.Single(Faults("--proxy=on")), StringComparison.Ordinal);
        Assert.StartsWith("--discovery: list the members", Assert.Single(Faults("--discovery=https://discovery.example/1")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_file_stands_for_all_flags()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """
                name: infra7
                data-dir: /tmp/infra7
                listen-client-urls: https://127.0.0.1:4001
                log-outputs: [stderr]
                initial-cluster: infra7=http://localhost:2380
                client-transport-security:
                  cert-file: c.pem
                  key-file: k.pem
                peer-transport-security:
                  client-cert-auth: true
                """);
            var plan = Drawn("--config-file", file, "--name", "other");
            Assert.Equal(("infra7", "127.0.0.1:4001", "c.pem"), (plan.Name, plan.Etcd.ToString(), plan.ClientPort.Certificate));
            Assert.Contains(plan.Warnings, warning => warning.StartsWith("--name has no effect beside --config-file", StringComparison.Ordinal));
            File.WriteAllText(file, "listen-client-url: http://127.0.0.1:4001\n");
            Assert.Contains("did you mean listen-client-urls?", Faults("--config-file", file)[0], StringComparison.Ordinal);
            File.Delete(file);
            Assert.Contains("cannot be read", Faults("--config-file", file)[0], StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static ServerPlan Drawn(params string[] words)
    {
        var faults = new List<string>();
        var plan = new EtcdPlan(EtcdArguments.Read(words, new Dictionary<string, string>(), faults), faults).Draw(logsAsJson: true);
        Assert.Empty(faults);
        return plan!;
    }

    private static List<string> Faults(params string[] words)
    {
        var faults = new List<string>();
        Assert.Null(new EtcdPlan(EtcdArguments.Read(words, new Dictionary<string, string>(), faults), faults).Draw(logsAsJson: true));
        return faults;
    }

    [GeneratedRegex("^  --([a-z0-9-]+)", RegexOptions.Multiline)]
    private static partial Regex FlagInHelp();
}
