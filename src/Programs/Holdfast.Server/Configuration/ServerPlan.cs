using System.Globalization;
using System.Net;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Keyspace;

namespace Holdfast.Server.Configuration;

/// <summary>A founding member as <c>--cluster</c> lists it.</summary>
internal sealed record Founder(string Name, string Host, int Port);

/// <summary>What a server will do: every setting parsed, checked on its own and against the others.</summary>
internal sealed record ServerPlan
{
    public required string Name { get; init; }

    public required string DataDirectory { get; init; }

    public required IPEndPoint Etcd { get; init; }

    /// <summary>Further addresses of the etcd face.</summary>
    public IReadOnlyList<DoorAddress> EtcdAlso { get; init; } = [];

    /// <summary>Where clients are told to find this node; empty: where it listens.</summary>
    public IReadOnlyList<string> AdvertisedClientUrls { get; init; } = [];

    public ClientPortPlan ClientPort { get; init; } = ClientPortPlan.Plain;

    /// <summary>Where vector clients are served; null when that face is off.</summary>
    public IPEndPoint? Vectors { get; init; }

    /// <summary>Where vector clients that speak gRPC are served; null for nowhere.</summary>
    public IPEndPoint? VectorsGrpc { get; init; }

    /// <summary>How vector clients are met.</summary>
    public VectorPlan VectorFace { get; init; } = new();

    /// <summary>Where Redis clients are served; null for nowhere.</summary>
    public RedisPortPlan? Redis { get; init; }

    /// <summary>Whether the node starts alone and empty, and waits to be told which nodes to meet: by hand, and neither founding with others nor joining.</summary>
    public bool WaitsToMeet => RedisFace.IsBootstrappedByHand && Cluster.Count == 0 && JoinAddress.Length == 0 && !IsEphemeral;

    /// <summary>What was said about the Redis face.</summary>
    public KeyspaceOptions RedisFace { get; init; } = new();

    /// <summary>Where DNS is answered; null for nowhere.</summary>
    public IPEndPoint? Dns { get; init; }

    /// <summary>In whose name DNS reads.</summary>
    public string DnsUser { get; init; } = Settings.DnsUser.Default;

    public required IPEndPoint? Peer { get; init; }

    /// <summary>Where peers are told to find this node when it is no founder; null: where it listens.</summary>
    public Founder? AdvertisedPeer { get; init; }

    public required IReadOnlyList<Founder> Cluster { get; init; }

    /// <summary>"host:port" of members to join by, with commas between; empty for none.</summary>
    public required string JoinAddress { get; init; }

    public required string JoinToken { get; init; }

    /// <summary>The certificates between nodes; null when they speak in the clear.</summary>
    public required Holdfast.Cluster.TlsFolder? PeerCertificates { get; init; }

    /// <summary>Whose certificates are believed between nodes, of those that the authority signed.</summary>
    public Holdfast.Transport.PeerNames PeersBelieved { get; init; } = Holdfast.Transport.PeerNames.All;

    /// <summary>The folder of a certificate that nobody signed, for encryption between nodes that proves nothing; null for none.</summary>
    public string? SelfSignedPeerFolder { get; init; }

    /// <summary>Whether this member's data is to become a new cluster of one first (etcd's --force-new-cluster).</summary>
    public bool ForcesNewCluster { get; init; }

    /// <summary>The backup that it keeps; null for none.</summary>
    public BackupPlan? Backup { get; init; }

    /// <summary>The faces that it carries.</summary>
    public Holdfast.Cluster.NodeRoles Roles { get; init; } = Holdfast.Cluster.NodeRoles.Coordination;

    /// <summary>What its faces may take.</summary>
    public Holdfast.Cluster.NodeBudget Budget { get; init; } = new(long.MaxValue, 1, []);

    /// <summary>The failure domain that it stands in; empty for none.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Whether it joins the place that <c>etcdctl member add</c> reserved for its peer address.</summary>
    public bool JoinsReservedPlace { get; init; }

    /// <summary>Learners' places that may be open or held at once (etcd's <c>--max-learners</c>).</summary>
    public int LearnersMax { get; init; } = 1;

    /// <summary>Quota, compaction and sign-in of the keyspace.</summary>
    public CoordinationOptions Keyspace { get; init; } = new();

    /// <summary>The bounds of the front door.</summary>
    public EndpointLimits Limits { get; init; } = new();

    /// <summary>Other origins whose pages may ask the front door from a browser; none.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    public required bool IsEphemeral { get; init; }

    public required bool LogsAsJson { get; init; }

    /// <summary>The collector of traces; null for none.</summary>
    public Uri? Otlp { get; init; }

    /// <summary>The share of requests that is traced.</summary>
    public double OtlpShare { get; init; }

    /// <summary>Things that work but should be known, a sentence each (R1.13).</summary>
    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>Parses everything; null, and every fault said with its key and the fix, when something is wrong.</summary>
    public static ServerPlan? From(SettingValues values, bool isTerminal, List<string> faults)
    {
        var before = faults.Count;
        var isInsecure = Switch(values, Settings.Insecure, faults);
        var data = Path.GetFullPath(values[Settings.Data].Text.Length > 0 ? values[Settings.Data].Text : Settings.Data.Default);
        var tls = FolderOfCertificates(values, data, faults);
        var clientPort = ClientPortPlan.From(values, faults);
        var vectorFace = VectorPlan.From(values, faults);
        var plan = new ServerPlan
        {
            Name = NodeName(values, faults),
            DataDirectory = data,
            PeerCertificates = tls is null ? null : new Holdfast.Cluster.TlsFolder(tls),
            ClientPort = clientPort,
            Etcd = Listen(values, Settings.Etcd, isInsecure || clientPort.IsGuarded, $"give it {Settings.EtcdCert.Flag}, {Settings.EtcdKey.Flag} and {Settings.EtcdClientCa.Flag}, bind to 127.0.0.1", faults) ?? new IPEndPoint(IPAddress.Loopback, 2379),
            Redis = RedisPortPlan.From(values, (setting, isGuarded) => values[setting].Text.Length == 0 ? null : Listen(values, setting, isInsecure || isGuarded, $"serve them at {Settings.RedisTls.Flag} with {Settings.RedisClientCa.Flag}, bind to 127.0.0.1", faults), faults) is { First: not null } redis ? redis : null,
            RedisFace = RedisSettings.Of(values, faults) with { SettingsFile = Path.Combine(data, "redis.conf") },
            Dns = values[Settings.Dns].Text.Length == 0 ? null : Listen(values, Settings.Dns, isInsecure, "DNS has neither: bind to 127.0.0.1 and let this machine's resolver forward to it", faults),
            DnsUser = values[Settings.DnsUser].Text,
            Peer = values[Settings.Peer].Text.Length == 0 ? null : Listen(values, Settings.Peer, isInsecure || tls is not null, $"give the nodes certificates with {Settings.Tls.Flag} (holdfast cert), bind to 127.0.0.1", faults),
            VectorFace = vectorFace,
            Vectors = values[Settings.Vectors].Text.Length == 0 ? null : Listen(values, Settings.Vectors, isInsecure || vectorFace.IsGuarded, $"give it {Settings.VectorsCert.Flag}, {Settings.VectorsKey.Flag} and {Settings.VectorsApiKey.Flag}, bind to 127.0.0.1", faults),
            VectorsGrpc = values[Settings.VectorsGrpc].Text.Length == 0 ? null : Listen(values, Settings.VectorsGrpc, isInsecure || vectorFace.IsGuarded, $"give it {Settings.VectorsCert.Flag}, {Settings.VectorsKey.Flag} and {Settings.VectorsApiKey.Flag}, bind to 127.0.0.1", faults),
            Cluster = Founders(values, faults),
            JoinAddress = values[Settings.Join].Text,
            JoinToken = values[Settings.Token].Text,
            Keyspace = KeyspaceSettings.Of(values, faults) with { Auth = clientPort.Auth },
            Backup = BackupPlan.From(values, data, faults),
            Roles = NodeRolesText.From(values, faults) | (values[Settings.Redis].Text.Length + values[Settings.RedisTls].Text.Length > 0 ? Holdfast.Cluster.NodeRoles.Keyspace : Holdfast.Cluster.NodeRoles.None),
            Zone = values[Settings.Zone].Text,
            IsEphemeral = Switch(values, Settings.Ephemeral, faults),
            LogsAsJson = Json(values, isTerminal, faults),
            Otlp = Collector(values, faults),
            OtlpShare = Share(values, faults),
            Warnings = [],
        };
        plan = plan with { Budget = BudgetPlan.From(values, plan.Roles, plan.Keyspace, faults) };
        if (faults.Count == before) plan.AgreeWithEachOther(values, faults);
        return faults.Count > before ? null : plan with { Warnings = plan.WorthKnowing() };
    }

    private void AgreeWithEachOther(SettingValues values, List<string> faults)
    {
        if (Cluster.Count > 0 && JoinAddress.Length > 0)
            faults.Add($"{Named(values, Settings.Cluster)} and {Named(values, Settings.Join)}: a node founds a cluster or joins one; remove one of the two");
        if (Cluster.Count > 0 && !Cluster.Any(founder => founder.Name == Name))
            faults.Add($"{Named(values, Settings.Cluster)}: does not list this node ({Name}); add {Name}=host:port, or set {Settings.Name.Flag} to one of {string.Join(", ", Cluster.Select(f => f.Name))}");
        if ((Cluster.Count > 1 || JoinAddress.Length > 0) && Peer is null)
            faults.Add($"{Settings.Peer.Key}: other nodes must reach this one; add {Settings.Peer.Flag} host:port");
        if (JoinAddress.Length > 0 && JoinToken.Length == 0 && PeerCertificates is null)
            faults.Add($"{Settings.Token.Key}: joining needs the token that a member gave; add {Settings.Token.Flag}");
        if (JoinAddress.Length > 0 && !TrySplit(JoinAddress, out _, out _))
            faults.Add($"{Named(values, Settings.Join)}: \"{JoinAddress}\" is not host:port");
        if (JoinAddress.Length > 0 && (IPAddress.Any.Equals(Peer?.Address) || IPAddress.IPv6Any.Equals(Peer?.Address)))
            faults.Add($"{Named(values, Settings.Peer)}: the cluster is told this address, and nobody can dial {Peer}; give the address under which others reach this node");
        if (RedisFace.IsBootstrappedByHand && Redis is null)
            faults.Add($"{Named(values, Settings.RedisBootstrap)}: without {Settings.Redis.Flag} host:port nobody can tell the node what to do; add it");
        if (WaitsToMeet && Peer is null)
            faults.Add($"{Settings.Peer.Key}: the nodes that this one is to meet must reach it; add {Settings.Peer.Flag} host:port");
        if (WaitsToMeet && (IPAddress.Any.Equals(Peer?.Address) || IPAddress.IPv6Any.Equals(Peer?.Address)))
            faults.Add($"{Named(values, Settings.Peer)}: the nodes that this one is to meet are told this address, and nobody can dial {Peer}; give the address under which others reach this node");
        if (IsEphemeral && (Vectors ?? VectorsGrpc) is not null)
            faults.Add($"{Settings.Vectors.Key}: an ephemeral node has only the etcd face; remove {Settings.Vectors.Flag} or {Settings.Ephemeral.Flag}");
        if (IsEphemeral && (Cluster.Count > 0 || JoinAddress.Length > 0))
            faults.Add($"{Settings.Ephemeral.Key}: an ephemeral node is alone; remove {Settings.Cluster.Flag} and {Settings.Join.Flag}");
        if (IsEphemeral && Backup is not null)
            faults.Add($"{Settings.Ephemeral.Key}: an ephemeral node keeps no log, so there is nothing to back up; remove {Settings.BackupDir.Flag}");
        if (Zone.Length > 63)
            faults.Add($"{Named(values, Settings.Zone)}: longer than 63 letters");
    }

    private List<string> WorthKnowing()
    {
        var warnings = new List<string>();
        if (Cluster.Count == 2 || (Cluster.Count > 2 && Cluster.Count % 2 == 0))
            warnings.Add($"{Cluster.Count} voters survive no more failures than {Cluster.Count - 1} do; take an odd number");
        if (Cluster.Count <= 1 && JoinAddress.Length == 0 && !IsEphemeral)
            warnings.Add("one node alone: if its disk is lost, so is everything; three nodes survive one failure");
        warnings.AddRange(Budget.WorthKnowing());
        if (Backup is not null) warnings.AddRange(Backup.WorthKnowing());
        return warnings;
    }

    private static string NodeName(SettingValues values, List<string> faults)
    {
        var name = values[Settings.Name].Text;
        if (values[Settings.RedisBootstrap].Text == "manual" && values[Settings.Name].Origin == "default" && values[Settings.Redis].Text is { Length: > 0 } door) name = Nameless(door);
        if (name.Length is 0 or > 63 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            faults.Add($"{Named(values, Settings.Name)}: \"{name}\" is not a name; take 1 to 63 letters, digits, dots, dashes or underscores");
        return name;
    }

    /// <summary>Redis's nodes have no names: one that gets none is called after its door, so that nodes that meet are not all called the same.</summary>
    private static string Nameless(string door) => "redis-" + string.Concat(door.Select(c => char.IsAsciiLetterOrDigit(c) || c == '.' ? c : '-'));

    private static IPEndPoint? Listen(SettingValues values, Setting setting, bool isAllowed, string cure, List<string> faults)
    {
        var text = values[setting].Text;
        if (!TrySplit(text, out var host, out var port))
        {
            faults.Add($"{Named(values, setting)}: \"{text}\" is not host:port, such as 127.0.0.1:2379");
            return null;
        }

        if (!TryAddress(host, out var address))
        {
            faults.Add($"{Named(values, setting)}: \"{host}\" is not an address of this machine; give an IP address, localhost, or * for all");
            return null;
        }

        if (!IPAddress.IsLoopback(address) && !isAllowed)
            faults.Add($"{Named(values, setting)}: {text} can be reached from other machines, and there is neither TLS nor authentication; {cure}, or accept it with {Settings.Insecure.Flag}");
        return new IPEndPoint(address, port);
    }

    /// <summary>The named folder; else the one in the data directory, when joining has filled it or is about to.</summary>
    private static string? FolderOfCertificates(SettingValues values, string data, List<string> faults)
    {
        var named = values[Settings.Tls].Text;
        if (named.Length > 0)
        {
            if (!Directory.Exists(named)) faults.Add($"{Named(values, Settings.Tls)}: there is no folder {named}; make it with holdfast cert node");
            return Path.GetFullPath(named);
        }

        var own = Path.Combine(data, "tls");
        var isComing = Holdfast.Cluster.JoinToken.TryParse(values[Settings.Token].Text, out var token, out _) && token.AuthorityFingerprint.Length > 0;
        return isComing || new Holdfast.Cluster.TlsFolder(own).IsComplete ? own : null;
    }

    private static List<Founder> Founders(SettingValues values, List<string> faults)
    {
        var founders = new List<Founder>();
        foreach (var part in values[Settings.Cluster].Text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || !TrySplit(part[(equals + 1)..], out var host, out var port) || port == 0)
                faults.Add($"{Named(values, Settings.Cluster)}: \"{part}\" is not name=host:port");
            else if (founders.Any(f => f.Name == part[..equals]))
                faults.Add($"{Named(values, Settings.Cluster)}: {part[..equals]} is listed twice");
            else
                founders.Add(new Founder(part[..equals], host, port));
        }

        return founders;
    }

    private static bool Json(SettingValues values, bool isTerminal, List<string> faults)
    {
        switch (values[Settings.LogFormat].Text)
        {
            case "text": return false;
            case "json": return true;
            case "auto": return !isTerminal;
            default:
                faults.Add($"{Named(values, Settings.LogFormat)}: \"{values[Settings.LogFormat].Text}\" is none of text, json, auto");
                return false;
        }
    }

    private static Uri? Collector(SettingValues values, List<string> faults)
    {
        var text = values[Settings.Otlp].Text;
        if (text.Length == 0) return null;
        if (Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https") return url;
        faults.Add($"{Named(values, Settings.Otlp)}: \"{text}\" is not a URL such as http://127.0.0.1:4318");
        return null;
    }

    private static double Share(SettingValues values, List<string> faults)
    {
        if (double.TryParse(values[Settings.OtlpShare].Text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1) return share;
        faults.Add($"{Named(values, Settings.OtlpShare)}: \"{values[Settings.OtlpShare].Text}\" is not a share between 0 and 1");
        return 0;
    }

    private static bool Switch(SettingValues values, Setting setting, List<string> faults)
    {
        if (bool.TryParse(values[setting].Text, out var isOn)) return isOn;
        faults.Add($"{Named(values, setting)}: \"{values[setting].Text}\" is neither true nor false");
        return false;
    }

    private static bool TryAddress(string host, out IPAddress address)
    {
        address = host switch { "localhost" => IPAddress.Loopback, "*" => IPAddress.Any, _ => IPAddress.None };
        return !address.Equals(IPAddress.None) || IPAddress.TryParse(host, out address!);
    }

    private static bool TrySplit(string text, out string host, out int port)
    {
        (host, port) = ("", 0);
        var colon = text.LastIndexOf(':');
        if (colon <= 0) return false;
        host = text[..colon].Trim('[', ']');
        return host.Length > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 0 and <= 65535;
    }

    private static string Named(SettingValues values, Setting setting) => $"{setting.Key} ({values[setting].Origin})";
}
