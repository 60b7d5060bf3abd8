using Holdfast.Keyspace;
using Holdfast.Replication;

namespace Holdfast.Server.Configuration;

/// <summary>What may be said about the Redis face.</summary>
internal static class RedisSettings
{
    public static KeyspaceOptions Of(SettingValues values, List<string> faults)
    {
        var value = values[Settings.RedisDurability];
        switch (value.Text)
        {
            case "quorum": return new KeyspaceOptions { Durability = Durability.Quorum };
            case "async": return new KeyspaceOptions { Durability = Durability.Async };
            default:
                faults.Add($"{Settings.RedisDurability.Key} ({value.Origin}): \"{value.Text}\" is neither quorum nor async");
                return new KeyspaceOptions();
        }
    }
}
