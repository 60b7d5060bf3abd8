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
    /// <summary>The verb of <c>holdfast</c> that takes them.</summary>
    public const string Verb = "etcd";

    private const string OwnTiming = "the time until a dead leader is replaced is fixed: beats every 50 ms, leases of 300 ms";
    private const string OwnLog = "the node logs to standard error; JSON unless that is a terminal";
    private const string OwnStore = "the keyspace is in memory, over one log for the whole node";
    private const string PeerTls = "certificates between nodes are made by holdfast cert: name the three files of its folder with --peer-cert-file, --peer-key-file and --peer-trusted-ca-file";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<EtcdFlag> All =
    [
        .. Used("name", "data-dir", "listen-client-urls", "advertise-client-urls", "listen-peer-urls", "initial-advertise-peer-urls", "initial-cluster", "initial-cluster-state"),
        .. Used("quota-backend-bytes", "auto-compaction-mode", "auto-compaction-retention", "listen-metrics-urls", "max-concurrent-streams",
            "max-request-bytes", "watch-progress-notify-interval", "experimental-watch-progress-notify-interval", "cert-file", "key-file",
            "trusted-ca-file", "auth-token", "auth-token-ttl"),
        .. Switches(EtcdFlagFate.Used, "", "client-cert-auth", "insecure"),
        .. Ignored("a cluster's identity is drawn when it is founded, and nodes of another are refused", "initial-cluster-token"),
        .. Ignored(OwnTiming, "heartbeat-interval", "election-timeout"),
        .. Ignored("snapshots are taken by the bytes that the log has grown", "snapshot-count", "max-snapshots", "max-wals", "snapshot-catchup-entries"),
        .. Switches(EtcdFlagFate.Ignored, "reconfigurations are always strict", "strict-reconfig-check"),
        .. Switches(EtcdFlagFate.Ignored, "votes are always asked for before an election", "pre-vote"),
        .. Switches(EtcdFlagFate.Ignored, OwnTiming, "initial-election-tick-advance"),
        .. Ignored(OwnLog, "logger", "log-outputs", "log-level", "log-format", "log-rotation-config-json", "log-package-levels"),
        .. Switches(EtcdFlagFate.Ignored, OwnLog, "debug", "enable-log-rotation"),
        .. Switches(EtcdFlagFate.Ignored, "version 2 of the protocol is not served, the JSON gateway always is", "enable-v2", "enable-grpc-gateway"),
        .. Ignored(OwnStore, "wal-dir", "backend-bbolt-freelist-type", "backend-batch-interval", "backend-batch-limit"),
        .. Ignored("metrics are always the basic ones", "metrics"),
        .. Ignored("no other origin is allowed, and host names are not checked", "cors", "host-whitelist"),
        .. Ignored("a transaction may have 128 operations, which all members must agree on", "max-txn-ops"),
        .. Ignored("the front door keeps connections alive by its own intervals", "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout", "max-learners"),
        .. Switches(EtcdFlagFate.Ignored, "ports are not shared between processes", "socket-reuse-port", "socket-reuse-address"),
        .. Ignored("passwords are kept as SCRAM-SHA-256 verifiers", "bcrypt-cost"),
        .. Switches(EtcdFlagFate.Ignored, "profiles are taken with dotnet-trace", "enable-pprof"),
        .. Ignored("slow requests have fixed bounds", "warning-apply-duration", "warning-unary-request-duration", "compaction-batch-limit",
            "compaction-sleep-interval", "feature-gates", "corrupt-check-time", "compact-hash-check-time", "distributed-tracing-address",
            "v2-deprecation"),
        .. Switches(EtcdFlagFate.Ignored, "replicas compare their state all the time", "initial-corrupt-check", "experimental-initial-corrupt-check"),
        .. Ignored("slow requests have fixed bounds", "experimental-warning-apply-duration", "experimental-compaction-batch-limit",
            "experimental-corrupt-check-time", "experimental-max-learners"),
        .. Used("peer-cert-file", "peer-key-file", "peer-trusted-ca-file"),
        .. Switches(EtcdFlagFate.Ignored, "with certificates every node shows its own, always", "peer-client-cert-auth"),
        .. Refused(PeerTls, "peer-cert-allowed-cn", "peer-cert-allowed-hostname", "peer-crl-file"),
        .. Switches(EtcdFlagFate.Refused, PeerTls, "peer-auto-tls"),
        .. Switches(EtcdFlagFate.Refused, "make a certificate and name it with --cert-file and --key-file", "auto-tls"),
        .. Refused("give the settings as flags or ETCD_ variables", "config-file"),
        .. Refused("list the members with --initial-cluster", "discovery", "discovery-fallback", "discovery-proxy", "discovery-srv", "discovery-srv-name", "discovery-endpoints"),
        .. Refused("there is no proxy mode: clients may talk to any member", "proxy", "gateway"),
        .. Switches(EtcdFlagFate.Refused, "lost quorum is recovered by hand, and this version cannot yet; restore a backup into a new cluster", "force-new-cluster"),
        .. Switches(EtcdFlagFate.Refused, "a write is on disk before it is acknowledged, always", "unsafe-no-fsync"),
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

    private static IEnumerable<EtcdFlag> Switches(EtcdFlagFate fate, string why, params string[] names) => names.Select(name => new EtcdFlag(name, fate, why, IsSwitch: true));

    private static IEnumerable<EtcdFlag> Used(params string[] names) => names.Select(name => new EtcdFlag(name, EtcdFlagFate.Used));

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
