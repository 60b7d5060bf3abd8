using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Holdfast.Cluster;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Configuration;
using Holdfast.Server.Hosting;
using Holdfast.Transport;

namespace Holdfast.Server.Etcd;

/// <summary>Certificates as etcd's flags ask for them: the operator's own, or ones that nobody signed, kept in the data directory.</summary>
internal sealed class EtcdTls(EtcdArguments arguments, EtcdUrls urls, string dataDirectory, List<string> faults)
{
    private const int YearsMax = 100;

    /// <summary>Where the clients' certificate of <c>--auto-tls</c> lies.</summary>
    private readonly string clientFixtures = Path.Combine(dataDirectory, "fixtures", "client");

    private readonly string peerFixtures = Path.Combine(dataDirectory, "fixtures", "peer");

    /// <summary>The folders in which certificates must be made before the node starts.</summary>
    public List<(string Folder, IReadOnlyCollection<string> Hosts)> ToMake { get; } = [];

    /// <summary>Years that they hold.</summary>
    public int Years { get; private set; } = 1;

    /// <summary>The clients' port: TLS when one of its addresses asks for it, as in etcd; a certificate that none asks for is not used, and that is said.</summary>
    public ClientPortPlan ClientPort(IReadOnlyCollection<ListenUrl> addresses)
    {
        Years = Validity();
        var asksClients = arguments.IsOn("client-cert-auth", faults);
        if (asksClients && !arguments.Has("trusted-ca-file")) faults.Add($"{arguments.Named("client-cert-auth")}: name the authority of the clients' certificates with --trusted-ca-file");
        if (arguments.Has("cert-file") != arguments.Has("key-file")) faults.Add($"{arguments.Named("cert-file")}, {arguments.Named("key-file")}: TLS needs both");
        var isTls = addresses.Any(static url => url.IsTls);
        var wantsAuto = arguments.IsOn("auto-tls", faults);
        if (!isTls && (wantsAuto || arguments.Has("cert-file")))
            arguments.Warnings.Add($"{arguments.Named(arguments.Has("cert-file") ? "cert-file" : "auto-tls")} has no effect: no address of --listen-client-urls is https");
        var isAuto = isTls && wantsAuto && !arguments.Has("cert-file");
        if (isAuto) ToMake.Add((clientFixtures, HostsOf(addresses)));
        var protocols = Protocols();
        return new ClientPortPlan
        {
            Certificate = !isTls ? "" : isAuto ? Path.Combine(clientFixtures, SelfSigned.CertificateFile) : arguments.Text("cert-file"),
            Key = !isTls ? "" : isAuto ? Path.Combine(clientFixtures, SelfSigned.KeyFile) : arguments.Text("key-file"),
            ClientCa = isTls && asksClients ? arguments.Text("trusted-ca-file") : "",
            Protocols = protocols,
            CipherSuites = new EtcdCipherSuites(arguments, faults).Allowed(protocols),
            Auth = ClientPortPlan.AuthOf(arguments.Text("auth-token", "simple"), arguments.Named("auth-token"), arguments.Text("auth-token-ttl", "300"), arguments.Named("auth-token-ttl"), faults),
        };
    }

    /// <summary>The certificates between nodes, from whichever authority and wherever they lie. Null without them.</summary>
    public TlsFolder? PeerFiles()
    {
        string[] flags = ["peer-cert-file", "peer-key-file", "peer-trusted-ca-file"];
        RefuseOtherClientSide("peer-client-cert-file", flags[0]);
        RefuseOtherClientSide("peer-client-key-file", flags[1]);
        if (!flags.Any(arguments.Has)) return null;
        var missing = flags.Where(flag => !arguments.Has(flag)).ToArray();
        foreach (var flag in missing) faults.Add($"--{flag}: missing; nodes speak TLS with --{string.Join(", --", flags)}, all three");
        return missing.Length > 0 ? null : TlsFolder.OfFiles(arguments.Text(flags[0]), arguments.Text(flags[1]), arguments.Text(flags[2]));
    }

    private void RefuseOtherClientSide(string flag, string whole)
    {
        if (arguments.Has(flag) && arguments.Text(flag) != arguments.Text(whole))
            faults.Add($"{arguments.Named(flag)}: a node shows one certificate, whichever side calls; name the file of --{whole}, or leave it out");
    }

    /// <summary>Whose certificates are believed between nodes: everybody's whom the authority signed, unless names are given.</summary>
    public PeerNames PeersBelieved()
    {
        string[] flags = ["peer-cert-allowed-cn", "peer-cert-allowed-hostname"];
        if (flags.Any(arguments.Has) && !arguments.Has("peer-trusted-ca-file")) faults.Add($"{arguments.Named(flags.First(arguments.Has))}: names in certificates count only where --peer-trusted-ca-file says who signs them");
        if (flags.All(arguments.Has)) faults.Add($"{arguments.Named(flags[0])}, {arguments.Named(flags[1])}: give one of the two, as in etcd");
        return new PeerNames(Names(flags[0]), Names(flags[1]));
    }

    private string[] Names(string flag) => arguments.Text(flag).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The folder of the certificate of <c>--peer-auto-tls</c>; null without it, or where the operator's own take its place.</summary>
    public string? SelfSignedPeerFolder(ListenUrl peers)
    {
        if (!arguments.IsOn("peer-auto-tls", faults) || arguments.Has("peer-cert-file")) return null;
        if (!peers.IsTls)
        {
            arguments.Warnings.Add($"{arguments.Named("peer-auto-tls")} has no effect: --listen-peer-urls is not https");
            return null;
        }

        urls.RefuseOpen("listen-peer-urls", $"https://{peers.Address}", peers.Address, "certificates that nobody signed prove nothing: make some with holdfast cert");
        ToMake.Add((peerFixtures, HostsOf([peers])));
        return peerFixtures;
    }

    /// <summary>The names under which a certificate is met: the addresses, and the machine's own where all are listened at.</summary>
    private static HashSet<string> HostsOf(IEnumerable<ListenUrl> addresses)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal) { "localhost", IPAddress.Loopback.ToString() };
        foreach (var (address, _) in addresses) hosts.Add(IPAddress.Any.Equals(address.Address) || IPAddress.IPv6Any.Equals(address.Address) ? Dns.GetHostName() : address.Address.ToString());
        return hosts;
    }

    private int Validity()
    {
        if (!arguments.Has("self-signed-cert-validity")) return 1;
        if (int.TryParse(arguments.Text("self-signed-cert-validity"), NumberStyles.None, CultureInfo.InvariantCulture, out var years) && years is >= 1 and <= YearsMax) return years;
        faults.Add($"{arguments.Named("self-signed-cert-validity")}: \"{arguments.Text("self-signed-cert-validity")}\" is not a number of years, 1 to {YearsMax}");
        return 1;
    }

    private SslProtocols Protocols()
    {
        var (min, max) = (Version("tls-min-version", SslProtocols.Tls12), Version("tls-max-version", SslProtocols.Tls13));
        if (min > max) faults.Add($"{arguments.Named("tls-min-version")}, {arguments.Named("tls-max-version")}: no version lies between them");
        return min | max;
    }

    private SslProtocols Version(string flag, SslProtocols otherwise)
    {
        switch (arguments.Text(flag))
        {
            case "": return otherwise;
            case "TLS1.2": return SslProtocols.Tls12;
            case "TLS1.3": return SslProtocols.Tls13;
            default:
                faults.Add($"{arguments.Named(flag)}: \"{arguments.Text(flag)}\" is neither TLS1.2 nor TLS1.3");
                return otherwise;
        }
    }
}
