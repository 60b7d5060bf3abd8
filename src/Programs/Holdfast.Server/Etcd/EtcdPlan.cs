using System.Globalization;
using System.Net;
using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Etcd;

/// <summary>From etcd's words to a server's plan, with etcd's defaults.</summary>
internal sealed class EtcdPlan(EtcdArguments arguments, List<string> faults)
{
    private const string DefaultName = "default";

    /// <summary>The plan; null, and every fault said, when something is wrong.</summary>
    public ServerPlan? Draw(bool logsAsJson)
    {
        var name = arguments.Text("name", DefaultName);
        var isInsecure = arguments.IsOn("insecure", faults);
        var clients = Listen("listen-client-urls", "http://localhost:2379", isInsecure);
        var peers = Listen("listen-peer-urls", "http://localhost:2380", isInsecure);
        var advertisedPeer = HostOf("initial-advertise-peer-urls", "http://localhost:2380");
        var cluster = Founders(name, advertisedPeer);
        var joins = JoinsRunning();
        var forces = arguments.IsOn("force-new-cluster", faults);
        if (!cluster.Any(member => member.Name == name))
            faults.Add($"{arguments.Named("initial-cluster")}: does not list this member ({name}); its members are {string.Join(", ", cluster.Select(member => member.Name))}");
        var others = cluster.Where(member => member.Name != name).Select(member => $"{member.Host}:{member.Port}").ToArray();
        if (joins && others.Length == 0) faults.Add($"{arguments.Named("initial-cluster-state")}: a running cluster is joined through another member, and {arguments.Named("initial-cluster")} lists none");
        var keyspace = Keyspace();
        var clientPort = ClientPort();
        var peerTls = PeerFolder();
        if (faults.Count > 0) return null;
        return new ServerPlan
        {
            Name = name,
            DataDirectory = Path.GetFullPath(arguments.Text("data-dir", name + ".etcd")),
            Etcd = clients[0],
            EtcdAlso = [.. clients.Skip(1), .. arguments.Has("listen-metrics-urls") ? Listen("listen-metrics-urls", "", isInsecure) : []],
            AdvertisedClientUrls = arguments.Text("advertise-client-urls", "http://localhost:2379").Split(','),
            Peer = peers[0],
            AdvertisedPeer = advertisedPeer,
            Cluster = joins ? [] : cluster,
            JoinAddress = joins ? string.Join(',', others) : "",
            JoinToken = "",
            TlsFolder = peerTls,
            JoinsReservedPlace = joins,
            Budget = BudgetPlan.Machine(NodeRoles.Coordination, keyspace),
            ForcesNewCluster = forces,
            IsEphemeral = false,
            LogsAsJson = logsAsJson,
            Warnings = arguments.Warnings,
            Keyspace = keyspace with { Auth = clientPort.Auth },
            Limits = Limits(),
            ClientPort = clientPort,
        };
    }

    private bool JoinsRunning()
    {
        var state = arguments.Text("initial-cluster-state", "new");
        if (state is not ("new" or "existing")) faults.Add($"{arguments.Named("initial-cluster-state")}: \"{state}\" is neither new nor existing");
        return state == "existing";
    }

    private List<IPEndPoint> Listen(string flag, string otherwise, bool isInsecure)
    {
        var found = new List<IPEndPoint>();
        foreach (var text in arguments.Text(flag, otherwise).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Url(flag, text) is not { } url) continue;
            if (url.Host == "localhost") found.Add(new IPEndPoint(IPAddress.Loopback, url.Port));
            else if (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address)) found.Add(new IPEndPoint(address, url.Port));
            else faults.Add($"{arguments.Named(flag)}: {text}: listen at an IP address, not at a name");
            var needed = flag == "listen-peer-urls" ? "peer-cert-file" : "cert-file";
            if (url.Scheme == "https" && !arguments.Has(needed)) faults.Add($"{arguments.Named(flag)}: {text}: https needs a certificate; name it with --{needed}");
            if (found.Count > 0 && !IPAddress.IsLoopback(found[^1].Address) && url.Scheme == "http" && !isInsecure)
                faults.Add($"{arguments.Named(flag)}: {text} can be reached from other machines, and there is neither TLS nor authentication; bind to 127.0.0.1, or accept it with --insecure (ETCD_INSECURE=true)");
        }

        if (found.Count == 0 && faults.Count == 0) faults.Add($"{arguments.Named(flag)}: no address is given");
        return found;
    }

    private Founder HostOf(string flag, string otherwise)
    {
        var first = arguments.Text(flag, otherwise).Split(',')[0];
        return Url(flag, first) is { } url ? new Founder("", url.Host, url.Port) : new Founder("", "localhost", 2380);
    }

    private List<Founder> Founders(string name, Founder self)
    {
        if (!arguments.Has("initial-cluster")) return [self with { Name = name }];
        var founders = new List<Founder>();
        foreach (var part in arguments.Text("initial-cluster").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
            {
                faults.Add($"{arguments.Named("initial-cluster")}: \"{part}\" is not name=http://host:port");
                continue;
            }

            // A member with several peer URLs is listed once for each; the first one counts.
            if (founders.Any(founder => founder.Name == part[..equals])) continue;
            if (Url("initial-cluster", part[(equals + 1)..]) is { } url) founders.Add(new Founder(part[..equals], url.Host, url.Port));
        }

        return founders;
    }

    private Uri? Url(string flag, string text)
    {
        if (PeerUrl.IsGood(text)) return new Uri(text);
        faults.Add($"{arguments.Named(flag)}: \"{text}\" is not http://host:port or https://host:port");
        return null;
    }

    private CoordinationOptions Keyspace()
    {
        var options = new CoordinationOptions();
        if (Number("quota-backend-bytes") is > 0 and var quota) options = options with { QuotaBytes = quota };
        foreach (var flag in (string[])["experimental-watch-progress-notify-interval", "watch-progress-notify-interval"])
        {
            if (!arguments.Has(flag)) continue;
            if (GoDuration.TryParse(arguments.Text(flag), TimeSpan.Zero, out var interval)) options = options with { WatchProgressInterval = interval };
            else faults.Add($"{arguments.Named(flag)}: \"{arguments.Text(flag)}\" is no time, such as 5s");
        }

        if (arguments.Has("auto-compaction-retention")) options = Retention(options);
        foreach (var fault in options.Validate()) faults.Add("the keyspace: " + fault);
        return options;
    }

    /// <summary>As in etcd 0 is off, and a bare number is hours by time, revisions by revision. Without the flag, unlike etcd, an hour is kept.</summary>
    private CoordinationOptions Retention(CoordinationOptions options)
    {
        var mode = arguments.Text("auto-compaction-mode", "periodic");
        var text = arguments.Text("auto-compaction-retention");
        if (text == "0") return options with { AutoCompaction = AutoCompactionMode.Off };
        if (mode == "revision" && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var revisions))
            return options with { AutoCompaction = AutoCompactionMode.Revision, RetentionRevisions = revisions };
        if (mode == "periodic" && GoDuration.TryParse(text, TimeSpan.FromHours(1), out var time)) return options with { AutoCompaction = AutoCompactionMode.Periodic, RetentionTime = time };
        faults.Add($"{arguments.Named("auto-compaction-retention")}: \"{text}\" is no retention in mode {mode}; modes are periodic (10m, 1h, hours) and revision (a number)");
        return options;
    }

    private EndpointLimits Limits()
    {
        var limits = new EndpointLimits();
        if (Number("max-request-bytes") is > 0 and var bytes) limits = limits with { RequestBytesMax = checked((int)Math.Min(bytes, int.MaxValue)) };
        if (Number("max-concurrent-streams") is > 0 and var streams) limits = limits with { StreamsPerConnectionMax = (int)Math.Min(streams, int.MaxValue) };
        return limits;
    }

    private long? Number(string flag)
    {
        if (!arguments.Has(flag)) return null;
        if (long.TryParse(arguments.Text(flag), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        faults.Add($"{arguments.Named(flag)}: \"{arguments.Text(flag)}\" is not a number");
        return null;
    }

    /// <summary>The folder of the certificates between nodes: all three files lie in it under the names that <c>holdfast cert</c> gives.</summary>
    private string? PeerFolder()
    {
        (string Flag, string File)[] files = [("peer-cert-file", TlsFolder.CertificateFile), ("peer-key-file", TlsFolder.KeyFile), ("peer-trusted-ca-file", TlsFolder.AuthorityFile)];
        if (!files.Any(file => arguments.Has(file.Flag))) return null;
        var folder = Path.GetDirectoryName(Path.GetFullPath(arguments.Text("peer-cert-file", TlsFolder.CertificateFile)))!;
        foreach (var (flag, file) in files)
            if (Path.GetFullPath(arguments.Text(flag, file)) != Path.Combine(folder, file)) faults.Add($"{arguments.Named(flag)}: give {Path.Combine(folder, file)}: the files between nodes lie in one folder, as holdfast cert lays them");
        return folder;
    }

    private ClientPortPlan ClientPort()
    {
        var asksClients = arguments.IsOn("client-cert-auth", faults);
        if (asksClients && !arguments.Has("trusted-ca-file")) faults.Add($"{arguments.Named("client-cert-auth")}: name the authority of the clients' certificates with --trusted-ca-file");
        if (arguments.Has("cert-file") != arguments.Has("key-file")) faults.Add($"{arguments.Named("cert-file")}, {arguments.Named("key-file")}: TLS needs both");
        return new ClientPortPlan
        {
            Certificate = arguments.Text("cert-file", ""),
            Key = arguments.Text("key-file", ""),
            ClientCa = asksClients ? arguments.Text("trusted-ca-file", "") : "",
            Auth = ClientPortPlan.AuthOf(arguments.Text("auth-token", "simple"), arguments.Named("auth-token"), arguments.Text("auth-token-ttl", "300"), arguments.Named("auth-token-ttl"), faults),
        };
    }
}
