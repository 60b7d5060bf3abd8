using System.Globalization;
using System.Text;

namespace Holdfast.Keyspace;

/// <summary>INFO: the fields that clients and exporters read.</summary>
internal sealed class InfoCommand : ICommandFamily
{
    private static readonly string[] Usual = ["server", "clients", "memory", "persistence", "stats", "replication", "cpu", "cluster", "keyspace"];

    public void Bind(CommandTable table) => table.Bind("info", Info, "Describes the server");

    private static void Info(CommandCall call)
    {
        var asked = new List<string>();
        for (var i = 1; i < call.Count; i++) asked.Add(Encoding.UTF8.GetString(call[i]).ToLowerInvariant());
        if (asked.Count == 0 || asked.Exists(name => name is "all" or "default" or "everything")) asked.AddRange(Usual);
        var text = new StringBuilder();
        foreach (var section in Usual)
        {
            if (!asked.Contains(section)) continue;
            if (text.Length > 0) text.Append("\r\n");
            text.Append("# ").Append(section == "cpu" ? "CPU" : char.ToUpperInvariant(section[0]) + section[1..]).Append("\r\n");
            foreach (var (name, value) in Fields(section, call.Node)) text.Append(name).Append(':').Append(value).Append("\r\n");
        }

        call.Reply.Verbatim("txt"u8, Encoding.UTF8.GetBytes(text.ToString()));
    }

    private static IEnumerable<(string Name, string Value)> Fields(string section, KeyspaceNode node) => section switch
    {
        "server" => Server(node),
        "clients" => [("connected_clients", Text(node.Clients.Count)), ("cluster_connections", Text(Math.Max(0, node.Topology.Peers.Length - 1))), ("maxclients", Text(node.Options.ClientsMax)), ("blocked_clients", Text(node.Clients.Values.Count(each => each.IsBlocked)))],
        "memory" => [("used_memory", Text(node.MemoryUsed)), ("used_memory_dataset", Text(node.MemoryUsed)), ("maxmemory", node.Settings.All["maxmemory"]), ("maxmemory_policy", node.Settings.All["maxmemory-policy"]), ("mem_allocator", "holdfast-arena")],
        "persistence" => [("loading", "0"), ("async_loading", "0"), ("rdb_changes_since_last_save", "0"), ("rdb_bgsave_in_progress", "0"), ("aof_enabled", "1"), ("aof_last_write_status", "ok")],
        "stats" => Statistics(node),
        "replication" => [("role", "master"), ("connected_slaves", "0"), ("master_repl_offset", "0")],
        "cpu" => [],
        "cluster" => [("cluster_enabled", "1")],
        _ => KeyCounts(node),
    };

    private static (string, string)[] Server(KeyspaceNode node) =>
    [
        ("redis_version", ConnectionCommands.RedisVersion), ("redis_mode", "cluster"), ("os", "Linux"), ("arch_bits", "64"), ("run_id", ClusterPeer.NameOf(node.Topology.Self)),
        ("tcp_port", Text(node.Topology.PeerOf(node.Topology.Self)?.Port ?? 0)), ("server_time_usec", Text(node.WallMicros)), ("uptime_in_seconds", Text((node.WallMicros - node.StartedMicros) / 1_000_000)),
        ("uptime_in_days", Text((node.WallMicros - node.StartedMicros) / 86_400_000_000)), ("server_name", "holdfast"),
    ];

    private static (string, string)[] Statistics(KeyspaceNode node) =>
    [
        ("total_connections_received", Text(node.Counters.ClientsEver)), ("total_commands_processed", Text(node.Counters.Commands)), ("total_net_input_bytes", Text(node.Counters.BytesIn)),
        ("total_net_output_bytes", Text(node.Counters.BytesOut)), ("rejected_connections", Text(node.Counters.RejectedClients)), ("expired_keys", Text(node.Counters.ExpiredKeys)),
        ("evicted_keys", Text(node.Counters.EvictedKeys)), ("keyspace_hits", Text(node.Counters.Hits)), ("keyspace_misses", Text(node.Counters.Misses)), ("total_error_replies", Text(node.Counters.Errors)),
    ];

    private static IEnumerable<(string, string)> KeyCounts(KeyspaceNode node)
    {
        var keys = node.Topology.Led.Sum(seat => seat.Machine.State.ServedKeys);
        var expiring = node.Topology.Led.Sum(seat => seat.Machine.Keyspace.VolatileCount);
        if (keys > 0) yield return ("db0", string.Create(CultureInfo.InvariantCulture, $"keys={keys},expires={expiring},avg_ttl=0"));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
