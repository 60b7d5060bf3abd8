using Holdfast.Server.Configuration;

namespace Holdfast.Server.Etcd;

/// <summary>etcd's configuration file: YAML whose keys are its flags, those of TLS in two sections of their own.</summary>
internal static class EtcdConfigFile
{
    private const string ClientSection = "client-transport-security.";
    private const string PeerSection = "peer-transport-security.";

    /// <summary>The file's keys and values, sections with a dot: <c>client-transport-security.cert-file</c>.</summary>
    public static IReadOnlyDictionary<string, string> Read(string path, string origin, List<string> faults)
    {
        try
        {
            using var reader = File.OpenText(path);
            return SettingsFile.Parse(reader, path, faults, joinsLists: true);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException)
        {
            faults.Add($"{origin}: {path} cannot be read: {unreadable.Message}");
            return new Dictionary<string, string>();
        }
    }

    /// <summary>The flag that says what a key says.</summary>
    public static string FlagOf(string key)
    {
        if (key.StartsWith(ClientSection, StringComparison.Ordinal)) return FlagOf(key[ClientSection.Length..], "", "client-");
        return key.StartsWith(PeerSection, StringComparison.Ordinal) ? FlagOf(key[PeerSection.Length..], "peer-", "peer-") : key;
    }

    private static string FlagOf(string key, string prefix, string longPrefix) => key switch
    {
        "client-cert-auth" => prefix + key,
        "client-cert-file" or "client-key-file" => prefix + key,
        "allowed-cn" or "allowed-hostname" => longPrefix + "cert-" + key,
        "crl-file" => longPrefix + key,
        _ => prefix + key,
    };
}
