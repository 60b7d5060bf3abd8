using Holdfast.Keyspace;
using Holdfast.Replication;

namespace Holdfast.Server.Configuration;

/// <summary>What may be said about the Redis face.</summary>
internal static class RedisSettings
{
    public static KeyspaceOptions Of(SettingValues values, List<string> faults) => new()
    {
        Durability = OneOf(values, Settings.RedisDurability, ["quorum", "async"], faults) == "async" ? Durability.Async : Durability.Quorum,
        IsBootstrappedByHand = OneOf(values, Settings.RedisBootstrap, ["auto", "manual"], faults) == "manual",
        DebugCommand = OneOf(values, Settings.RedisDebug, ["no", "local", "yes"], faults),
    };

    private static string OneOf(SettingValues values, Setting setting, string[] words, List<string> faults)
    {
        var value = values[setting];
        if (words.Contains(value.Text)) return value.Text;
        faults.Add($"{setting.Key} ({value.Origin}): \"{value.Text}\" is neither {string.Join(" nor ", words)}");
        return words[0];
    }
}
