using System.Net.Security;
using System.Security.Authentication;

namespace Holdfast.Server.Etcd;

/// <summary>
/// What <c>--cipher-suites</c> leaves: names of TLS 1.2 with commas between, by IANA's registry or as Go writes them. The suites of TLS 1.3 cannot be left out, as in etcd; where only 1.3 is spoken there is
/// nothing to choose.
/// </summary>
internal sealed class EtcdCipherSuites(EtcdArguments arguments, List<string> faults)
{
    private const string Flag = "cipher-suites";

    /// <summary>What a name of TLS begins with: a number is no name.</summary>
    private const string Prefix = "TLS_";

    /// <summary>Two names that Go had before the registry.</summary>
    private const string GoSuffix = "_CHACHA20_POLY1305";

    private static readonly TlsCipherSuite[] Of13 = [TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256];

    /// <summary>The suites that may be chosen; none where the flag is not given.</summary>
    public IReadOnlyList<TlsCipherSuite> Allowed(SslProtocols protocols)
    {
        if (arguments.Text(Flag).Length == 0) return [];
        if (!protocols.HasFlag(SslProtocols.Tls12)) faults.Add($"{arguments.Named(Flag)}: cipher suites cannot be chosen when only TLS 1.3 is spoken");
        if (OperatingSystem.IsWindows()) faults.Add($"{arguments.Named(Flag)}: on Windows the system's own policy decides; set it there");
        var named = arguments.Text(Flag).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Parse).OfType<TlsCipherSuite>();
        return [.. named.Concat(protocols.HasFlag(SslProtocols.Tls13) ? Of13 : []).Distinct()];
    }

    private TlsCipherSuite? Parse(string name)
    {
        var registered = name.EndsWith(GoSuffix, StringComparison.Ordinal) ? name + "_SHA256" : name;
        if (registered.StartsWith(Prefix, StringComparison.Ordinal) && Enum.TryParse<TlsCipherSuite>(registered, out var suite)) return suite;
        faults.Add($"{arguments.Named(Flag)}: \"{name}\" is no cipher suite, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        return null;
    }
}
