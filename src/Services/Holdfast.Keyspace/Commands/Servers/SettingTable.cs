using System.Globalization;
using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>What eviction does when memory is short (maxmemory-policy).</summary>
internal enum EvictionPolicy : byte
{
    NoEviction,
    AllKeysLru,
    AllKeysLfu,
    AllKeysRandom,
    VolatileLru,
    VolatileLfu,
    VolatileRandom,
    VolatileTtl,
}

/// <summary>CONFIG's names and values on this node. What nothing looks at is kept so that tools which set it go on; docs/keyspace.md says which have an effect.</summary>
internal sealed class SettingTable
{
    private readonly SortedDictionary<string, Setting> settings = new(StringComparer.Ordinal);

    public SettingTable(KeyspaceOptions options)
    {
        foreach (var setting in (IEnumerable<Setting>)[.. Followed(options), .. KeptSettings.All])
        {
            settings[setting.Name] = setting;
            if (setting.Alias.Length > 0) settings[setting.Alias] = setting;
        }

        Follow();
    }

    /// <summary>All of them by name, second names included.</summary>
    public IReadOnlyDictionary<string, string> All => settings.ToDictionary(pair => pair.Key, pair => pair.Value.Value, StringComparer.Ordinal);

    /// <summary>What a request may be.</summary>
    public RespLimits Limits { get; } = new();

    /// <summary>Up to what size collections are one run of bytes.</summary>
    public CollectionLimits Collections { get; } = new();

    /// <summary>How long a script runs before other clients are told that the node is busy; zero for ever.</summary>
    public TimeSpan BusyAfter { get; private set; }

    /// <summary>Bytes of memory that keys may take on this node; 0 for no bound.</summary>
    public long MemoryMax { get; private set; }

    public EvictionPolicy Policy { get; private set; }

    /// <summary>Keys that are looked at to find one to evict.</summary>
    public int Samples { get; private set; }

    public long LfuDecayMinutes { get; private set; }

    public long LfuLogFactor { get; private set; }

    /// <summary>Microseconds from which on a command is written to the slow log; negative for never.</summary>
    public long SlowMicros { get; private set; }

    public long SlowEntriesMax { get; private set; }

    /// <summary>Milliseconds from which on a delay is kept (LATENCY); 0 for none.</summary>
    public long LatencyMillis { get; private set; }

    /// <summary>Whether the time of commands is kept by its distribution (INFO latencystats, LATENCY HISTOGRAM).</summary>
    public bool TracksLatency { get; private set; }

    /// <summary>Which of its shares INFO tells: 50 for the median.</summary>
    public double[] Percentiles { get; private set; } = [];

    /// <summary>Whether a new user may use all channels.</summary>
    public bool NewUsersHaveChannels { get; private set; }

    /// <summary>Refusals that are kept for ACL LOG.</summary>
    public long RefusalsMax { get; private set; }

    /// <summary>Keys that are remembered for clients that cache.</summary>
    public long TrackedKeysMax { get; private set; }

    public long ClientsMax { get; private set; }

    /// <summary>Seconds after which a client that says nothing is cut off; 0 for never.</summary>
    public long IdleSecondsMax { get; private set; }

    /// <summary>Whether nothing is served while some slot has no owner, or its quorum is away.</summary>
    public bool RequiresFullCoverage { get; private set; } = true;

    /// <summary>Whether reads are served even so.</summary>
    public bool ReadsWhenDown { get; private set; }

    /// <summary>After how long a node that does not answer counts as down.</summary>
    public long NodeTimeoutMillis { get; private set; }

    public bool IsLfu => Policy is EvictionPolicy.AllKeysLfu or EvictionPolicy.VolatileLfu;

    /// <summary>Those that differ from a new node's and may: what CONFIG REWRITE writes. A password is kept nowhere as it is.</summary>
    public IReadOnlyList<(string Name, string Value)> Changed =>
        [.. settings.Where(pair => pair.Key == pair.Value.Name && pair.Value is { IsImmutable: false, IsSettled: false, IsProtected: false, IsSecret: false, IsChanged: true }).Select(pair => (pair.Key, pair.Value.Value))];

    public Setting? Find(string name) => settings.GetValueOrDefault(name);

    /// <summary>Sets what was written down; null, or why not.</summary>
    public string? TryRestore(string name, string value)
    {
        if (Find(name) is not { IsImmutable: false, IsSettled: false, IsProtected: false, IsSecret: false } setting) return "it is no setting that is written down";
        if (setting.Check(value, out var kept) is { } fault) return fault;
        Set(setting, kept);
        return null;
    }

    /// <summary>What the program was told at its start: clients can only read it.</summary>
    public void Tell(string name, int value) => settings[name].Set(value.ToString(CultureInfo.InvariantCulture));

    /// <summary>Sets a checked value.</summary>
    public void Set(Setting setting, string kept)
    {
        setting.Set(kept);
        Follow();
    }

    /// <summary>Those that something here looks at, or that say how this node is.</summary>
    private static Setting[] Followed(KeyspaceOptions options)
    {
        static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
        string[] policies = ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction"];
        return
        [
            new("acl-pubsub-default", "resetchannels", SettingKind.Word) { Words = ["allchannels", "resetchannels"] },
            new("acllog-max-len", Number(AclLog.EntriesMax), SettingKind.Number) { Most = long.MaxValue },
            new("activedefrag", "no", SettingKind.Flag),
            new("activerehashing", "yes", SettingKind.Flag),
            new("appendfsync", "always", SettingKind.Word) { Words = ["everysec", "always", "no"] },
            new("appendonly", "yes", SettingKind.Flag),
            new("auto-aof-rewrite-min-size", "67108864", SettingKind.Memory),
            new("auto-aof-rewrite-percentage", "100", SettingKind.Number),
            new("bind", "127.0.0.1", SettingKind.Text) { IsSettled = true },
            new("busy-reply-threshold", "5000", SettingKind.Number) { Most = long.MaxValue, Alias = "lua-time-limit" },
            new("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", SettingKind.OutputLimit),
            new("cluster-allow-reads-when-down", "no", SettingKind.Flag),
            new("cluster-enabled", "yes", SettingKind.Flag) { IsImmutable = true },
            new("cluster-migration-barrier", "1", SettingKind.Number),
            new("cluster-node-timeout", "1000", SettingKind.Number) { Most = long.MaxValue },
            new("cluster-require-full-coverage", "yes", SettingKind.Flag),
            new("cluster-replica-validity-factor", "10", SettingKind.Number) { Alias = "cluster-slave-validity-factor" },
            new("databases", "1", SettingKind.Number) { IsImmutable = true },
            new("enable-debug-command", options.DebugCommand, SettingKind.Word) { Words = ["no", "yes", "local"], IsImmutable = true },
            new("hash-max-listpack-entries", "512", SettingKind.Number) { Most = long.MaxValue, Alias = "hash-max-ziplist-entries" },
            new("hash-max-listpack-value", "64", SettingKind.Number) { Most = long.MaxValue, Alias = "hash-max-ziplist-value" },
            new("hz", "10", SettingKind.Number),
            new("latency-monitor-threshold", "0", SettingKind.Number) { Most = long.MaxValue },
            new("latency-tracking", "yes", SettingKind.Flag),
            new("latency-tracking-info-percentiles", "50 99 99.9", SettingKind.Percentiles),
            new("lazyfree-lazy-eviction", "yes", SettingKind.Flag),
            new("lazyfree-lazy-expire", "yes", SettingKind.Flag),
            new("lazyfree-lazy-server-del", "yes", SettingKind.Flag),
            new("lazyfree-lazy-user-del", "yes", SettingKind.Flag),
            new("lazyfree-lazy-user-flush", "yes", SettingKind.Flag),
            new("lfu-decay-time", "1", SettingKind.Number),
            new("lfu-log-factor", "10", SettingKind.Number),
            new("list-compress-depth", "0", SettingKind.Number),
            new("list-max-listpack-size", "-2", SettingKind.Number) { Least = int.MinValue, Alias = "list-max-ziplist-size" },
            new("loglevel", "notice", SettingKind.Word) { Words = ["debug", "verbose", "notice", "warning"] },
            new("maxclients", Number(options.ClientsMax), SettingKind.Number) { Least = 1, Most = uint.MaxValue },
            new("maxmemory", "0", SettingKind.Memory),
            new("maxmemory-policy", "noeviction", SettingKind.Word) { Words = policies },
            new("maxmemory-samples", "5", SettingKind.Number) { Least = 1 },
            new("min-replicas-max-lag", "10", SettingKind.Number) { Alias = "min-slaves-max-lag" },
            new("min-replicas-to-write", "0", SettingKind.Number) { Alias = "min-slaves-to-write" },
            new("no-appendfsync-on-rewrite", "no", SettingKind.Flag),
            new("notify-keyspace-events", "", SettingKind.Events),
            new("port", "0", SettingKind.Number) { IsSettled = true },
            new("proto-max-bulk-len", "536870912", SettingKind.Memory) { Least = 1 << 20, Most = long.MaxValue },
            new("rdbchecksum", "yes", SettingKind.Flag) { IsImmutable = true },
            new("rdbcompression", "yes", SettingKind.Flag),
            new("replica-read-only", "yes", SettingKind.Flag) { Alias = "slave-read-only" },
            new("replica-serve-stale-data", "yes", SettingKind.Flag) { Alias = "slave-serve-stale-data" },
            new("requirepass", "", SettingKind.Text) { IsSecret = true },
            new("save", "", SettingKind.Save),
            new("set-max-intset-entries", "512", SettingKind.Number) { Most = long.MaxValue },
            new("set-max-listpack-entries", "128", SettingKind.Number) { Most = long.MaxValue },
            new("set-max-listpack-value", "64", SettingKind.Number) { Most = long.MaxValue },
            new("slowlog-log-slower-than", "10000", SettingKind.Number) { Least = -1, Most = long.MaxValue },
            new("slowlog-max-len", "128", SettingKind.Number) { Most = long.MaxValue },
            new("stop-writes-on-bgsave-error", "yes", SettingKind.Flag),
            new("stream-node-max-bytes", "4096", SettingKind.Memory),
            new("stream-node-max-entries", "100", SettingKind.Number) { Most = long.MaxValue },
            new("tcp-keepalive", "300", SettingKind.Number),
            new("timeout", "0", SettingKind.Number),
            new("tls-port", "0", SettingKind.Number) { IsSettled = true },
            new("tracking-table-max-keys", Number(TrackingTable.KeysMax), SettingKind.Number) { Most = long.MaxValue },
            new("zset-max-listpack-entries", "128", SettingKind.Number) { Most = long.MaxValue, Alias = "zset-max-ziplist-entries" },
            new("zset-max-listpack-value", "64", SettingKind.Number) { Most = long.MaxValue, Alias = "zset-max-ziplist-value" },
        ];
    }

    private void Follow()
    {
        BusyAfter = TimeSpan.FromMilliseconds(Math.Min(settings["busy-reply-threshold"].Number, int.MaxValue));
        MemoryMax = settings["maxmemory"].Number;
        Policy = Enum.Parse<EvictionPolicy>(settings["maxmemory-policy"].Value.Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
        Samples = (int)Math.Min(settings["maxmemory-samples"].Number, 64);
        LfuDecayMinutes = settings["lfu-decay-time"].Number;
        LfuLogFactor = settings["lfu-log-factor"].Number;
        SlowMicros = settings["slowlog-log-slower-than"].Number;
        SlowEntriesMax = Math.Min(settings["slowlog-max-len"].Number, SlowLog.EntriesMax);
        ClientsMax = settings["maxclients"].Number;
        TracksLatency = settings["latency-tracking"].Value == "yes";
        Percentiles = [.. settings["latency-tracking-info-percentiles"].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(share => double.Parse(share, CultureInfo.InvariantCulture))];
        NewUsersHaveChannels = settings["acl-pubsub-default"].Value == "allchannels";
        TrackedKeysMax = settings["tracking-table-max-keys"].Number is > 0 and < TrackingTable.KeysMax and var tracked ? tracked : TrackingTable.KeysMax;
        RefusalsMax = Math.Min(settings["acllog-max-len"].Number, AclLog.EntriesMax);
        LatencyMillis = Math.Min(settings["latency-monitor-threshold"].Number, int.MaxValue);
        IdleSecondsMax = settings["timeout"].Number;
        RequiresFullCoverage = settings["cluster-require-full-coverage"].Value == "yes";
        ReadsWhenDown = settings["cluster-allow-reads-when-down"].Value == "yes";
        NodeTimeoutMillis = settings["cluster-node-timeout"].Number;
        foreach (var setting in settings.Values) Collections.Take(setting.Name, setting.Value);
    }
}
