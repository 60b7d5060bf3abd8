using System.Globalization;
using System.Text;
using Holdfast.Primitives;

namespace Holdfast.Keyspace;

/// <summary>INFO: the fields that clients and exporters read.</summary>
internal sealed class InfoCommand : ICommandFamily
{
    private static readonly (string Name, string Title)[] Sections =
    [
        ("server", "Server"), ("clients", "Clients"), ("memory", "Memory"), ("persistence", "Persistence"), ("stats", "Stats"), ("replication", "Replication"), ("cpu", "CPU"), ("modules", "Modules"), ("commandstats", "Commandstats"),
        ("errorstats", "Errorstats"), ("latencystats", "Latencystats"), ("cluster", "Cluster"), ("keyspace", "Keyspace"),
    ];

    /// <summary>Sections that are only told when they are asked for, or all are.</summary>
    private static readonly string[] Unusual = ["commandstats", "latencystats"];

    public void Bind(CommandTable table) => table.Bind("info", Info, "Describes the server");

    private static void Info(CommandCall call)
    {
        var asked = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 1; i < call.Count; i++) asked.Add(Encoding.UTF8.GetString(call[i]).ToLowerInvariant());
        if (asked.Count == 0 || asked.Contains("default")) asked.UnionWith(Sections.Select(section => section.Name).Except(Unusual));
        if (asked.Contains("all") || asked.Contains("everything")) asked.UnionWith(Sections.Select(section => section.Name));
        var text = new StringBuilder();
        foreach (var (name, title) in Sections)
        {
            if (!asked.Contains(name)) continue;
            if (text.Length > 0) text.Append("\r\n");
            text.Append("# ").Append(title).Append("\r\n");
            foreach (var (field, value) in Fields(name, call.Node)) text.Append(field).Append(':').Append(value).Append("\r\n");
        }

        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static IEnumerable<(string Name, string Value)> Fields(string section, KeyspaceNode node) => section switch
    {
        "server" => Server(node),
        "clients" => Clients(node),
        "memory" => Memory(node),
        "persistence" => Persistence(node),
        "stats" => Statistics(node),
        "replication" => Replication(node),
        "commandstats" => Commands(node),
        "cpu" => Processor(),
        "errorstats" => node.Counters.ErrorCodes.Select(pair => ("errorstat_" + pair.Key, $"count={Text(pair.Value)}")),
        "latencystats" => Latencies(node),
        "cluster" => [("cluster_enabled", "1")],
        "keyspace" => KeyCounts(node),
        _ => [],
    };

    private static IEnumerable<(string, string)> Replication(KeyspaceNode node)
    {
        var topology = node.Topology;
        var isSlave = topology.Follows.TryGetValue(topology.Self, out var master);
        yield return ("role", isSlave ? "slave" : "master");
        if (isSlave && topology.PeerOf(master) is { } peer)
            foreach (var fact in ((string, string)[])[("master_host", peer.Host), ("master_port", Text(peer.Port)), ("master_link_status", "up"), ("slave_read_only", "1")]) yield return fact;
        yield return ("connected_slaves", Text(topology.Follows.Values.Count(followed => followed == topology.Self)));
        (string, string)[] rest =
        [
            ("master_failover_state", "no-failover"), ("master_replid", ClusterPeer.NameOf(new NodeId(topology.Self.Value + (ulong)node.ReplicationChanges))), ("master_replid2", new string('0', 40)), ("master_repl_offset", "0"), ("second_repl_offset", "-1"),
            ("repl_backlog_active", "0"), ("repl_backlog_size", "0"), ("repl_backlog_first_byte_offset", "0"), ("repl_backlog_histlen", "0"),
        ];
        foreach (var fact in rest) yield return fact;
    }

    private static (string, string)[] Server(KeyspaceNode node) =>
    [
        ("redis_version", ConnectionCommands.RedisVersion), ("redis_git_sha1", "00000000"), ("redis_git_dirty", "0"), ("redis_build_id", "0"), ("redis_mode", "cluster"), ("os", "Linux"), ("arch_bits", "64"),
        ("monotonic_clock", "POSIX clock_gettime"), ("multiplexing_api", "epoll"), ("atomicvar_api", "dotnet"), ("gcc_version", "0.0.0"), ("process_id", Text(Environment.ProcessId)), ("process_supervised", "no"), ("run_id", ClusterPeer.NameOf(node.Topology.Self)),
        ("tcp_port", Text(node.Topology.PeerOf(node.Topology.Self)?.PortFor(null) ?? 0)), ("server_time_usec", Text(node.WallMicros)), ("uptime_in_seconds", Text((node.WallMicros - node.StartedMicros) / 1_000_000)),
        ("uptime_in_days", Text((node.WallMicros - node.StartedMicros) / 86_400_000_000)), ("hz", "10"), ("configured_hz", "10"), ("lru_clock", Text(node.WallMicros / 1_000_000 & 0xFFFFFF)), ("executable", Environment.ProcessPath ?? ""),
        ("config_file", ""), ("io_threads_active", "0"), ("server_name", "holdfast"),
    ];

    private static (string, string)[] Clients(KeyspaceNode node) =>
    [
        ("connected_clients", Text(node.Clients.Count)), ("cluster_connections", Text(Math.Max(0, node.Topology.Peers.Length - 1))), ("maxclients", Text(Math.Min(node.Options.ClientsMax, node.Settings.ClientsMax))),
        ("client_recent_max_input_buffer", Text(node.Clients.Values.Select(each => (long)each.Input.Capacity).DefaultIfEmpty().Max())), ("client_recent_max_output_buffer", Text(node.Clients.Values.Select(each => (long)each.Replies.Capacity).DefaultIfEmpty().Max())),
        ("blocked_clients", Text(node.Clients.Values.Count(each => each.IsBlocked || each.IsPaused))), ("tracking_clients", Text(node.Tracking.Clients)), ("clients_in_timeout_table", "0"),
    ];

    private static (string, string)[] Memory(KeyspaceNode node)
    {
        var (used, reserved, scripts) = (node.MemoryUsed, node.MemoryReserved, node.Scripts.MemoryUsed);
        var (system, libraries) = (GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, node.Functions.Libraries.Values.Sum(library => (long)library.Code.Length));
        return
        [
            ("used_memory", Text(used)), ("used_memory_human", Human(used)), ("used_memory_rss", Text(reserved)), ("used_memory_rss_human", Human(reserved)), ("used_memory_peak", Text(node.MemoryPeak)),
            ("used_memory_peak_human", Human(node.MemoryPeak)), ("used_memory_peak_perc", Percent(used, node.MemoryPeak)), ("used_memory_overhead", "0"), ("used_memory_startup", "0"), ("used_memory_dataset", Text(used)),
            ("used_memory_dataset_perc", Percent(used, used)), ("allocator_allocated", Text(used)), ("allocator_active", Text(reserved)), ("allocator_resident", Text(reserved)), ("total_system_memory", Text(system)),
            ("total_system_memory_human", Human(system)), ("used_memory_lua", Text(scripts)), ("used_memory_vm_eval", Text(scripts)), ("used_memory_lua_human", Human(scripts)), ("used_memory_scripts_eval", Text(node.Scripts.Cache.Bytes)),
            ("number_of_cached_scripts", Text(node.Scripts.Cache.Count)), ("number_of_functions", Text(node.Functions.Libraries.Values.Sum(library => library.Functions.Count))), ("number_of_libraries", Text(node.Functions.Libraries.Count)),
            ("used_memory_vm_functions", "0"), ("used_memory_vm_total", Text(scripts)), ("used_memory_vm_total_human", Human(scripts)), ("used_memory_functions", Text(libraries)), ("used_memory_scripts", Text(node.Scripts.Cache.Bytes + libraries)),
            ("used_memory_scripts_human", Human(node.Scripts.Cache.Bytes + libraries)), ("maxmemory", Text(node.Settings.MemoryMax)), ("maxmemory_human", Human(node.Settings.MemoryMax)),
            ("maxmemory_policy", node.Settings.Find("maxmemory-policy")!.Value), ("allocator_frag_ratio", Ratio(reserved, used)), ("allocator_frag_bytes", Text(reserved - used)), ("allocator_rss_ratio", "1.00"), ("allocator_rss_bytes", "0"),
            ("rss_overhead_ratio", "1.00"), ("rss_overhead_bytes", "0"), ("mem_fragmentation_ratio", Ratio(reserved, used)), ("mem_fragmentation_bytes", Text(reserved - used)), ("mem_not_counted_for_evict", "0"),
            ("mem_replication_backlog", "0"), ("mem_total_replication_buffers", "0"), ("mem_clients_slaves", "0"), ("mem_clients_normal", Text(node.Clients.Values.Sum(each => (long)each.Input.Capacity + each.Replies.Capacity))),
            ("mem_cluster_links", "0"), ("mem_aof_buffer", "0"), ("mem_allocator", "holdfast-arena"), ("active_defrag_running", "0"), ("lazyfree_pending_objects", "0"), ("lazyfreed_objects", "0"),
        ];
    }

    /// <summary>Redis's words for what a process does about its disk; here each entry is in the log before it is acknowledged, so what concerns saving is never under way and never fails.</summary>
    private static (string, string)[] Persistence(KeyspaceNode node) =>
    [
        ("loading", "0"), ("async_loading", "0"), ("current_cow_peak", "0"), ("current_cow_size", "0"), ("current_cow_size_age", "0"), ("current_fork_perc", "0.00"), ("current_save_keys_processed", "0"), ("current_save_keys_total", "0"),
        ("rdb_changes_since_last_save", "0"), ("rdb_bgsave_in_progress", "0"), ("rdb_last_save_time", Text(node.StartedMicros / 1_000_000)), ("rdb_last_bgsave_status", "ok"), ("rdb_last_bgsave_time_sec", "-1"),
        ("rdb_current_bgsave_time_sec", "-1"), ("rdb_saves", "0"), ("rdb_last_cow_size", "0"), ("rdb_last_load_keys_expired", "0"), ("rdb_last_load_keys_loaded", "0"), ("aof_enabled", "1"), ("aof_rewrite_in_progress", "0"),
        ("aof_rewrite_scheduled", "0"), ("aof_last_rewrite_time_sec", "-1"), ("aof_current_rewrite_time_sec", "-1"), ("aof_last_bgrewrite_status", "ok"), ("aof_rewrites", "0"), ("aof_rewrites_consecutive_failures", "0"),
        ("aof_last_write_status", "ok"), ("aof_last_cow_size", "0"), ("module_fork_in_progress", "0"), ("module_fork_last_cow_size", "0"),
    ];

    private static (string, string)[] Statistics(KeyspaceNode node) =>
    [
        ("total_connections_received", Text(node.Counters.Connections)), ("total_commands_processed", Text(node.Counters.Commands)), ("instantaneous_ops_per_sec", Text((long)node.Rates.Commands)),
        ("total_net_input_bytes", Text(node.Counters.BytesIn)), ("total_net_output_bytes", Text(node.Counters.BytesOut)), ("total_net_repl_input_bytes", "0"), ("total_net_repl_output_bytes", "0"),
        ("instantaneous_input_kbps", Fixed(node.Rates.BytesIn / 1024)), ("instantaneous_output_kbps", Fixed(node.Rates.BytesOut / 1024)), ("instantaneous_input_repl_kbps", "0.00"), ("instantaneous_output_repl_kbps", "0.00"),
        ("rejected_connections", Text(node.Counters.RejectedClients)), ("sync_full", "0"), ("sync_partial_ok", "0"), ("sync_partial_err", "0"), ("expired_keys", Text(node.Counters.ExpiredKeys)), ("expired_stale_perc", "0.00"),
        ("expired_time_cap_reached_count", "0"), ("expire_cycle_cpu_milliseconds", "0"), ("evicted_keys", Text(node.Counters.EvictedKeys)), ("evicted_clients", "0"), ("total_eviction_exceeded_time", "0"),
        ("current_eviction_exceeded_time", "0"), ("keyspace_hits", Text(node.Counters.Hits)), ("keyspace_misses", Text(node.Counters.Misses)), ("pubsub_channels", Text(node.Subscriptions.Channels.Count)),
        ("pubsub_patterns", Text(node.Subscriptions.Patterns)), ("pubsubshard_channels", Text(node.Subscriptions.ShardChannels.Count)), ("latest_fork_usec", "0"), ("total_forks", "0"), ("migrate_cached_sockets", "0"),
        ("slave_expires_tracked_keys", "0"), ("active_defrag_hits", "0"), ("active_defrag_misses", "0"), ("active_defrag_key_hits", "0"), ("active_defrag_key_misses", "0"), ("total_active_defrag_time", "0"),
        ("current_active_defrag_time", "0"), ("tracking_total_keys", Text(node.Tracking.Keys)), ("tracking_total_items", Text(node.Tracking.Items)), ("tracking_total_prefixes", Text(node.Tracking.Prefixes)),
        ("unexpected_error_replies", "0"), ("total_error_replies", Text(node.Counters.Errors)), ("dump_payload_sanitizations", "0"), ("total_reads_processed", Text(node.Counters.Commands)),
        ("total_writes_processed", Text(node.Counters.Commands)), ("io_threaded_reads_processed", "0"), ("io_threaded_writes_processed", "0"), ("reply_buffer_shrinks", "0"), ("reply_buffer_expands", "0"),
        ("client_query_buffer_limit_disconnections", "0"), ("client_output_buffer_limit_disconnections", Text(node.Counters.OutputDisconnections)), ("holdfast_forwarded_commands", Text(node.Counters.Forwarded)), ("holdfast_forwarded_clients", Text(node.Forwards.Guests)),
    ];

    /// <summary>Processor time of the whole process, in seconds.</summary>
    private static (string, string)[] Processor()
    {
        var used = Environment.CpuUsage;
        return [("used_cpu_sys", Seconds(used.PrivilegedTime)), ("used_cpu_user", Seconds(used.UserTime)), ("used_cpu_sys_children", "0.000000"), ("used_cpu_user_children", "0.000000"), ("used_cpu_sys_main_thread", Seconds(used.PrivilegedTime)), ("used_cpu_user_main_thread", Seconds(used.UserTime))];
    }

    private static IEnumerable<(string, string)> Commands(KeyspaceNode node)
    {
        foreach (var spec in node.Table.Specs)
        {
            var counted = spec.Statistics;
            if (counted.Calls + counted.Rejected == 0) continue;
            var each = counted.Calls == 0 ? 0 : (double)counted.Micros / counted.Calls;
            yield return ("cmdstat_" + spec.Name, string.Create(CultureInfo.InvariantCulture, $"calls={counted.Calls},usec={counted.Micros},usec_per_call={each:0.00},rejected_calls={counted.Rejected},failed_calls={counted.Failed}"));
        }
    }

    private static IEnumerable<(string, string)> Latencies(KeyspaceNode node)
    {
        if (!node.Settings.TracksLatency) return [];
        string Shares(CommandStatistics counted) => string.Join(',', node.Settings.Percentiles.Select(share => string.Create(CultureInfo.InvariantCulture, $"p{share}={counted.Percentile(share / 100):0.000}")));
        return node.Table.Specs.Where(spec => spec.Statistics.IsTimed).Select(spec => ("latency_percentiles_usec_" + spec.Name, Shares(spec.Statistics)));
    }

    private static IEnumerable<(string, string)> KeyCounts(KeyspaceNode node)
    {
        var keys = node.Topology.Led.Sum(seat => seat.Machine.State.ServedKeys);
        var expiring = node.Topology.Led.Sum(seat => seat.Machine.Keyspace.VolatileCount);
        if (keys > 0) yield return ("db0", string.Create(CultureInfo.InvariantCulture, $"keys={keys},expires={expiring},avg_ttl=0"));
    }

    private static string Human(long bytes) => bytes switch
    {
        < 1024 => Text(bytes) + "B",
        < 1024 * 1024 => (bytes / 1024.0).ToString("0.00", CultureInfo.InvariantCulture) + "K",
        < 1024 * 1024 * 1024 => (bytes / 1048576.0).ToString("0.00", CultureInfo.InvariantCulture) + "M",
        _ => (bytes / 1073741824.0).ToString("0.00", CultureInfo.InvariantCulture) + "G",
    };

    private static string Percent(long part, long whole) => (whole == 0 ? 100 : 100.0 * part / whole).ToString("0.00", CultureInfo.InvariantCulture) + "%";

    private static string Ratio(long part, long whole) => Fixed(whole == 0 ? 1 : (double)part / whole);

    private static string Fixed(double number) => number.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000000", CultureInfo.InvariantCulture);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
