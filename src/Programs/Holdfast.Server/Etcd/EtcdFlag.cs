namespace Holdfast.Server.Etcd;

/// <summary>What becomes of a flag of etcd's.</summary>
internal enum EtcdFlagFate
{
    /// <summary>It does here what it does there.</summary>
    Used,

    /// <summary>It is accepted and does nothing; who sets it is told why.</summary>
    Ignored,

    /// <summary>It cannot be honoured, and ignoring it would not be what was asked for.</summary>
    Refused,
}

/// <summary>A flag of etcd's.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Fate">What becomes of it.</param>
/// <param name="Why">What it means here; or why it is ignored or refused, and what to do instead.</param>
/// <param name="IsSwitch">Whether it stands without a value.</param>
internal sealed record EtcdFlag(string Name, EtcdFlagFate Fate, string Why = "", bool IsSwitch = false)
{
    /// <summary>The value that asks for nothing, so that a flag with it is neither refused nor of consequence; empty where there is none.</summary>
    public string Idle { get; init; } = "";

    /// <summary>The variable that says the same: <c>ETCD_DATA_DIR</c>.</summary>
    public string Variable => "ETCD_" + Name.Replace('-', '_').ToUpperInvariant();
}

/// <summary>Every flag of etcd 3.4 to 3.6 that this program knows, and what becomes of each.</summary>
internal static class EtcdFlags
{
    /// <summary>The verb of <c>holdfast</c> that takes them.</summary>
    public const string Verb = "etcd";

    private const string OwnTiming = "the time until a dead leader is replaced is fixed: beats every 50 ms, leases of 300 ms";
    private const string OwnLog = "the node logs to standard error; JSON unless that is a terminal";
    private const string OwnStore = "the keyspace is in memory, over one log for the whole node";
    private const string OwnDiscovery = "a setting of discovery, and there is none: list the members with --initial-cluster";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<EtcdFlag> All =
    [
        .. Used("who the node is and where its data lies", "name", "data-dir"),
        .. Used("where clients are served and told to come: http in the clear, https with TLS, both beside each other", "listen-client-urls", "advertise-client-urls"),
        .. Used("further addresses; they serve all that the others serve, which lose nothing by it", "listen-client-http-urls"),
        .. Used("metrics, health and version alone, without the keyspace", "listen-metrics-urls"),
        .. Used("where nodes meet; the first of several counts", "listen-peer-urls", "initial-advertise-peer-urls"),
        .. Used("the founders, or the members of which one takes this node in (`existing`)", "initial-cluster", "initial-cluster-state"),
        .. Used("bounds the keyspace's memory; 0 is 2 GiB, less than 0 no bound", "quota-backend-bytes"),
        .. Used("as in etcd; without them an hour is kept, where etcd keeps all", "auto-compaction-mode", "auto-compaction-retention"),
        .. Used("as in etcd", "max-request-bytes", "max-concurrent-streams", "watch-progress-notify-interval", "experimental-watch-progress-notify-interval"),
        .. Used("other origins whose pages may ask from a browser; without it none, where etcd lets all", "cors"),
        .. Used("TLS for clients; files are read again when they change", "cert-file", "key-file", "trusted-ca-file"),
        .. Switches(EtcdFlagFate.Used, "clients must show a certificate of `--trusted-ca-file`; its common name is the user", "client-cert-auth"),
        .. Switches(EtcdFlagFate.Used, "a certificate that nobody signed, kept in `DATA/fixtures/client`, for the `https` addresses", "auto-tls"),
        .. Switches(EtcdFlagFate.Used, "the same in `DATA/fixtures/peer`: connections between nodes are encrypted and prove nothing, so an address that others reach needs `--insecure`", "peer-auto-tls"),
        .. Used("years that these two hold", "self-signed-cert-validity"),
        .. Used("for clients; nodes speak TLS 1.3 with each other", "tls-min-version", "tls-max-version"),
        .. Used("of TLS 1.2, for clients; those of 1.3 stand beside them, as in etcd", "cipher-suites"),
        .. Used("the three files of `holdfast cert` or of your own authority, with those between it and the node after the node's; read again when they change", "peer-cert-file", "peer-key-file", "peer-trusted-ca-file"),
        .. Used("the same two files: a node shows one certificate, whichever side calls", "peer-client-cert-file", "peer-client-key-file"),
        .. Used("of those that the authority signed, only certificates of these names are peers'; commas between", "peer-cert-allowed-cn", "peer-cert-allowed-hostname"),
        .. Used("`simple`, or `jwt` with etcd's options", "auth-token", "auth-token-ttl"),
        .. Used("learners that may be waited for or held at once; 1 as in etcd", "max-learners", "experimental-max-learners"),
        .. Used("a YAML file instead of all other flags and variables", "config-file"),
        .. Switches(EtcdFlagFate.Used, "this member's data becomes a new cluster of one, as `holdfast recover` does it", "force-new-cluster"),
        .. Switches(EtcdFlagFate.Used, "ours: serve in the clear where other machines reach it", "insecure"),
        .. Ignored("a cluster's identity is drawn when it is founded, and nodes of another are refused", "initial-cluster-token"),
        .. Ignored(OwnTiming, "heartbeat-interval", "election-timeout"),
        .. Ignored("snapshots are taken by the bytes that the log has grown", "snapshot-count", "max-snapshots", "max-wals", "snapshot-catchup-entries", "experimental-snapshot-catchup-entries"),
        .. Switches(EtcdFlagFate.Ignored, "reconfigurations are always strict", "strict-reconfig-check"),
        .. Switches(EtcdFlagFate.Ignored, "votes are always asked for before an election", "pre-vote"),
        .. Switches(EtcdFlagFate.Ignored, OwnTiming, "initial-election-tick-advance"),
        .. Ignored(OwnLog, "logger", "log-output", "log-outputs", "log-level", "log-format", "log-rotation-config-json", "log-package-levels"),
        .. Switches(EtcdFlagFate.Ignored, OwnLog, "debug", "enable-log-rotation", "disable-log-sampling"),
        .. Switches(EtcdFlagFate.Ignored, "version 2 of the protocol is not served, the JSON gateway always is", "enable-v2", "enable-grpc-gateway"),
        .. Ignored(OwnStore, "wal-dir", "backend-bbolt-freelist-type", "experimental-backend-bbolt-freelist-type", "backend-batch-interval", "backend-batch-limit", "bootstrap-defrag-threshold-megabytes", "experimental-bootstrap-defrag-threshold-megabytes"),
        .. Switches(EtcdFlagFate.Ignored, OwnStore, "memory-mlock", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer", "stop-grpc-service-on-defrag", "experimental-stop-grpc-service-on-defrag"),
        .. Ignored("metrics are always the basic ones", "metrics"),
        .. Ignored("host names are not checked", "host-whitelist"),
        .. Ignored("a transaction may have 128 operations, which all members must agree on", "max-txn-ops"),
        .. Ignored("the front door keeps connections alive by its own intervals", "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout"),
        .. Ignored("connections between nodes have their own bounds", "raft-read-timeout", "raft-write-timeout"),
        .. Switches(EtcdFlagFate.Ignored, "nodes call each other from whatever address the system chooses", "set-member-localaddr", "experimental-set-member-localaddr"),
        .. Switches(EtcdFlagFate.Ignored, "ports are not shared between processes", "socket-reuse-port", "socket-reuse-address"),
        .. Ignored("passwords are kept as SCRAM-SHA-256 verifiers", "bcrypt-cost"),
        .. Switches(EtcdFlagFate.Ignored, "profiles are taken with dotnet-trace", "enable-pprof"),
        .. Ignored("slow requests have fixed bounds", "warning-apply-duration", "warning-unary-request-duration", "experimental-warning-apply-duration", "experimental-warning-unary-request-duration"),
        .. Ignored("what is compacted goes in slices of below a millisecond", "compaction-batch-limit", "compaction-sleep-interval", "experimental-compaction-batch-limit", "experimental-compaction-sleep-interval"),
        .. Ignored("etcd's switches for its own unfinished parts", "feature-gates", "v2-deprecation"),
        .. Ignored("replicas compare their state all the time", "corrupt-check-time", "compact-hash-check-time", "experimental-corrupt-check-time", "experimental-compact-hash-check-time"),
        .. Switches(EtcdFlagFate.Ignored, "replicas compare their state all the time", "initial-corrupt-check", "experimental-initial-corrupt-check", "compact-hash-check-enabled", "experimental-compact-hash-check-enabled"),
        .. Ignored("a downgrade is refused: there is no older data format", "downgrade-check-time", "experimental-downgrade-check-time"),
        .. Switches(EtcdFlagFate.Ignored, "a new leader gives every lease its full time, and no lease ends early", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist"),
        .. Switches(EtcdFlagFate.Ignored, "no trace leaves the node under this command; holdfast server --otlp sends them", "enable-distributed-tracing", "experimental-enable-distributed-tracing"),
        .. Ignored("no trace leaves the node under this command; holdfast server --otlp sends them", "distributed-tracing-address", "experimental-distributed-tracing-address",
            "distributed-tracing-service-name", "experimental-distributed-tracing-service-name", "distributed-tracing-instance-id", "experimental-distributed-tracing-instance-id",
            "distributed-tracing-sampling-rate", "experimental-distributed-tracing-sampling-rate"),
        .. Switches(EtcdFlagFate.Ignored, "with certificates every node shows its own, always", "peer-client-cert-auth"),
        .. Switches(EtcdFlagFate.Ignored, "a certificate between nodes counts by its authority, whatever addresses it names", "peer-skip-client-san-verification", "experimental-peer-skip-client-san-verification"),
        .. Ignored("the gateway is part of the process and calls nobody by TLS", "client-cert-file", "client-key-file"),
        .. Ignored("a proxy's settings, and there is none", "proxy-failure-wait", "proxy-refresh-interval", "proxy-dial-timeout", "proxy-write-timeout", "proxy-read-timeout"),
        .. Ignored(OwnDiscovery, "discovery-fallback", "discovery-proxy", "discovery-srv-name", "discovery-dial-timeout", "discovery-request-timeout", "discovery-keepalive-time", "discovery-keepalive-timeout",
            "discovery-cert", "discovery-key", "discovery-cacert", "discovery-user", "discovery-password"),
        .. Switches(EtcdFlagFate.Ignored, OwnDiscovery, "discovery-insecure-transport", "discovery-insecure-skip-tls-verify"),
        .. Switches(EtcdFlagFate.Ignored, "a write is on disk before it is acknowledged, always", "unsafe-no-fsync"),
        .. Refused("a certificate between nodes ends by its date or with its authority: issue short-lived ones, or narrow them with --peer-cert-allowed-cn", "peer-crl-file"),
        .. Refused("whoever has a certificate of --trusted-ca-file gets in: use an authority that signs for these clients only", "client-cert-allowed-hostname"),
        .. Refused("list the members with --initial-cluster", "discovery", "discovery-srv", "discovery-endpoints", "discovery-token"),
        new("proxy", EtcdFlagFate.Refused, "there is no proxy mode: clients may talk to any member; `off` is taken") { Idle = "off" },
        .. Refused("version 2 of the protocol is not served", "experimental-enable-v2v3"),
        .. Refused("revocation lists are not offered; issue short-lived certificates", "client-crl-file"),
    ];

    /// <summary>The table of the manual and of <c>--help</c>: flags that share a fate and a reason share a row.</summary>
    public static IEnumerable<(string Flags, string Fate, string Why)> Rows() => All
        .GroupBy(flag => (flag.Fate, flag.Why))
        .Select(group => (
            string.Join(", ", group.Select(flag => $"`--{flag.Name}`")),
            group.Key.Fate switch { EtcdFlagFate.Used => "yes", EtcdFlagFate.Ignored => "no effect", _ => "refused" },
            group.Key.Why));

    /// <summary>The flag of that name, or null.</summary>
    public static EtcdFlag? Find(string name) => All.FirstOrDefault(flag => flag.Name == name);

    /// <summary>The known name most like an unknown one; null when none is near.</summary>
    public static string? Nearest(string name)
    {
        var nearest = All.Select(flag => (flag.Name, Distance: Distance(name, flag.Name))).MinBy(pair => pair.Distance);
        return nearest.Distance <= Math.Max(2, name.Length / 3) ? nearest.Name : null;
    }

    private static IEnumerable<EtcdFlag> Switches(EtcdFlagFate fate, string why, params string[] names) => names.Select(name => new EtcdFlag(name, fate, why, IsSwitch: true));

    private static IEnumerable<EtcdFlag> Used(string meaning, params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Used, meaning));

    private static IEnumerable<EtcdFlag> Ignored(string why, params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Ignored, why));

    private static IEnumerable<EtcdFlag> Refused(string why, params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Refused, why));

    /// <summary>How many letters must be changed, added or dropped (Levenshtein).</summary>
    private static int Distance(string from, string to)
    {
        var row = new int[to.Length + 1];
        for (var i = 0; i < row.Length; i++) row[i] = i;
        foreach (var (at, letter) in from.Index())
        {
            var diagonal = row[0];
            row[0] = at + 1;
            for (var i = 1; i < row.Length; i++)
            {
                var above = row[i];
                row[i] = Math.Min(Math.Min(above, row[i - 1]) + 1, diagonal + (to[i - 1] == letter ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
