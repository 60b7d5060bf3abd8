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
/// <param name="Why">Why it is ignored or refused, and what to do instead.</param>
/// <param name="IsSwitch">Whether it stands without a value.</param>
internal sealed record EtcdFlag(string Name, EtcdFlagFate Fate, string Why = "", bool IsSwitch = false)
{
    /// <summary>The variable that says the same: <c>ETCD_DATA_DIR</c>.</summary>
    public string Variable => "ETCD_" + Name.Replace('-', '_').ToUpperInvariant();
}

/// <summary>Every flag of etcd 3.4 to 3.6 that this program knows, and what becomes of each.</summary>
internal static class EtcdFlags
{
    private const string OwnTiming = "the time until a dead leader is replaced is fixed: beats every 50 ms, leases of 300 ms";
    private const string OwnLog = "the node logs to standard error; JSON unless that is a terminal";
    private const string OwnStore = "the keyspace is in memory, over one log for the whole node";
    private const string PeerTls = "certificates between nodes are made by holdfast cert: name the three files of its folder with --peer-cert-file, --peer-key-file and --peer-trusted-ca-file";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<EtcdFlag> All =
    [
        .. Used("name", "data-dir", "listen-client-urls", "advertise-client-urls", "listen-peer-urls", "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state"),
        .. Used("quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention", "listen-metrics-urls", "max-concurrent-streams", "max-request-bytes", "cert-file", "key-file", "trusted-ca-file", "auth-token", "auth-token-ttl"),
        Switch("client-cert-auth", EtcdFlagFate.Used),
        Switch("insecure", EtcdFlagFate.Used),
        .. Ignored("a cluster's identity is drawn when it is founded, and nodes of another are refused", "initial-cluster-token"),
        .. Ignored(OwnTiming, "heartbeat-interval", "election-timeout"),
        .. Ignored("snapshots are taken by the bytes that the log has grown", "snapshot-count", "max-snapshots", "max-wals", "snapshot-catchup-entries"),
        .. Ignored("reconfigurations are always strict", [Switch("strict-reconfig-check", EtcdFlagFate.Ignored)]),
        .. Ignored("votes are always asked for before an election", [Switch("pre-vote", EtcdFlagFate.Ignored)]),
        .. Ignored(OwnTiming, [Switch("initial-election-tick-advance", EtcdFlagFate.Ignored)]),
        .. Ignored(OwnLog, "logger", "log-outputs", "log-level", "log-format", "log-rotation-config-json", "log-package-levels"),
        .. Ignored(OwnLog, [Switch("debug", EtcdFlagFate.Ignored), Switch("enable-log-rotation", EtcdFlagFate.Ignored)]),
        .. Ignored("version 2 of the protocol is not served, the JSON gateway always is", [Switch("enable-v2", EtcdFlagFate.Ignored), Switch("enable-grpc-gateway", EtcdFlagFate.Ignored)]),
        .. Ignored(OwnStore, "wal-dir", "backend-bbolt-freelist-type", "backend-batch-interval", "backend-batch-limit"),
        .. Ignored("metrics are always the basic ones", "metrics"),
        .. Ignored("no other origin is allowed, and host names are not checked", "cors", "host-whitelist"),
        .. Ignored("a transaction may have 128 operations, which all members must agree on", "max-txn-ops"),
        .. Ignored("the front door keeps connections alive by its own intervals", "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout", "max-learners"),
        .. Ignored("ports are not shared between processes", [Switch("socket-reuse-port", EtcdFlagFate.Ignored), Switch("socket-reuse-address", EtcdFlagFate.Ignored)]),
        .. Ignored("passwords are kept as SCRAM-SHA-256 verifiers", "bcrypt-cost"),
        .. Ignored("profiles are taken with dotnet-trace", [Switch("enable-pprof", EtcdFlagFate.Ignored)]),
        .. Ignored("slow requests and progress notices have fixed bounds", "warning-apply-duration", "warning-unary-request-duration", "watch-progress-notify-interval", "compaction-batch-limit", "compaction-sleep-interval", "feature-gates", "corrupt-check-time", "compact-hash-check-time", "distributed-tracing-address", "v2-deprecation"),
        .. Ignored("replicas compare their state all the time", [Switch("initial-corrupt-check", EtcdFlagFate.Ignored), Switch("experimental-initial-corrupt-check", EtcdFlagFate.Ignored)]),
        .. Ignored("slow requests and progress notices have fixed bounds", "experimental-watch-progress-notify-interval", "experimental-warning-apply-duration", "experimental-compaction-batch-limit", "experimental-corrupt-check-time", "experimental-max-learners"),
        .. Used("peer-cert-file", "peer-key-file", "peer-trusted-ca-file"),
        .. Ignored("with certificates every node shows its own, always", [Switch("peer-client-cert-auth", EtcdFlagFate.Ignored)]),
        .. Refused(PeerTls, "peer-cert-allowed-cn", "peer-cert-allowed-hostname", "peer-crl-file"),
        .. Refused(PeerTls, [Switch("peer-auto-tls", EtcdFlagFate.Refused)]),
        .. Refused("make a certificate and name it with --cert-file and --key-file", [Switch("auto-tls", EtcdFlagFate.Refused)]),
        .. Refused("give the settings as flags or ETCD_ variables", "config-file"),
        .. Refused("list the members with --initial-cluster", "discovery", "discovery-fallback", "discovery-proxy", "discovery-srv", "discovery-srv-name", "discovery-endpoints"),
        .. Refused("there is no proxy mode: clients may talk to any member", "proxy", "gateway"),
        .. Refused("lost quorum is recovered by hand, and this version cannot yet; restore a backup into a new cluster", [Switch("force-new-cluster", EtcdFlagFate.Refused)]),
        .. Refused("a write is on disk before it is acknowledged, always", [Switch("unsafe-no-fsync", EtcdFlagFate.Refused)]),
        .. Refused("revocation lists are not offered; issue short-lived certificates", "client-crl-file"),
    ];

    /// <summary>The flag of that name, or null.</summary>
    public static EtcdFlag? Find(string name) => All.FirstOrDefault(flag => flag.Name == name);

    /// <summary>The known name most like an unknown one; null when none is near.</summary>
    public static string? Nearest(string name)
    {
        var nearest = All.Select(flag => (flag.Name, Distance: Distance(name, flag.Name))).MinBy(pair => pair.Distance);
        return nearest.Distance <= Math.Max(2, name.Length / 3) ? nearest.Name : null;
    }

    private static EtcdFlag Switch(string name, EtcdFlagFate fate) => new(name, fate, IsSwitch: true);

    private static IEnumerable<EtcdFlag> Used(params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Used));

    private static IEnumerable<EtcdFlag> Ignored(string why, params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Ignored, why));

    private static IEnumerable<EtcdFlag> Ignored(string why, EtcdFlag[] flags) => flags.Select(flag => flag with { Why = why });

    private static IEnumerable<EtcdFlag> Refused(string why, params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Refused, why));

    private static IEnumerable<EtcdFlag> Refused(string why, EtcdFlag[] flags) => flags.Select(flag => flag with { Why = why });

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
