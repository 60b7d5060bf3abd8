using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Holdfast.Transport;

/// <summary>"host:port" as people write it, with brackets around an IPv6 literal.</summary>
public static class HostPort
{
    /// <summary>Splits "host:port" or "[v6]:port"; false when it is neither.</summary>
    public static bool TryParse(string text, out string host, out int port)
    {
        host = "";
        port = 0;
        var colon = text.LastIndexOf(':');
        if (colon <= 0) return false;
        host = text[..colon];
        if (host.StartsWith('[') && host.EndsWith(']')) host = host[1..^1];
        else if (host.Contains(':')) return false;
        if (host.Length == 0) return false;
        return int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 0 and <= 65535;
    }

    /// <summary>Joins the two, with brackets where they are needed.</summary>
    public static string Format(string host, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':') ? $"[{host}]" : host)}:{port}");

    /// <summary>The addresses of a host, IPv4 first; a literal and "localhost" are answered without asking anyone.</summary>
    public static async ValueTask<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        if (TryResolveAtOnce(host, out var literal)) return [literal];
        var addresses = await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
        Array.Sort(addresses, static (left, right) => (left.AddressFamily == AddressFamily.InterNetwork ? 0 : 1) - (right.AddressFamily == AddressFamily.InterNetwork ? 0 : 1));
        return addresses;
    }

    internal static bool TryResolveAtOnce(string host, out IPAddress address)
    {
        if (IPAddress.TryParse(host, out address!)) return true;
        if (!string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)) return false;
        address = IPAddress.Loopback;
        return true;
    }
}
