using Holdfast.Keyspace;
using Holdfast.Replication;

namespace Holdfast.Server.Configuration;

/// <summary>What may be said about the Redis face.</summary>
internal static class RedisSettings
{
    public static KeyspaceOptions Of(SettingValues values, List<string> faults) => new()
    {
        Durability = Choose(values, Settings.RedisDurability, "quorum", "async", faults) ? Durability.Async : Durability.Quorum,
        IsBootstrappedByHand = Choose(values, Settings.RedisBootstrap, "auto", "manual", faults),
    };

    /// <summary>Whether it is the second of two words.</summary>
    private static bool Choose(SettingValues values, Setting setting, string first, string second, List<string> faults)
    {
        var value = values[setting];
        if (value.Text != first && value.Text != second) faults.Add($"{setting.Key} ({value.Origin}): \"{value.Text}\" is neither {first} nor {second}");
        return value.Text == second;
    }
}
