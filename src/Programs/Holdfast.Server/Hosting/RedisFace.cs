using System.Net;
using System.Net.Sockets;
using Holdfast.Cluster;
using Holdfast.Coordination.Endpoints;
using Holdfast.Keyspace;
using Holdfast.Keyspace.Endpoints;
using Holdfast.Replication;
using Holdfast.Server.Configuration;
using Holdfast.Transport;

namespace Holdfast.Server.Hosting;

/// <summary>The keyspace on a node: its shards, and the door for Redis clients.</summary>
internal sealed class RedisFace : IDataFace
{
    private readonly NodeLog log;
    private readonly KeyspaceFace face;

    /// <summary>A face that serves nobody yet.</summary>
    public RedisFace(KeyspaceOptions options, NodeLog log, Action? stop = null, Action? beginAnew = null)
    {
        this.log = log;
        face = new KeyspaceFace(options, Speak) { Stop = stop, BeginAnew = beginAnew };
    }

    /// <summary>A face that is going to serve clients: their scripts must be able to run, or the first would end the node.</summary>
    /// <exception cref="CannotStartException">The program was copied without what stands beside it.</exception>
    public static RedisFace ForClients(KeyspaceOptions options, NodeLog log, Action stop, Action? beginAnew) => ScriptLibrary.IsThere
        ? new RedisFace(options, log, stop, beginAnew)
        : throw new CannotStartException($"Redis clients cannot be served: Lua's library, liblua54.so, is not beside the program in {AppContext.BaseDirectory}. Copy it there with the program, or leave out {Settings.Redis.Flag}");

    /// <inheritdoc/>
    public IPEndPoint? Endpoint => face.Endpoint;

    /// <summary>Adds what nodes ask each other. Before the peer listener starts.</summary>
    public void AddVerbs(ControlService control) => face.AddVerbs(control);

    /// <summary>How it is, for an operator.</summary>
    public async Task<KeyspaceStatus> StatusAsync()
    {
        var told = await face.StatusAsync();
        return new KeyspaceStatus(told.Port, told.ShardsLed, told.SlotsServed, told.Shards, told.ReplicasLeast, told.LagMost, told.Commands, told.Redirects, told.MovesDone, told.MovesFailed);
    }

    /// <inheritdoc/>
    public ILoopPart? MakePart(EventLoop loop) => face.MakePart(loop);

    /// <inheritdoc/>
    public IStateMachine? MakeMachine(GroupRecord group) => face.MakeMachine(group);

    /// <inheritdoc/>
    public Task OpenAsync(NodeParts node, CancellationToken cancel)
    {
        Open(node.Plan.Redis!, node.Log, doors => face.Start(node.Self.Id, doors, node.Member.Port, node.Cluster, node.Runtime.HearsFrom));
        return Task.CompletedTask;
    }

    /// <summary>Opens the door of a node that has no cluster yet: clients may tell it whom to meet, and which slots it shall have.</summary>
    /// <exception cref="CannotStartException">The port is taken, and by whom.</exception>
    public void OpenAlone(RedisPortPlan ports, NodeLog logging, MemberRecord member, ClusterNode cluster) => Open(ports, logging, doors => face.OpenAlone(member.Node, doors, member.Port, cluster));

    private void Open(RedisPortPlan ports, NodeLog logging, Action<KeyspaceDoors> open)
    {
        try
        {
            open(ports.Open(logging));
        }
        catch (SocketException taken)
        {
            var (listen, flag) = ports.Taken();
            throw new CannotStartException(PortOwner.Sentence(listen, flag), taken);
        }

        var more = (face.TlsEndpoint is { } tls && face.TlsEndpoint != face.Endpoint ? $", under TLS at {tls}" : "") + (face.ForwardingEndpoint is { } forwarding ? $", those that know nothing of clusters at {forwarding}" : "");
        log.Say(NodeEvents.Keyspace, $"Redis clients are served at {face.Endpoint}{more}");
    }

    /// <inheritdoc/>
    public ValueTask CloseAsync() => face.DisposeAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Speak(bool isWarning, string sentence)
    {
        if (isWarning) log.Warn(NodeEvents.Keyspace, sentence);
        else log.Say(NodeEvents.Keyspace, sentence);
    }
}
