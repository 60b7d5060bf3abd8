using Holdfast.Wire.Resp;

namespace Holdfast.Keyspace;

/// <summary>CONFIG's names and values on this node. What nothing looks at yet is kept so that tools which set it go on; <see cref="ConfigCommands"/> says which those are.</summary>
internal sealed class SettingTable(KeyspaceOptions options)
{
    private readonly SortedDictionary<string, string> values = new(StringComparer.Ordinal)
    {
        ["appendfsync"] = "always",
        ["appendonly"] = "yes",
        ["bind"] = "127.0.0.1",
        ["busy-reply-threshold"] = "5000",
        ["cluster-enabled"] = "yes",
        ["cluster-node-timeout"] = "1000",
        ["databases"] = "1",
        ["hash-max-listpack-entries"] = "128",
        ["hash-max-listpack-value"] = "64",
        ["list-compress-depth"] = "0",
        ["list-max-listpack-size"] = "-2",
        ["lua-time-limit"] = "5000",
        ["maxclients"] = options.ClientsMax.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["maxmemory"] = "0",
        ["maxmemory-policy"] = "noeviction",
        ["maxmemory-samples"] = "5",
        ["notify-keyspace-events"] = "",
        ["proto-max-bulk-len"] = "536870912",
        ["requirepass"] = "",
        ["save"] = "",
        ["set-max-intset-entries"] = "512",
        ["slowlog-log-slower-than"] = "10000",
        ["slowlog-max-len"] = "128",
        ["stream-node-max-bytes"] = "4096",
        ["stream-node-max-entries"] = "100",
        ["tcp-keepalive"] = "300",
        ["timeout"] = "0",
        ["zset-max-listpack-entries"] = "128",
        ["zset-max-listpack-value"] = "64",
    };

    /// <summary>All of them by name.</summary>
    public IReadOnlyDictionary<string, string> All => values;

    /// <summary>What a request may be.</summary>
    public RespLimits Limits { get; } = new();

    /// <summary>How long a script runs before other clients are told that the node is busy; zero for ever.</summary>
    public TimeSpan BusyAfter { get; private set; } = TimeSpan.FromSeconds(5);

    public bool TrySet(string name, string value)
    {
        if (!values.ContainsKey(name)) return false;
        values[name] = value;
        if (name is "busy-reply-threshold" or "lua-time-limit")
        {
            values["busy-reply-threshold"] = values["lua-time-limit"] = value;
            BusyAfter = TimeSpan.FromMilliseconds(long.Parse(value, System.Globalization.CultureInfo.InvariantCulture));
        }

        return true;
    }
}
