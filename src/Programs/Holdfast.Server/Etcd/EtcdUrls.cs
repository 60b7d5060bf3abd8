using System.Net;
using Holdfast.Coordination;

namespace Holdfast.Server.Etcd;

/// <summary>Where to listen, as a URL said it.</summary>
internal readonly record struct ListenUrl(IPEndPoint Address, bool IsTls);

/// <summary>The URLs among etcd's flags.</summary>
internal sealed class EtcdUrls(EtcdArguments arguments, List<string> faults)
{
    private readonly bool isInsecure = arguments.IsOn("insecure", faults);

    /// <summary>The addresses of a flag; what cannot be bound, or should not be, is said.</summary>
    /// <param name="flag">The flag.</param>
    /// <param name="otherwise">What holds without it.</param>
    /// <param name="certificate">The flags that give this port a certificate.</param>
    public List<ListenUrl> Listen(string flag, string otherwise, params ReadOnlySpan<string> certificate)
    {
        var found = new List<ListenUrl>();
        var hasCertificate = false;
        foreach (var one in certificate) hasCertificate |= arguments.Has(one) && arguments.Text(one) != "false";
        foreach (var text in arguments.Text(flag, otherwise).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Parse(flag, text, mayChoosePort: true) is not { } url) continue;
            var isTls = url.Scheme == "https";
            if (isTls && !hasCertificate) faults.Add($"{arguments.Named(flag)}: {text}: https needs a certificate; name it with --{certificate[0]}");
            if (url.Host == "localhost") found.Add(new ListenUrl(new IPEndPoint(IPAddress.Loopback, url.Port), isTls));
            else if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address)) found.Add(new ListenUrl(new IPEndPoint(address, url.Port), isTls));
            else faults.Add($"{arguments.Named(flag)}: {text}: listen at an IP address, not at a name");
            if (found.Count > 0 && !isTls) RefuseOpen(flag, text, found[^1].Address, "there is neither TLS nor authentication");
        }

        if (found.Count == 0 && faults.Count == 0) faults.Add($"{arguments.Named(flag)}: no address is given");
        return found;
    }

    /// <summary>Says that an address can be reached from other machines, unless it cannot or that was accepted.</summary>
    public void RefuseOpen(string flag, string text, IPEndPoint address, string why)
    {
        if (isInsecure || IPAddress.IsLoopback(address.Address)) return;
        faults.Add($"{arguments.Named(flag)}: {text} can be reached from other machines, and {why}; bind to 127.0.0.1, or accept it with --insecure (ETCD_INSECURE=true)");
    }

    /// <summary>A URL; null, and the fault said, when it is none.</summary>
    /// <param name="flag">The flag that said it.</param>
    /// <param name="text">What it said.</param>
    /// <param name="mayChoosePort">Whether port 0 is one: where we listen, the system may choose.</param>
    public Uri? Parse(string flag, string text, bool mayChoosePort = false)
    {
        if (PeerUrl.IsGood(text) || (mayChoosePort && text.EndsWith(":0", StringComparison.Ordinal) && PeerUrl.IsGood(text[..^1] + "1"))) return new Uri(text);
        faults.Add($"{arguments.Named(flag)}: \"{text}\" is not http://host:port or https://host:port");
        return null;
    }
}
