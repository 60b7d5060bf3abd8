using System.Net;
using System.Net.Security;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Grpc;
using Holdfast.Vectors.Endpoints.Rest;
using Holdfast.Vectors.Endpoints.Routing;
using Holdfast.Vectors.Endpoints.Snapshots;
using Holdfast.Vectors.Endpoints.Telling;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

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

    /// <summary>What TLS is served with, asked for each connection; null for the clear.</summary>
    public Func<SslServerAuthenticationOptions>? Tls { get; init; }

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

/// <summary>The front doors of the vector face: Qdrant's REST over HTTP/1.1 and its gRPC over HTTP/2, each built from Kestrel's own parts, without a host.</summary>
public sealed class VectorsEndpoint : IAsyncDisposable
{
    private readonly List<(KestrelServer Server, ListenOptions Listening)> doors = [];
    private readonly VectorsEndpointOptions options;
    private CollectionUpkeep? upkeep;
    private int stopped;

    private VectorsEndpoint(VectorsEndpointOptions options) => this.options = options;

    /// <summary>Where REST is served, with the port that the system chose; where gRPC is when REST is not.</summary>
    public IPEndPoint Address => doors[0].Listening.IPEndPoint!;

    /// <summary>Where gRPC is served, with the port that the system chose.</summary>
    public IPEndPoint GrpcAddress => doors[^1].Listening.IPEndPoint!;

    /// <summary>Opens the doors over a cluster's shards.</summary>
    /// <exception cref="IOException">A port is taken, or may not be bound.</exception>
    public static async Task<VectorsEndpoint> StartAsync(ClusterNode cluster, NodeId self, VectorGroups groups, VectorsEndpointOptions options, CancellationToken cancel)
    {
        var board = new ReplicaBoard();
        var collections = new DirectoryCollections(cluster, self, groups, board);
        var endpoint = await StartAsync(new VectorFace(collections), options, board, cancel).ConfigureAwait(false);
        endpoint.upkeep = new CollectionUpkeep(cluster, collections, groups, options.Metrics);
        return endpoint;
    }

    internal static async Task<VectorsEndpoint> StartAsync(VectorFace face, VectorsEndpointOptions options, ReplicaBoard? board, CancellationToken cancel)
    {
        var endpoint = new VectorsEndpoint(options);
        var room = new VectorRoom(face, new VectorMeters(options.Metrics, board), options.SnapshotDirectory.Length == 0 ? null : new SnapshotDesk(options.SnapshotDirectory, face));
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
        using var drain = new CancellationTokenSource(options.DrainDeadline);
        foreach (var (server, _) in doors)
        {
            await server.StopAsync(drain.Token).ConfigureAwait(false);
            server.Dispose();
        }
    }

    private async Task OpenAsync<TExchange>(IPEndPoint address, HttpProtocols protocol, IHttpApplication<TExchange> door, string name, ILogger log, CancellationToken cancel)
        where TExchange : notnull
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, ApplicationServices = KestrelServices.For(options.Logging, options.Tls is not null) };
        kestrel.Limits.MaxConcurrentConnections = options.ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = null; // The doors count by themselves, and answer with the protocol's own error.
        kestrel.Limits.Http2.InitialConnectionWindowSize = 1024 * 1024;
        kestrel.Limits.Http2.InitialStreamWindowSize = 768 * 1024;
        ListenOptions? listening = null;
        kestrel.Listen(address, listen =>
        {
            listen.Protocols = protocol;
            if (options.Tls is { } tls) listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => new(Named(tls(), protocol)) });
            listening = listen;
        });
        var server = new KestrelServer(Options.Create(kestrel), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), options.Logging), options.Logging);
        doors.Add((server, listening!));
        await server.StartAsync(door, cancel).ConfigureAwait(false);
        RestLog.Serving(log, name, listening!.IPEndPoint!.ToString());
    }

    private static SslServerAuthenticationOptions Named(SslServerAuthenticationOptions tls, HttpProtocols protocol)
    {
        tls.ApplicationProtocols = [protocol == HttpProtocols.Http2 ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11];
        return tls;
    }
}
