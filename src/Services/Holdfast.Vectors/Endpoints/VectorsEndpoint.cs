using System.Net;
using Holdfast.Cluster;
using Holdfast.Http;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Grpc;
using Holdfast.Vectors.Endpoints.Rest;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Endpoints.Snapshots;
using Holdfast.Vectors.Endpoints.Telling;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Vectors.Endpoints;

/// <summary>How the front doors of the vector face are built.</summary>
public sealed record VectorsEndpointOptions
{
    /// <summary>Where to listen for REST; port 0 has the system choose; null for nowhere.</summary>
    public required IPEndPoint? Rest { get; init; }

    /// <summary>Where to listen for gRPC; null for nowhere.</summary>
    public IPEndPoint? Grpc { get; init; }

    /// <summary>Who may come in.</summary>
    public VectorAccessOptions Access { get; init; } = new();

    /// <summary>TLS of both doors, or null for cleartext.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>Where snapshots lie; empty where none are kept.</summary>
    public string SnapshotDirectory { get; init; } = "";

    /// <summary>Where requests are counted.</summary>
    public MetricsRegistry Metrics { get; init; } = new();

    /// <summary>Connections, idle ones included.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>How long requests may go on after the door has been told to stop.</summary>
    public TimeSpan DrainDeadline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What to do about a broken invariant that a request ran into. It must not return.</summary>
    public Action<Exception> OnFatal { get; init; } = static broken => Environment.FailFast("holdfast: " + broken.Message, broken);

    /// <summary>Where Kestrel and the doors log.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}

/// <summary>The front doors of the vector face: Qdrant's REST over HTTP/1.1 and its gRPC over HTTP/2, each an <see cref="HttpDoor"/> of its own.</summary>
public sealed class VectorsEndpoint : IAsyncDisposable
{
    private readonly List<HttpDoor> doors = [];
    private readonly VectorsEndpointOptions options;
    private CollectionUpkeep? upkeep;
    private int stopped;

    private VectorsEndpoint(VectorsEndpointOptions options) => this.options = options;

    /// <summary>Where REST is served, with the port that the system chose; where gRPC is when REST is not.</summary>
    public IPEndPoint Address => doors[0].Addresses[0];

    /// <summary>Where gRPC is served, with the port that the system chose.</summary>
    public IPEndPoint GrpcAddress => doors[^1].Addresses[0];

    /// <summary>Opens the doors over a cluster's shards.</summary>
    /// <exception cref="IOException">A port is taken, or may not be bound.</exception>
    public static async Task<VectorsEndpoint> StartAsync(ClusterNode cluster, NodeId self, VectorGroups groups, VectorsEndpointOptions options, CancellationToken cancel)
    {
        var board = new ReplicaBoard();
        var collections = new DirectoryCollections(cluster, self, groups, board);
        var endpoint = await StartAsync(new VectorFace(collections), options, board, cancel).ConfigureAwait(false);
        endpoint.upkeep = new CollectionUpkeep(cluster, collections, groups, options.Metrics);
        GraphCounters.Show(options.Metrics, groups.Graphs);
        return endpoint;
    }

    internal static async Task<VectorsEndpoint> StartAsync(VectorFace face, VectorsEndpointOptions options, ReplicaBoard? board, CancellationToken cancel)
    {
        var endpoint = new VectorsEndpoint(options);
        var room = new VectorRoom(face, new VectorMeters(options.Metrics, board), options.SnapshotDirectory.Length == 0 ? null : new SnapshotDesk(options.SnapshotDirectory, face));
        room.Meters.Show(room.Rates);
        room.Meters.Show(face.Collections);
        var log = options.Logging.CreateLogger("Holdfast.Vectors.Endpoints");
        var access = new AccessDesk(options.Access);
        try
        {
            if (options.Rest is { } rest) await endpoint.OpenAsync(rest, HttpProtocols.Http1, new RestDoor(room, access, options.OnFatal, log), "REST", log, cancel).ConfigureAwait(false);
            if (options.Grpc is { } grpc) await endpoint.OpenAsync(grpc, HttpProtocols.Http2, new GrpcDoor(room, access, options.OnFatal, log), "gRPC", log, cancel).ConfigureAwait(false);
        }
        catch
        {
            await endpoint.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return endpoint;
    }

    /// <summary>Closes the doors: requests under way finish within the drain deadline.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        if (upkeep is not null) await upkeep.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(doors.Select(static door => door.DisposeAsync().AsTask())).ConfigureAwait(false);
    }

    private async Task OpenAsync<TExchange>(IPEndPoint address, HttpProtocols protocol, IHttpApplication<TExchange> door, string name, ILogger log, CancellationToken cancel)
        where TExchange : notnull
    {
        var opened = await HttpDoor.StartAsync(door, new HttpDoorOptions
        {
            Listen = [new HttpAddress(address) { Protocols = protocol }],
            Tls = options.Tls,
            Logging = options.Logging,
            Limits = new HttpDoorLimits { ConnectionsMax = options.ConnectionsMax, DrainDeadline = options.DrainDeadline },
        }, cancel).ConfigureAwait(false);
        doors.Add(opened);
        RestLog.Serving(log, name, opened.Addresses[0].ToString());
    }
}
