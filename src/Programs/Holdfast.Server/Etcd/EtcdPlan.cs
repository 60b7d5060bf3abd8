using System.Globalization;
using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Server.Configuration;

namespace Holdfast.Server.Etcd;

/// <summary>From etcd's words to a server's plan, with etcd's defaults.</summary>
internal sealed class EtcdPlan(EtcdArguments arguments, List<string> faults)
{
    private const string DefaultName = "default";

    /// <summary>What a negative quota asks for, as in etcd: none. A pebibyte, which no machine has and which can still be added up.</summary>
    private const long NoQuota = 1L << 50;

    private readonly EtcdUrls urls = new(arguments, faults);

    /// <summary>The certificates of the plan, once it is drawn: those that must be made first are among them.</summary>
    public EtcdTls? Certificates { get; private set; }

    /// <summary>The plan; null, and every fault said, when something is wrong.</summary>
    public ServerPlan? Draw(bool logsAsJson)
    {
        var name = arguments.Text("name", DefaultName);
        var data = Path.GetFullPath(arguments.Text("data-dir", name + ".etcd"));
        var tls = new EtcdTls(arguments, urls, data, faults);
        var (door, further) = Door();
        var peer = urls.Listen("listen-peer-urls", "http://localhost:2380", "peer-cert-file", "peer-auto-tls").FirstOrDefault();
        var advertisedPeer = HostOf("initial-advertise-peer-urls", "http://localhost:2380");
        var cluster = Founders(name, advertisedPeer);
        var joins = JoinsRunning();
        var forces = arguments.IsOn("force-new-cluster", faults);
        if (!cluster.Any(member => member.Name == name))
            faults.Add($"{arguments.Named("initial-cluster")}: does not list this member ({name}); its members are {string.Join(", ", cluster.Select(member => member.Name))}");
        var others = cluster.Where(member => member.Name != name).Select(member => $"{member.Host}:{member.Port}").ToArray();
        if (joins && others.Length == 0) faults.Add($"{arguments.Named("initial-cluster-state")}: a running cluster is joined through another member, and {arguments.Named("initial-cluster")} lists none");
        var keyspace = Keyspace();
        var clientPort = tls.ClientPort([door, .. further.Select(static one => new ListenUrl(one.Address, !one.IsClear))]);
        var (peerTls, believed) = (tls.PeerFiles(), tls.PeersBelieved());
        var selfSignedPeers = peer.Address is null ? null : tls.SelfSignedPeerFolder(peer);
        var limits = Limits();
        var learners = LearnersMax();
        if (faults.Count > 0) return null;
        Certificates = tls;
        return new ServerPlan
        {
            Name = name,
            DataDirectory = data,
            Etcd = door.Address,
            EtcdAlso = further,
            AdvertisedClientUrls = arguments.Text("advertise-client-urls", "http://localhost:2379").Split(','),
            Peer = peer.Address,
            AdvertisedPeer = advertisedPeer,
            Cluster = joins ? [] : cluster,
            JoinAddress = joins ? string.Join(',', others) : "",
            JoinToken = "",
            PeerCertificates = peerTls,
            PeersBelieved = believed,
            SelfSignedPeerFolder = selfSignedPeers,
            JoinsReservedPlace = joins,
            LearnersMax = learners,
            Budget = BudgetPlan.Machine(NodeRoles.Coordination, keyspace),
            ForcesNewCluster = forces,
            IsEphemeral = false,
            LogsAsJson = logsAsJson,
            Warnings = arguments.Warnings,
            Keyspace = keyspace with { Auth = clientPort.Auth },
            Limits = limits,
            Origins = arguments.Text("cors").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
            ClientPort = clientPort,
        };
    }

    private int LearnersMax()
    {
        foreach (var flag in (string[])["max-learners", "experimental-max-learners"])
        {
            if (!arguments.Has(flag)) continue;
            if (int.TryParse(arguments.Text(flag), NumberStyles.None, CultureInfo.InvariantCulture, out var learners) && learners >= 1) return learners;
            faults.Add($"{arguments.Named(flag)}: \"{arguments.Text(flag)}\" is not a number of learners, 1 or more");
        }

        return 1;
    }

    /// <summary>The clients' addresses. An address with TLS comes first where there is one: the door's certificate is for it, and those in the clear are beside it.</summary>
    private (ListenUrl First, DoorAddress[] Further) Door()
    {
        string[] certificate = ["cert-file", "auto-tls"];
        var clients = urls.Listen("listen-client-urls", "http://localhost:2379", certificate);
        if (arguments.Has("listen-client-http-urls")) clients.AddRange(urls.Listen("listen-client-http-urls", "", certificate));
        var pages = arguments.Has("listen-metrics-urls") ? urls.Listen("listen-metrics-urls", "", certificate) : [];
        var first = clients.OrderByDescending(static url => url.IsTls).FirstOrDefault();
        var taken = clients.IndexOf(first);
        return (first,
        [
            .. clients.Where((_, at) => at != taken).Select(static url => new DoorAddress(url.Address, !url.IsTls, false)),
            .. pages.Select(static url => new DoorAddress(url.Address, !url.IsTls, true)),
        ]);
    }

    private bool JoinsRunning()
    {
        var state = arguments.Text("initial-cluster-state", "new");
        if (state is not ("new" or "existing")) faults.Add($"{arguments.Named("initial-cluster-state")}: \"{state}\" is neither new nor existing");
        return state == "existing";
    }

    private Founder HostOf(string flag, string otherwise)
    {
        var first = arguments.Text(flag, otherwise).Split(',')[0];
        return urls.Parse(flag, first) is { } url ? new Founder("", url.Host, url.Port) : new Founder("", "localhost", 2380);
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
            if (urls.Parse("initial-cluster", part[(equals + 1)..]) is { } url) founders.Add(new Founder(part[..equals], url.Host, url.Port));
        }

        return founders;
    }

    private CoordinationOptions Keyspace()
    {
        var options = new CoordinationOptions();
        if (Number("quota-backend-bytes") is { } quota and not 0) options = options with { QuotaBytes = quota > 0 ? quota : NoQuota };
        if (Number("max-request-bytes") is > 0 and var bytes) options = options with { RequestBytesMax = checked((int)Math.Min(bytes, int.MaxValue)) };
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
}
