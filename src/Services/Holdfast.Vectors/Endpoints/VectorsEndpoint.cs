using System.Net;
using Holdfast.Cluster;
using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Rest;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Holdfast.Vectors.Endpoints;

/// <summary>How the front door of the vector face is built.</summary>
public sealed record VectorsEndpointOptions
{
    /// <summary>Where to listen for REST; port 0 has the system choose.</summary>
    public required IPEndPoint Rest { get; init; }

    /// <summary>Connections, idle ones included.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>How long requests may go on after the door has been told to stop.</summary>
    public TimeSpan DrainDeadline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>What to do about a broken invariant that a request ran into. It must not return.</summary>
    public Action<Exception> OnFatal { get; init; } = static broken => Environment.FailFast("holdfast: " + broken.Message, broken);

    /// <summary>Where Kestrel and the door log.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}

/// <summary>The front door of the vector face: Qdrant's REST over HTTP/1.1, built from Kestrel's own parts, without a host.</summary>
public sealed class VectorsEndpoint : IAsyncDisposable
{
    private readonly KestrelServer server;
    private readonly TimeSpan drainDeadline;
    private CollectionUpkeep? upkeep;
    private ListenOptions? rest;
    private int stopped;

    private VectorsEndpoint(KestrelServer server, TimeSpan drainDeadline) => (this.server, this.drainDeadline) = (server, drainDeadline);

    /// <summary>Where REST is served, with the port that the system chose.</summary>
    public IPEndPoint Address => rest!.IPEndPoint!;

    /// <summary>Opens the door over a cluster's shards.</summary>
    /// <exception cref="IOException">The port is taken, or may not be bound.</exception>
    public static async Task<VectorsEndpoint> StartAsync(ClusterNode cluster, NodeId self, VectorGroups groups, VectorsEndpointOptions options, CancellationToken cancel)
    {
        var collections = new DirectoryCollections(cluster, self, groups);
        var endpoint = await StartAsync(new VectorFace(collections), options, cancel).ConfigureAwait(false);
        endpoint.upkeep = new CollectionUpkeep(cluster, collections, groups);
        return endpoint;
    }

    internal static async Task<VectorsEndpoint> StartAsync(VectorFace face, VectorsEndpointOptions options, CancellationToken cancel)
    {
        var log = options.Logging.CreateLogger("Holdfast.Vectors.Endpoints");
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, ApplicationServices = new ServiceCollection().AddSingleton(options.Logging).BuildServiceProvider() };
        kestrel.Limits.MaxConcurrentConnections = options.ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = null; // The door counts by itself, and answers with the protocol's own error.
        ListenOptions? listening = null;
        kestrel.Listen(options.Rest, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listening = listen;
        });
        var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), options.Logging);
        var server = new KestrelServer(Options.Create(kestrel), sockets, options.Logging);
        var endpoint = new VectorsEndpoint(server, options.DrainDeadline) { rest = listening };
        try
        {
            await server.StartAsync(new RestDoor(face, options.OnFatal, log), cancel).ConfigureAwait(false);
        }
        catch
        {
            await endpoint.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        RestLog.Serving(log, endpoint.Address.ToString());
        return endpoint;
    }

    /// <summary>Closes the door: requests under way finish within the drain deadline.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        if (upkeep is not null) await upkeep.DisposeAsync().ConfigureAwait(false);
        using var drain = new CancellationTokenSource(drainDeadline);
        await server.StopAsync(drain.Token).ConfigureAwait(false);
        server.Dispose();
    }
}
