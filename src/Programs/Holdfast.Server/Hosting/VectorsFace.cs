using System.Net;
using System.Net.Sockets;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Replication;
using Holdfast.Storage;
using Holdfast.Server.Configuration;
using Holdfast.Transport;
using Holdfast.Vectors.Endpoints;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Server.Hosting;

/// <summary>The vectors on a node: its shards, whether or not clients are served here, and the door for Qdrant clients.</summary>
/// <param name="onFatal">Told when nothing can go on.</param>
/// <param name="filesOf">Where a shard's sealed segments are kept.</param>
/// <param name="onFilesMade">Told when a shard has new files, which a snapshot ought to name soon; null where nobody takes any.</param>
internal sealed class VectorsFace(Action<Exception> onFatal, Func<GroupId, StateFiles> filesOf, Action<GroupId>? onFilesMade = null) : IDataFace
{
    /// <summary>The control verb by which other nodes ask about shards that are here.</summary>
    public const ushort Verb = VectorGroups.Verb;

    private readonly VectorGroups groups = new(onFatal, filesOf, onFilesMade);
    private VectorsEndpoint? door;

    /// <inheritdoc/>
    public IPEndPoint? Endpoint => door?.Address;

    /// <inheritdoc/>
    public ILoopPart? MakePart(EventLoop loop) => null;

    /// <inheritdoc/>
    public IStateMachine? MakeMachine(GroupRecord group) => groups.Create(group);

    /// <inheritdoc/>
    public async Task OpenAsync(NodeParts node, CancellationToken cancel)
    {
        if ((node.Plan.Vectors ?? node.Plan.VectorsGrpc) is not { } listen) return;
        try
        {
            door = await VectorsEndpoint.StartAsync(node.Cluster, node.Self.Id, groups, DoorsOf(node), cancel);
        }
        catch (Exception taken) when (taken is IOException or SocketException)
        {
            throw new CannotStartException(PortOwner.Sentence(listen, node.Plan.Vectors is null ? Settings.VectorsGrpc.Flag : Settings.Vectors.Flag), taken);
        }
    }

    /// <summary>Begins to answer other nodes, before any of them can ask.</summary>
    public void Serve(ClusterNode cluster, NodeId self) => groups.Serve(cluster, self);

    /// <summary>Answers another node about a shard that is here.</summary>
    public ValueTask<ReadOnlyMemory<byte>> OnAskedAsync(ControlRequest request, CancellationToken cancel) => groups.OnAskedAsync(request, cancel);

    /// <inheritdoc/>
    public ValueTask CloseAsync() => door?.DisposeAsync() ?? ValueTask.CompletedTask;

    private static VectorsEndpointOptions DoorsOf(NodeParts node) => new()
    {
        Rest = node.Plan.Vectors,
        Grpc = node.Plan.VectorsGrpc,
        Access = node.Plan.VectorFace.Access,
        Tls = node.Plan.VectorFace.OpenTls(node.Log),
        SnapshotDirectory = Path.Combine(node.Plan.DataDirectory, "vector-snapshots"),
        Metrics = node.Metrics,
        Logging = node.Log,
        OnFatal = node.OnFatal,
    };

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        groups.Dispose();
        return ValueTask.CompletedTask;
    }
}
