using System.Net;
using System.Security.Cryptography;
using Holdfast.Cluster;
using Holdfast.Coordination;
using Holdfast.Coordination.Endpoints;
using Holdfast.Http;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Replication;
using Holdfast.Server.Commands;
using Holdfast.Server.Configuration;
using Holdfast.Storage;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>
/// A running node: composed top to bottom in start order, taken down in reverse. No container decides what is started when.
/// Data directory → peer port → runtime (log, loops, beats) → cluster (founded, joined or known; groups 0 and 1) → data faces' doors → front door.
/// What a single face needs stands in its own class: an <see cref="IDataFace"/>, or <see cref="EtcdDoor"/>.
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
    private readonly TaskCompletionSource beginsAnew = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource ends = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CoordinationEndpoint? door;
    private (NodeId Node, string Name) own;
    private NodeRuntime? runtime;
    private ClusterNode? cluster;
    private IDataFace[] faces = [];
    private RedisFace? redis;

    private NodeAssembly(NodeLog log) => this.log = log;

    /// <summary>Where etcd clients are served, with the ports that the system chose.</summary>
    public IReadOnlyList<string> ClientAddresses => [.. door!.Addresses.Select(address => address.ToString())];

    /// <summary>Where a data face serves its clients; null where it does not.</summary>
    public IPEndPoint? EndpointOf<TFace>()
        where TFace : IDataFace => faces.OfType<TFace>().FirstOrDefault()?.Endpoint;

    /// <inheritdoc/>
    public ulong ClusterId => cluster!.View.Cluster.Value;

    /// <inheritdoc/>
    public Task BeginsAnew => beginsAnew.Task;

    /// <inheritdoc/>
    public Task Ends => ends.Task;

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
            ResetDirectory.Apply(plan.DataDirectory, log);
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
        StopLater(data);
        SayWhatWasFound(plan, data);
        var self = new LocalNode(data.Node, checked((uint)data.BootCount), BuildLevel.Known, data.Cluster);

        var certificates = NodeCertificates.Open(plan, log);
        if (certificates is not null) stops.Push(certificates.DisposeAsync);
        var tls = certificates?.Tls ?? (plan.SelfSignedPeerFolder is { } selfSigned ? PeerTls.OfAnybody(SelfSigned.Load(selfSigned)) : null);

        var addresses = new PeerAddresses();
        var transport = new TransportOptions();
        var listener = PeerDoor.Open(plan, self, addresses, tls, transport, Speak, onFatal);
        StopLater(listener);
        var control = new ControlService(transport, Speak);
        StopLater(control);
        var record = PeerDoor.Announced(plan, data.Node, listener);
        own = (data.Node, plan.Name);
        listener.Serve(control);

        // Vector shards are carried wherever they are placed, Redis's where the face is on.
        var vectors = new VectorsFace(onFatal, group => runtime!.FilesOf(group), group => runtime!.Groups.FirstOrDefault(each => each.Id == group)?.TakeSnapshot());
        redis = plan.Redis is null ? null : RedisFace.ForClients(plan.RedisFace, log, () => ends.TrySetResult(), plan.WaitsToMeet ? () => BeginAnew(plan) : null);
        faces = redis is null ? [vectors] : [vectors, redis];
        runtime = new NodeRuntime(new NodeSetup { Self = self, Disk = data.Disk, Addresses = addresses, Listener = listener, Tls = tls, Transport = transport, Log = Speak, OnFatal = onFatal, LoopParts = new DataFaces(faces).MakePart });
        stops.Push(async () => await runtime.StopAsync());
        foreach (var face in faces) stops.Push(face.DisposeAsync);
        var machine = new CoordinationStateMachine(() => runtime.FilesOf(Primitives.GroupId.Coordination));
        var (leaseTimes, rooms) = (new LeaseTimes(self, addresses, tls), new DiskRooms(self, addresses, tls, data.Disk));
        control.Add(LeaseTimes.Verb, leaseTimes.OnAsked);
        control.Add(DiskRooms.Verb, rooms.OnAsked);
        redis?.AddVerbs(control);
        control.Add(VectorsFace.Verb, vectors.OnAskedAsync);
        cluster = new ClusterNode(new ClusterNodeSetup
        {
            Disk = data.Disk,
            Self = self,
            Member = record,
            Addresses = addresses,
            Control = control,
            Runtime = runtime,
            Coordination = machine,
            DataMachines = new DataFaces(faces).MakeMachine,
            Tls = tls,
            Certificates = certificates?.Folder,
            Founders = plan.Cluster.ToDictionary(one => one.Name, one => HostPort.Format(one.Host, one.Port)),
            IsLone = plan.WaitsToMeet,
            AnswersMeetings = redis is not null,
            JoinTarget = plan.JoinAddress,
            JoinToken = plan.JoinToken,
            JoinsReservedPlace = plan.JoinsReservedPlace,
            Groups = new GroupOptions { FeatureLevelKnown = BuildLevel.Known },
            OnCluster = data.JoinCluster,
            Say = happened => log.Say(NodeEvents.Cluster, happened),
            Warn = finding => log.Warn(NodeEvents.Recovery, finding),
        });
        vectors.Serve(cluster, self.Id);
        listener.Start();
        if (self.Cluster == Primitives.ClusterId.None && plan.Cluster.Count > 1) log.Say(NodeEvents.Founding, "a new cluster begins when every listed node is there");
        stops.Push(cluster.DisposeAsync);
        if (cluster.IsAlone) OpenAlone(plan, record);
        await cluster.StartAsync(cancel);

        var membership = new NodeMembership(cluster, record, runtime.HearsFrom, tls is null ? "http" : "https", plan.LearnersMax);
        var keyspace = CoordinationFace.Over(cluster.Coordination, machine, IdentityOf(self, membership, leaseTimes, rooms), BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), plan.Keyspace);
        leaseTimes.Serve(keyspace);
        await cluster.FinishRecoveryAsync(stop => keyspace.RaiseRevisionsAsync((DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10, RevisionsSkippedLeast, stop), cancel);
        var parts = new NodeParts(plan, log, self, record, runtime, cluster, new MetricsRegistry(), onFatal);
        var backup = new BackupKeeping(parts, alarms);
        backup.Start();
        stops.Push(backup.DisposeAsync);
        RunUntilStopped(() => rooms.RunAsync(keyspace, cluster.Coordination, () => runtime.Groups, stopping.Token));
        RunUntilStopped(() => TickAsync(keyspace));
        await OpenFacesAsync(parts, cancel);
        await ServeAsync(parts, clientTls, tls, keyspace, backup, new DiskGauges(() => data.Disk.FreeBytes, () => rooms.ReserveBytes), cancel);
        log.Say(NodeEvents.Started, $"node {self.Id}, start {data.BootCount}, cluster {self.Cluster}, peers at {listener.Endpoint}");
    }

    private void BeginAnew(ServerPlan plan)
    {
        ResetDirectory.Ask(plan.DataDirectory);
        beginsAnew.TrySetResult();
    }

    /// <summary>Redis's port is open before there is a cluster, for its clients are to bring the nodes together (CLUSTER MEET).</summary>
    private void OpenAlone(ServerPlan plan, MemberRecord record)
    {
        if (redis is null) return;
        runtime!.StartLoops();
        redis.OpenAlone(plan.Redis!, log, record, cluster!);
    }

    private async Task OpenFacesAsync(NodeParts parts, CancellationToken cancel)
    {
        foreach (var face in faces)
        {
            await face.OpenAsync(parts, cancel);
            stops.Push(face.CloseAsync);
        }
    }

    /// <summary>What looks on, and then the front door.</summary>
    private async Task ServeAsync(NodeParts node, ServerTls? clientTls, PeerTls? tls, CoordinationFace keyspace, BackupKeeping backup, DiskGauges disk, CancellationToken cancel)
    {
        var plan = node.Plan;
        RunUntilStopped(() => new NodeWatch(log, alarms, () => node.Runtime.Groups, NameOf, keyspace).RunAsync(stopping.Token));

        Func<DateTimeOffset?> certificatesEnd = () => Earliest(tls is { IsReady: true } ? tls.Expires : null, clientTls?.Material().Certificate.TargetCertificate.NotAfter);
        var metrics = node.Metrics;
        keyspace.RegisterMetrics(metrics);
        var shown = new NodeMetrics(metrics, node.Runtime, alarms, NameOf, disk);
        shown.Register(certificatesEnd, VersionCommand.Text);
        backup.Register(metrics);
        await shown.RefreshAsync(cancel);
        var bridge = new MetricsBridge(metrics);
        StopLater(bridge);

        var admin = new NodeAdmin(plan.Name, node.Self.Id, node.Cluster, node.Runtime, alarms, certificatesEnd, backup.Archive, () => Budgets(plan, keyspace), async () => redis is null ? null : await redis.StatusAsync());
        door = await EtcdDoor.OpenAsync(keyspace, plan, new CoordinationEndpointOptions { Listen = [], Tls = clientTls, Logging = log, Admin = admin, ServesFace = plan.Roles.HasFlag(NodeRoles.Coordination), Metrics = metrics, RefreshMetrics = shown.RefreshAsync, OnFatal = node.OnFatal }, cancel);
        stops.Push(door.DisposeAsync);
        if (EtcdDoor.OpenDns(keyspace, plan, log, metrics) is { } dns) stops.Push(dns.DisposeAsync);
        bridge.TakeUp();
    }

    private void StopLater(IDisposable part) => stops.Push(() =>
    {
        part.Dispose();
        return ValueTask.CompletedTask;
    });

    /// <summary>Runs something beside that ends when the node stops.</summary>
    private void RunUntilStopped(Func<Task> work)
    {
        var running = Task.Run(work, CancellationToken.None);
        stops.Push(async () => await running);
    }

    private static IReadOnlyList<BudgetStatus> Budgets(ServerPlan plan, CoordinationFace keyspace) =>
        [.. plan.Budget.Faces.Select(face => new BudgetStatus(face.Face.ToString().ToLowerInvariant(), face.MemoryBytes, face.Face == Face.Coordination ? keyspace.SizeBytes : 0))];

    private void SayWhatWasFound(ServerPlan plan, DataDirectory data)
    {
        log.Identify(data.Node);
        if (data.TooOpen() is { } warning) log.Warn(NodeEvents.GuardRail, warning);
        if (FatalEnd.TakeLastWords(plan.DataDirectory) is not { } lastWords) return;
        log.Fail(NodeEvents.EndedByFault, "the process before this one said: " + lastWords);
        alarms.EndedByFault(lastWords);
    }

    private CoordinationIdentity IdentityOf(LocalNode self, NodeMembership membership, LeaseTimes leaseTimes, DiskRooms rooms) => new()
    {
        ClusterId = self.Cluster.Value,
        MemberId = self.Id.Value,
        Members = membership.List,
        Membership = membership,
        AskLeader = leaseTimes.AskAsync,
        DiskRoom = () => rooms.OfMajority,
    };

    private string NameOf(NodeId node) => cluster!.View.Members.TryGetValue(node, out var member) ? member.Name : node == own.Node ? own.Name : node == NodeId.None ? "nobody" : node.ToString();

    private static DateTimeOffset? Earliest(DateTimeOffset? one, DateTimeOffset? other) => one is null || other < one ? other : one;

    /// <summary>The log's files are written past the page cache where that is clearly faster (DESIGN section 4).</summary>
    private DirectoryDisk ProbedDisk(string path)
    {
        var (preferDirect, finding) = WriteProbe.Measure(path);
        log.Say(NodeEvents.Disk, finding);
        return new DirectoryDisk(path) { LogFolder = "wal", PrefersDirect = preferDirect };
    }

    private void Speak(TransportSeverity severity, string message)
    {
        if (severity == TransportSeverity.Warning) log.Warn(NodeEvents.Transport, message);
        else log.Say(NodeEvents.Transport, message);
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
