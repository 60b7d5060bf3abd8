namespace Holdfast.Keyspace;

/// <summary>
/// Names of Redis's CONFIG that stand for nothing here (its files, its replication, its allocator): a tool or a test suite that asks for them finds Redis's default, and what it sets is checked as Redis checks it and kept. A name
/// that Redis refuses to change while it runs is refused here too, and so is whatever would say of the node's ports, files and keys what is not so.
/// </summary>
internal static class KeptSettings
{
    private const int PortMax = 65535;

    public static IEnumerable<Setting> All => [.. Flags, .. Numbers, .. Bytes, .. Words, .. Texts, .. Fixed];

    private static IEnumerable<Setting> Flags =>
    [
        .. ((string[])["aof-load-truncated", "aof-rewrite-incremental-fsync", "aof-use-rdb-preamble", "cluster-allow-pubsubshard-when-down", "cluster-allow-replica-migration", "crash-log-enabled", "crash-memcheck-enabled", "dynamic-hz", "jemalloc-bg-thread", "rdb-save-incremental-fsync", "repl-diskless-sync", "replica-announced", "tls-session-caching"]).Select(name => new Setting(name, "yes", SettingKind.Flag)),
        .. ((string[])["aof-disable-auto-gc", "aof-timestamp-enabled", "close-on-oom", "rdb-del-sync-files", "repl-disable-tcp-nodelay", "replica-ignore-disk-write-errors", "tls-prefer-server-ciphers"]).Select(name => new Setting(name, "no", SettingKind.Flag)),
        new("cluster-replica-no-failover", "no", SettingKind.Flag) { Alias = "cluster-slave-no-failover" },
        new("replica-ignore-maxmemory", "yes", SettingKind.Flag) { Alias = "slave-ignore-maxmemory" },
        new("replica-lazy-flush", "no", SettingKind.Flag) { Alias = "slave-lazy-flush" },
    ];

    private static IEnumerable<Setting> Numbers =>
    [
        new("active-defrag-cycle-max", "25", SettingKind.Number) { Least = 1, Most = 99 },
        new("active-defrag-cycle-min", "1", SettingKind.Number) { Least = 1, Most = 99 },
        new("active-defrag-max-scan-fields", "1000", SettingKind.Number) { Least = 1, Most = long.MaxValue },
        new("active-defrag-threshold-lower", "10", SettingKind.Number) { Most = 1000 },
        new("active-defrag-threshold-upper", "100", SettingKind.Number) { Most = 1000 },
        new("active-expire-effort", "1", SettingKind.Number) { Least = 1, Most = 10 },
        new("cluster-announce-bus-port", "0", SettingKind.Number) { Most = PortMax },
        new("cluster-announce-port", "0", SettingKind.Number) { Most = PortMax },
        new("cluster-announce-tls-port", "0", SettingKind.Number) { Most = PortMax },
        new("maxmemory-eviction-tenacity", "10", SettingKind.Number) { Most = 100 },
        new("oom-score-adj-values", "0 200 800", SettingKind.Scores),
        new("repl-backlog-ttl", "3600", SettingKind.Number) { Most = long.MaxValue },
        new("repl-diskless-sync-delay", "5", SettingKind.Number),
        new("repl-diskless-sync-max-replicas", "0", SettingKind.Number),
        new("repl-ping-replica-period", "10", SettingKind.Number) { Least = 1, Alias = "repl-ping-slave-period" },
        new("repl-timeout", "60", SettingKind.Number) { Least = 1 },
        new("replica-announce-port", "0", SettingKind.Number) { Most = PortMax, Alias = "slave-announce-port" },
        new("replica-priority", "100", SettingKind.Number) { Alias = "slave-priority" },
        new("shutdown-timeout", "10", SettingKind.Number),
        new("tls-session-cache-size", "20480", SettingKind.Number),
        new("tls-session-cache-timeout", "300", SettingKind.Number),
    ];

    private static IEnumerable<Setting> Bytes =>
    [
        new("active-defrag-ignore-bytes", "104857600", SettingKind.Memory) { Least = 1, Most = long.MaxValue },
        new("client-query-buffer-limit", "1073741824", SettingKind.Memory) { Least = 1 << 20, Most = long.MaxValue },
        new("cluster-link-sendbuf-limit", "0", SettingKind.Memory) { Most = long.MaxValue },
        new("hll-sparse-max-bytes", "3000", SettingKind.Memory) { Most = long.MaxValue },
        new("maxmemory-clients", "0", SettingKind.Share),
        new("repl-backlog-size", "1048576", SettingKind.Memory) { Least = 1, Most = long.MaxValue },
    ];

    private static IEnumerable<Setting> Words =>
    [
        new("cluster-preferred-endpoint-type", "ip", SettingKind.Word) { Words = ["ip", "hostname", "unknown-endpoint"] },
        new("oom-score-adj", "no", SettingKind.Word) { Words = ["no", "yes", "relative", "absolute"] },
        new("propagation-error-behavior", "ignore", SettingKind.Word) { Words = ["ignore", "panic", "panic-on-replicas"] },
        new("repl-diskless-load", "disabled", SettingKind.Word) { Words = ["disabled", "on-empty-db", "swapdb"] },
        new("sanitize-dump-payload", "no", SettingKind.Word) { Words = ["no", "yes", "clients"] },
        new("shutdown-on-sigint", "default", SettingKind.Word) { Words = ["default", "save", "nosave", "now", "force"] },
        new("shutdown-on-sigterm", "default", SettingKind.Word) { Words = ["default", "save", "nosave", "now", "force"] },
    ];

    private static IEnumerable<Setting> Texts =>
    [
        new("cluster-announce-hostname", "", SettingKind.HostName),
        new("cluster-announce-ip", "", SettingKind.Text),
        new("ignore-warnings", "", SettingKind.Text),
        new("masterauth", "", SettingKind.Text) { IsSecret = true },
        new("masteruser", "", SettingKind.Text),
        new("proc-title-template", "{title} {listen-addr} {server-mode}", SettingKind.Text),
        new("replica-announce-ip", "", SettingKind.Text) { Alias = "slave-announce-ip" },
        new("tls-client-key-file-pass", "", SettingKind.Text) { IsSecret = true },
        new("tls-key-file-pass", "", SettingKind.Text) { IsSecret = true },
    ];

    private static IEnumerable<Setting> Fixed =>
    [
        .. Settled.Select(each => new Setting(each.Name, each.Value, SettingKind.Text) { IsSettled = true }),
        .. Unchangeable.Select(each => new Setting(each.Name, each.Value, SettingKind.Text) { IsImmutable = true }),
        new Setting("replicaof", "", SettingKind.Text) { IsImmutable = true, Alias = "slaveof" },
        new Setting("dbfilename", "dump.rdb", SettingKind.Text) { IsProtected = true },
        new Setting("dir", "", SettingKind.Text) { IsProtected = true },
    ];

    private static (string Name, string Value)[] Settled =>
    [
        ("bind-source-addr", ""), ("protected-mode", "no"), ("tls-auth-clients", "yes"), ("tls-ca-cert-dir", ""), ("tls-ca-cert-file", ""), ("tls-cert-file", ""), ("tls-ciphers", ""), ("tls-ciphersuites", ""),
        ("tls-client-cert-file", ""), ("tls-client-key-file", ""), ("tls-cluster", "no"), ("tls-dh-params-file", ""), ("tls-key-file", ""), ("tls-protocols", ""), ("tls-replication", "no"),
    ];

    private static (string Name, string Value)[] Unchangeable =>
    [
        ("aclfile", ""), ("always-show-logo", "no"), ("aof_rewrite_cpulist", ""), ("appenddirname", "appendonlydir"), ("appendfilename", "appendonly.aof"), ("bgsave_cpulist", ""), ("bio_cpulist", ""),
        ("cluster-config-file", "nodes.conf"), ("cluster-port", "0"), ("daemonize", "no"), ("disable-thp", "yes"), ("enable-module-command", "no"), ("enable-protected-configs", "no"), ("io-threads", "1"), ("io-threads-do-reads", "no"),
        ("logfile", ""), ("pidfile", ""), ("server_cpulist", ""), ("set-proc-title", "yes"), ("socket-mark-id", "0"), ("supervised", "no"), ("syslog-enabled", "no"), ("syslog-facility", "local0"), ("syslog-ident", "redis"),
        ("tcp-backlog", "511"), ("unixsocket", ""), ("unixsocketperm", "0"),
    ];
}
