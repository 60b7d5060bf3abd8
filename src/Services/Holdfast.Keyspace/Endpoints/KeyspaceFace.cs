using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Transport;

namespace Holdfast.Keyspace.Endpoints;

/// <summary>What the face says of itself to the node's log, a sentence each.</summary>
/// <param name="isWarning">Whether an operator should look.</param>
/// <param name="sentence">What happened.</param>
public delegate void KeyspaceLog(bool isWarning, string sentence);

/// <summary>
/// The Redis face of a node, as the program composes it: make it before the runtime is opened, give <see cref="MakePart"/> to the runtime and <see cref="MakeMachine"/> to the cluster's node, and
/// <see cref="Start"/> it once the cluster is known.
/// </summary>
public sealed class KeyspaceFace : IAsyncDisposable
{
    /// <summary>The cluster's feature level from which on a large value travels to another shard in pieces.</summary>
    private const uint LevelOfPieces = 2;

    private readonly KeyspaceNode node;
    private readonly ShardMachines machines;
    private readonly KeyspaceLog log;
    private readonly CancellationTokenSource stopping = new();
    private RedisLoop? loop;
    private ClusterPeer? own;
    private volatile MoveRunner? runner;
    private Func<GroupId, ReplicatedGroup?>? finds;
    private Task following = Task.CompletedTask;

    /// <summary>A face that serves nobody yet.</summary>
    public KeyspaceFace(KeyspaceOptions options, KeyspaceLog log)
    {
        this.log = log;
        node = new KeyspaceNode(CommandTable.Build(), options)
        {
            StartedMicros = (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / 10,
            Dice = new SeededRandom(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8))),
        };
        node.SecretSource = RandomNumberGenerator.GetBytes;
        machines = new ShardMachines(node);
    }

    /// <summary>Where clients are served, at the first of the ports; null before <see cref="Start"/>.</summary>
    public IPEndPoint? Endpoint { get; private set; }

    /// <summary>Where clients are served under TLS; null for nowhere.</summary>
    public IPEndPoint? TlsEndpoint { get; private set; }

    /// <summary>Where clients are served whose commands are forwarded; null for nowhere.</summary>
    public IPEndPoint? ForwardingEndpoint { get; private set; }

    /// <summary>Has the node begin anew, alone and empty, after its cluster has removed it for good; null where that is not offered.</summary>
    public Action? BeginAnew { get; init; }

    /// <summary>Has the node end, handing its leadership over (SHUTDOWN); null where that is not offered.</summary>
    public Action? Stop { get; init; }

    /// <summary>What lives on the node's loops: the first one carries the clients.</summary>
    public ILoopPart? MakePart(EventLoop eventLoop) => loop is null ? loop = new RedisLoop(eventLoop, node) : null;

    /// <summary>The empty state of a shard that is placed here; null for a group of another face.</summary>
    public IStateMachine? MakeMachine(GroupRecord group) => group.Face is ShardLayout.Face or "" ? machines.Make(group.Id) : null;

    /// <summary>Adds what nodes ask each other to the control calls. Before the peer listener starts.</summary>
    public void AddVerbs(ControlService control)
    {
        control.Add(KeyspaceVerbs.Move, OnMove);
        control.Add(KeyspaceVerbs.Leads, OnLeads);
    }

    /// <summary>Opens the door and begins to follow the cluster: announces this node, founds the shards of a fresh cluster, and spreads the leaders.</summary>
    /// <param name="self">This incarnation.</param>
    /// <param name="doors">Where clients come in: one of the ports at least.</param>
    /// <param name="busPort">The peer port, which Redis calls the bus.</param>
    /// <param name="cluster">The node's part in the cluster.</param>
    /// <param name="hears">Whether a peer is alive now.</param>
    /// <exception cref="SocketException">A port is taken.</exception>
    public void Start(NodeId self, KeyspaceDoors doors, int busPort, ClusterNode cluster, Func<NodeId, bool> hears)
    {
        var opened = Bind(self, doors, busPort);
        finds = cluster.FindGroup;
        node.KnowsPieces = () => cluster.FeatureLevelAhead >= LevelOfPieces;
        runner = new MoveRunner(node, loop!, cluster, log);
        node.Desk = new ClusterDesk(node, loop!, cluster, own!, new SlotClaims(node, cluster, self), BeginAnew, stopping.Token);
        node.Stop = Stop;
        loop!.BeginGossip(self);
        foreach (var door in opened) loop!.Open(door);
        node.Shared.Store = new DirectoryStore(cluster, loop!.Post, stopping.Token);
        node.Say = (isWarning, sentence) => log(isWarning, sentence);
        var follower = new ClusterFollower(node, machines, cluster, own!, hears, runner, loop.Post, log);
        following = Task.Run(() => follower.RunAsync(stopping.Token), CancellationToken.None);
    }

    /// <summary>Opens the door of a node without a cluster: clients may look at it, tell it which slots it shall have, and let it meet others. Its loops must run; <see cref="Start"/> follows when it has found to a cluster, and the clients stay.</summary>
    /// <param name="self">This incarnation.</param>
    /// <param name="doors">Where clients come in: one of the ports at least.</param>
    /// <param name="busPort">The peer port.</param>
    /// <param name="cluster">The node's part in the cluster.</param>
    /// <exception cref="SocketException">A port is taken.</exception>
    public void OpenAlone(NodeId self, KeyspaceDoors doors, int busPort, ClusterNode cluster)
    {
        var opened = Bind(self, doors, busPort);
        node.Desk = new LoneDesk(node, loop!, cluster, own!, stopping.Token);
        foreach (var door in opened) loop!.Open(door);
    }

    /// <summary>The doors to open; none when they are open since before the cluster was known.</summary>
    private RedisDoor[] Bind(NodeId self, KeyspaceDoors doors, int busPort)
    {
        Invariant.Holds(loop is not null, "the Redis face was started without a loop");
        if (Endpoint is not null) return [];
        ReadSettings();
        var bound = new List<(Socket Socket, bool IsTls, bool Forwards)>();
        try
        {
            if (doors.Plain is { } plain) bound.Add((Bind(plain), false, false));
            if (doors.Tls is { } tls) bound.Add((Bind(tls), true, false));
            if (doors.Forwarding is { } forwarding) bound.Add((Bind(forwarding), false, true));
        }
        catch
        {
            foreach (var (socket, _, _) in bound) socket.Dispose();
            throw;
        }

        int PortOf(bool isTls) => bound.Find(door => door.IsTls == isTls && !door.Forwards).Socket?.LocalEndPoint is IPEndPoint at ? at.Port : 0;
        Endpoint = (IPEndPoint)bound[0].Socket.LocalEndPoint!;
        TlsEndpoint = bound.Find(door => door.IsTls).Socket?.LocalEndPoint as IPEndPoint;
        ForwardingEndpoint = bound.Find(door => door.Forwards).Socket?.LocalEndPoint as IPEndPoint;
        node.Settings.Tell("port", PortOf(false));
        node.Settings.Tell("tls-port", PortOf(true));
        own = new ClusterPeer(self, doors.Advertised ?? Endpoint.Address.ToString(), PortOf(false), busPort) { TlsPort = PortOf(true) };
        return [.. bound.Select(door => new RedisDoor(loop!, door.Socket) { Tls = door.IsTls ? doors.TlsOptions : null, Forwards = door.Forwards })];
    }

    private void ReadSettings()
    {
        if (node.Options.SettingsFile.Length == 0) return;
        var file = new SettingFile(node.Options.SettingsFile, loop!.Post);
        file.ReadInto(node.Settings, sentence => log(true, sentence));
        node.OnSettings();
        node.SettingFile = file;
    }

    /// <summary>How the face is, for an operator.</summary>
    public async Task<KeyspaceFaceStatus> StatusAsync()
    {
        var topology = node.Topology;
        var view = new ClusterView(topology);
        var lag = 0UL;
        foreach (var seat in topology.Led)
            if (finds?.Invoke(seat.Group) is { } group) lag = Math.Max(lag, await LagOfAsync(group).ConfigureAwait(false));
        var (done, failed, running) = node.Desk?.CountMoves() ?? default;
        return new KeyspaceFaceStatus(Endpoint?.Port ?? 0, topology.Led.Count(), view.SlotsServed, topology.Shards.Length, topology.Shards.Length == 0 ? 0 : topology.Shards.Min(shard => shard.Replicas.Length + shard.Witnesses), lag)
        {
            Commands = node.Counters.Commands,
            Redirects = node.Counters.Redirects,
            MovesDone = done,
            MovesFailed = failed,
            MovesRunning = running,
        };
    }

    private static Socket Bind(IPEndPoint listen)
    {
        var socket = new Socket(listen.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(listen);
            socket.Listen(511);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<ulong> LagOfAsync(ReplicatedGroup group)
    {
        var last = group.Status.Last.Index.Value;
        var followers = await group.FollowersAsync().ConfigureAwait(false);
        return followers.Count == 0 ? 0 : followers.Max(place => last - Math.Min(place.Match.Value, last));
    }

    /// <summary>Cuts the clients off. The runtime must still run.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await following.ConfigureAwait(false);
        if (Endpoint is not null) await loop!.CloseAsync().WaitAsync(TimeSpan.FromSeconds(5)).ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        stopping.Dispose();
    }

    private async ValueTask<ReadOnlyMemory<byte>> OnMove(ControlRequest request, CancellationToken cancellation)
    {
        if (MoveQuestion.Decode(request.Payload.Span) is not { } question) throw new ControlRefusedException("the question is not whole");
        return runner is { } started ? (await started.AnswerAsync(question, cancellation).ConfigureAwait(false)).Encode() : default(MoveAnswer).Encode();
    }

    private ValueTask<ReadOnlyMemory<byte>> OnLeads(ControlRequest request, CancellationToken cancellation) =>
        new(KeyspaceVerbs.EncodeLeads(node.Topology.Led.Select(seat => (seat.Group, seat.Log.Term))));
}
