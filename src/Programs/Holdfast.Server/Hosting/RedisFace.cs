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
    public RedisFace(KeyspaceOptions options, NodeLog log)
    {
        this.log = log;
        face = new KeyspaceFace(options, Speak);
    }

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
        var ports = node.Plan.Redis!;
        try
        {
            face.Start(node.Self.Id, ports.Open(node.Log), node.Member.Port, node.Cluster, node.Runtime.HearsFrom);
        }
        catch (SocketException taken)
        {
            var (listen, flag) = ports.Taken();
            throw new CannotStartException(PortOwner.Sentence(listen, flag), taken);
        }

        var more = (face.TlsEndpoint is { } tls && face.TlsEndpoint != face.Endpoint ? $", under TLS at {tls}" : "") + (face.ForwardingEndpoint is { } forwarding ? $", those that know nothing of clusters at {forwarding}" : "");
        log.Say(NodeEvents.Keyspace, $"Redis clients are served at {face.Endpoint}{more}");
        return Task.CompletedTask;
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
