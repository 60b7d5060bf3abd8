using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Coordination.Endpoints.Dns;
using Holdfast.Keyspace.Endpoints;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;
using Holdfast.Server.Commands;
using Holdfast.Server.Configuration;
using Holdfast.Storage;
using Holdfast.Transport;
using Holdfast.Vectors.Endpoints;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Server.Hosting;

/// <summary>
/// A running node: composed top to bottom in start order, taken down in reverse. No container decides what is started when.
/// Data directory → peer port → runtime (log, loops, beats) → cluster (founded, joined or known; groups 0 and 1) → etcd face → front door.
/// </summary>
internal sealed class NodeAssembly : INode
{
    private static readonly TimeSpan LeaseTick = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Left out at least after a recovery by hand or a restore (S12), when the clock says nothing. Where it does, revisions go on at its microseconds since 1970: no keyspace takes a million writes a second,
    /// so whatever was ever issued, by any history of this data, lies below, however old the backup is and however often it is restored.
    /// </summary>
    private const long RevisionsSkippedLeast = 1_000_000_000;

    private readonly Stack<Func<ValueTask>> stops = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly NodeLog log;
    private readonly NodeAlarms alarms = new();
    private CoordinationEndpoint? door;
    private KeyspaceFace? redis;
    private (NodeId Node, string Name) own;
    private NodeRuntime? runtime;
    private ClusterNode? cluster;
    private NodeArchive? archive;

    private NodeAssembly(NodeLog log) => this.log = log;

    /// <summary>Where etcd clients are served, with the ports that the system chose.</summary>
    public IReadOnlyList<string> ClientAddresses => [.. door!.Addresses.Select(address => address.ToString())];

    /// <inheritdoc/>
    public ulong ClusterId => cluster!.View.Cluster.Value;

    /// <inheritdoc/>
    public async Task UntilLedAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(LeaseTick);
        while (cluster!.Coordination.Status.Leader == NodeId.None || cluster.View.Cluster == Primitives.ClusterId.None) await timer.WaitForNextTickAsync(cancel);
    }

    /// <summary>Starts a node; what had begun when it fails is taken down again.</summary>
    /// <exception cref="CannotStartException">It cannot, and why.</exception>
    public static async Task<NodeAssembly> StartAsync(ServerPlan plan, NodeLog log, CancellationToken cancel)
    {
        var node = new NodeAssembly(log);
        try
        {
            if (plan.ForcesNewCluster) ForcedCluster.Apply(plan, log);
            await node.ComposeAsync(plan, cancel);
            return node;
        }
        catch (Exception fault)
        {
            await node.DisposeAsync();
            throw fault switch
            {
                DataDirectoryUnusableException or DataDirectoryException or SnapshotDamagedException or WalRefusedException => new CannotStartException($"{plan.DataDirectory}: {fault.Message}", fault),
                DiskFullException or InvariantBrokenException when FatalEnd.Of(fault, plan.Name, plan.DataDirectory) is var end => new CannotStartException(end.Sentence, fault, end.Code),
                TlsFolderException => new CannotStartException(fault.Message, fault),
                _ => fault,
            };
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Leadership goes first: what comes in while the door closes is then another's to decide, and is answered.
        if (runtime is not null) await runtime.HandOverAsync();
        await stopping.CancelAsync();
        while (stops.TryPop(out var stop)) await stop();
        stopping.Dispose();
    }

    /// <summary>Ends the node as a crash would: nothing is handed over, and what was under way is answered unknown. For the demo, whose nodes may live in one process.</summary>
    public async Task CrashAsync()
    {
        runtime?.Kill();
        await DisposeAsync();
    }

    private async Task ComposeAsync(ServerPlan plan, CancellationToken cancel)
    {
        Action<Exception> onFatal = fault => FatalEnd.Of(fault, plan.Name, plan.DataDirectory).End(log, plan.DataDirectory);
        var clientTls = plan.ClientPort.OpenTls(log);
        var data = DataDirectory.Open(plan.DataDirectory, plan.Name, ProbedDisk);
        stops.Push(() => { data.Dispose(); return ValueTask.CompletedTask; });
        SayWhatWasFound(plan, data);
        var self = new LocalNode(data.Node, checked((uint)data.BootCount), BuildLevel.Known, data.Cluster);

        var certificates = NodeCertificates.Open(plan, log);
        if (certificates is not null) stops.Push(certificates.DisposeAsync);
        var tls = certificates?.Tls ?? (plan.SelfSignedPeerFolder is { } selfSigned ? PeerTls.OfAnybody(SelfSigned.Load(selfSigned)) : null);

        var addresses = new PeerAddresses();
        var transport = new TransportOptions();
        var listener = Listen(plan, self, addresses, tls, transport, onFatal);
        stops.Push(() => { listener.Dispose(); return ValueTask.CompletedTask; });
        var control = new ControlService(transport, Speak);
        stops.Push(() => { control.Dispose(); return ValueTask.CompletedTask; });
        var record = Record(plan, data.Node, listener);
        own = (data.Node, plan.Name);
        listener.Serve(control);
        if (plan.Redis is not null) redis = new KeyspaceFace(plan.RedisFace, SpeakOfRedis);
        runtime = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener, Tls = tls, Transport = transport, Log = Speak, OnFatal = onFatal, LoopParts = loop => redis?.MakePart(loop) });
        stops.Push(async () => await runtime.StopAsync());
        var machine = new CoordinationStateMachine();
        var vectors = new VectorGroups(onFatal);
        stops.Push(() => { vectors.Dispose(); return ValueTask.CompletedTask; });
        var leaseTimes = new LeaseTimes(self, addresses, tls);
        control.Add(LeaseTimes.Verb, leaseTimes.OnAsked);
        redis?.AddVerbs(control);
        cluster = new ClusterNode(new ClusterNodeSetup
        {
            Disk = data.Disk,
            Self = self,
            Member = record,
            Addresses = addresses,
            Control = control,
            Runtime = runtime,
            Coordination = machine,
            DataMachines = new DataFaces(vectors.Create, group => redis?.MakeMachine(group)).Create,
            Tls = tls,
            Certificates = certificates?.Folder,
            Founders = plan.Cluster.ToDictionary(one => one.Name, one => HostPort.Format(one.Host, one.Port)),
            JoinTarget = plan.JoinAddress,
            JoinToken = plan.JoinToken,
            JoinsReservedPlace = plan.JoinsReservedPlace,
            Groups = new GroupOptions { FeatureLevelKnown = BuildLevel.Known },
            OnCluster = data.JoinCluster,
            Say = happened => log.Say(NodeEvents.Cluster, happened),
            Warn = finding => log.Warn(NodeEvents.Recovery, finding),
        });
        listener.Start();
        if (self.Cluster == Primitives.ClusterId.None && plan.Cluster.Count > 1) log.Say(NodeEvents.Founding, "a new cluster begins when every listed node is there");
        await cluster.StartAsync(cancel);
        stops.Push(cluster.DisposeAsync);

        var membership = new NodeMembership(cluster, record, runtime.HearsFrom, tls is null ? "http" : "https");
        var keyspace = CoordinationFace.Over(cluster.Coordination, machine, IdentityOf(self, membership, leaseTimes), BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), plan.Keyspace);
        leaseTimes.Serve(keyspace);
        await cluster.FinishRecoveryAsync(stop => keyspace.RaiseRevisionsAsync((DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10, RevisionsSkippedLeast, stop), cancel);
        KeepBackup(plan);
        var ticking = Task.Run(() => TickAsync(keyspace), CancellationToken.None);
        stops.Push(async () => await ticking);
        OpenRedis(plan, self, record);
        if (plan.Vectors is not null) await ServeVectorsAsync(plan, vectors, onFatal, cancel);
        await ServeAsync(plan, clientTls, tls, keyspace, data, onFatal, cancel);
        log.Say(NodeEvents.Started, $"node {self.Id}, start {data.BootCount}, cluster {self.Cluster}, peers at {listener.Endpoint}");
    }

    private static IReadOnlyList<BudgetStatus> Budgets(ServerPlan plan, CoordinationFace keyspace) =>
        [.. plan.Budget.Faces.Select(face => new BudgetStatus(face.Face.ToString().ToLowerInvariant(), face.MemoryBytes, face.Face == Face.Coordination ? keyspace.SizeBytes : 0))];

    /// <summary>Begins to follow the groups into the backup directory, where there is one.</summary>
    private void KeepBackup(ServerPlan plan)
    {
        if (plan.Backup is not { } wanted) return;
        archive = NodeArchive.Start(new NodeArchiveOptions
        {
            Directory = wanted.Directory,
            NodeName = plan.Name,
            Cluster = cluster!.Identity.Cluster,
            AuthorityFingerprint = cluster.Identity.AuthorityFingerprint,
            AuthorityCertificate = cluster.Identity.AuthorityCertificate.AsMemory(),
            Runtime = runtime!,
            BaseEvery = wanted.Every,
            Keep = wanted.Keep,
            Say = sentence => log.Say(NodeEvents.Backup, sentence),
            Warn = OnBackupFault,
        });
        stops.Push(archive.DisposeAsync);
    }

    private void OnBackupFault(string? sentence)
    {
        alarms.Set("backup_failed", sentence);
        if (sentence is null) log.Say(NodeEvents.Backup, "the backup goes on");
        else log.Warn(NodeEvents.BackupFailed, sentence);
    }

    /// <summary>Opens the door for Redis clients, when one was asked for.</summary>
    private void OpenRedis(ServerPlan plan, LocalNode self, MemberRecord record)
    {
        if (redis is null) return;
        try
        {
            redis.Start(self.Id, plan.Redis!, null, record.Port, cluster!, runtime!.HearsFrom);
        }
        catch (SocketException taken)
        {
            throw new CannotStartException(PortOwner.Sentence(plan.Redis!, Settings.Redis.Flag), taken);
        }

        stops.Push(redis.DisposeAsync);
        log.Say(NodeEvents.Keyspace, $"Redis clients are served at {redis.Endpoint}");
    }

    private async Task<KeyspaceStatus?> RedisStatusAsync()
    {
        if (redis is null) return null;
        var told = await redis.StatusAsync();
        return new KeyspaceStatus(told.Port, told.ShardsLed, told.SlotsServed, told.Shards, told.ReplicasLeast, told.LagMost, told.Commands, told.Redirects, told.MovesDone, told.MovesFailed);
    }

    private void SpeakOfRedis(bool isWarning, string sentence)
    {
        if (isWarning) log.Warn(NodeEvents.Keyspace, sentence);
        else log.Say(NodeEvents.Keyspace, sentence);
    }

    private void SayWhatWasFound(ServerPlan plan, DataDirectory data)
    {
        log.Identify(data.Node);
        if (data.TooOpen() is { } warning) log.Warn(NodeEvents.GuardRail, warning);
        if (FatalEnd.TakeLastWords(plan.DataDirectory) is not { } lastWords) return;
        log.Fail(NodeEvents.EndedByFault, "the process before this one said: " + lastWords);
        alarms.EndedByFault(lastWords);
    }

    /// <summary>What looks on, and then the front door.</summary>
    private async Task ServeAsync(ServerPlan plan, EndpointTls? clientTls, PeerTls? tls, CoordinationFace keyspace, DataDirectory data, Action<Exception> onFatal, CancellationToken cancel)
    {
        var watch = new NodeWatch(log, alarms, () => runtime!.Groups, NameOf, keyspace);
        var watching = Task.Run(() => watch.RunAsync(stopping.Token), CancellationToken.None);
        stops.Push(async () => await watching);

        Func<DateTimeOffset?> certificatesEnd = () => Earliest(tls is { IsReady: true } ? tls.Expires : null, clientTls?.Material().Certificate.TargetCertificate.NotAfter);
        var metrics = new MetricsRegistry();
        keyspace.RegisterMetrics(metrics);
        var shown = new NodeMetrics(metrics, runtime!, alarms, NameOf, () => data.Disk.FreeBytes);
        shown.Register(certificatesEnd, VersionCommand.Text);
        metrics.Gauge("holdfast_backup_covered_seconds", "Everything acknowledged before this moment is in this node's backup, in seconds since 1970; 0 where none is kept.", () => (archive?.Status.CoveredMicros ?? 0) / 1e6);
        metrics.Gauge("holdfast_backup_base_seconds", "When the newest bases of this node's backup were complete, in seconds since 1970; 0 where none is kept.", () => (archive?.Status.BaseMicros ?? 0) / 1e6);
        await shown.RefreshAsync(cancel);
        var bridge = new MetricsBridge(metrics);
        stops.Push(() => { bridge.Dispose(); return ValueTask.CompletedTask; });

        var admin = new NodeAdmin(plan.Name, data.Node, cluster!, runtime!, alarms, certificatesEnd, archive, () => Budgets(plan, keyspace), RedisStatusAsync);
        door = await OpenDoorAsync(keyspace, plan, new CoordinationEndpointOptions { Listen = [], Tls = clientTls, Logging = log, Admin = admin, ServesFace = plan.Roles.HasFlag(NodeRoles.Coordination), Metrics = metrics, RefreshMetrics = shown.RefreshAsync, OnFatal = onFatal }, cancel);
        stops.Push(door.DisposeAsync);
        if (OpenDns(keyspace, plan, log, metrics) is { } dns) stops.Push(dns.DisposeAsync);
        bridge.TakeUp();
    }

    private async Task ServeVectorsAsync(ServerPlan plan, VectorGroups vectors, Action<Exception> onFatal, CancellationToken cancel)
    {
        try
        {
            var face = await VectorsEndpoint.StartAsync(cluster!, own.Node, vectors, new VectorsEndpointOptions { Rest = plan.Vectors!, Logging = log, OnFatal = onFatal }, cancel);
            stops.Push(face.DisposeAsync);
        }
        catch (Exception taken) when (taken is IOException or SocketException)
        {
            throw new CannotStartException(PortOwner.Sentence(plan.Vectors!, Settings.Vectors.Flag), taken);
        }
    }

    private CoordinationIdentity IdentityOf(LocalNode self, NodeMembership membership, LeaseTimes leaseTimes) => new()
    {
        ClusterId = self.Cluster.Value,
        MemberId = self.Id.Value,
        Members = membership.List,
        Membership = membership,
        AskLeader = leaseTimes.AskAsync,
    };

    private string NameOf(NodeId node) => cluster!.View.Members.TryGetValue(node, out var member) ? member.Name : node == own.Node ? own.Name : node == NodeId.None ? "nobody" : node.ToString();

    private static DateTimeOffset? Earliest(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other : one;

    /// <summary>Opens the front door, or says who stands in it.</summary>
    internal static async Task<CoordinationEndpoint> OpenDoorAsync(ICoordination face, ServerPlan plan, CoordinationEndpointOptions options, CancellationToken cancel)
    {
        try
        {
            return await CoordinationEndpoint.StartAsync(face, options with { Listen = [plan.Etcd], Beside = plan.EtcdAlso, Limits = plan.Limits }, cancel);
        }
        catch (Exception taken) when (taken is IOException or SocketException)
        {
            throw new CannotStartException(PortOwner.Sentence(plan.Etcd, Settings.Etcd.Flag), taken);
        }
    }

    /// <summary>Opens the DNS door where one is wanted, or says who stands in it.</summary>
    internal static DnsEndpoint? OpenDns(ICoordination face, ServerPlan plan, NodeLog log, MetricsRegistry metrics)
    {
        if (plan.Dns is not { } listen) return null;
        try
        {
            return DnsEndpoint.Start(face, new DnsOptions { Listen = listen, User = plan.DnsUser, Logging = log, Metrics = metrics });
        }
        catch (SocketException taken)
        {
            throw new CannotStartException($"{PortOwner.Sentence(listen, Settings.Dns.Flag)} ({taken.Message})", taken);
        }
    }

    /// <summary>The log's files are written past the page cache where that is clearly faster (DESIGN section 4).</summary>
    private DirectoryDisk ProbedDisk(string path)
    {
        var (preferDirect, finding) = WriteProbe.Measure(path);
        log.Say(NodeEvents.Disk, finding);
        return new DirectoryDisk(path) { LogFolder = "wal", PrefersDirect = preferDirect };
    }

    private PeerListener Listen(ServerPlan plan, LocalNode self, PeerAddresses addresses, PeerTls? tls, TransportOptions transport, Action<Exception> onFatal)
    {
        // A node alone needs no peers, but the runtime has a door for them: a port that the system chooses, on loopback.
        var bind = plan.Peer ?? new IPEndPoint(IPAddress.Loopback, 0);
        try
        {
            return new PeerListener(bind, self, addresses, tls, transport, Speak, onFatal);
        }
        catch (SocketException taken)
        {
            throw new CannotStartException(PortOwner.Sentence(bind, Settings.Peer.Flag), taken);
        }
    }

    private void Speak(TransportSeverity severity, string message)
    {
        if (severity == TransportSeverity.Warning) log.Warn(NodeEvents.Transport, message);
        else log.Say(NodeEvents.Transport, message);
    }

    private static MemberRecord Record(ServerPlan plan, NodeId node, PeerListener listener)
    {
        var founder = plan.Cluster.FirstOrDefault(one => one.Name == plan.Name);
        return new MemberRecord
        {
            Node = node,
            Name = plan.Name,
            Host = founder?.Host ?? plan.AdvertisedPeer?.Host ?? listener.Endpoint.Address.ToString(),
            Zone = plan.Zone,
            Roles = plan.Roles,
            FeatureLevelMin = BuildLevel.Lowest,
            FeatureLevelMax = BuildLevel.Known,
            Port = founder?.Port ?? plan.AdvertisedPeer?.Port ?? listener.Endpoint.Port,
            ClientUrls = plan.AdvertisedClientUrls.Count > 0 ? [.. plan.AdvertisedClientUrls] : [$"{plan.ClientPort.Scheme}://{plan.Etcd}"],
        };
    }

    private async Task TickAsync(CoordinationFace face)
    {
        using var timer = new PeriodicTimer(LeaseTick);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping.Token))
                try
                {
                    await face.TickAsync(stopping.Token);
                }
                catch (EtcdException)
                {
                    // No leader just now: leases are looked at again at the next tick.
                }
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }
}
