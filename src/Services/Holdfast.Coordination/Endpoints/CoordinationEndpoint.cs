using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Endpoints.Port;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Holdfast.Coordination.Endpoints;

/// <summary>
/// The front door of the etcd face: gRPC over HTTP/2 (in the clear or under TLS), the JSON gateway and the plain pages over HTTP/1.1, all on the same port.
/// It is built from Kestrel's own parts, without a host: sockets → <see cref="SharedPort"/> → Kestrel → <see cref="FrontDoor"/> → the facade.
/// </summary>
public sealed class CoordinationEndpoint : IAsyncDisposable
{
    private readonly KestrelServer server;
    private readonly List<SharedPort> sharedPorts;
    private readonly List<ListenOptions> tlsPorts;
    private readonly CancellationTokenSource stopping;
    private readonly TimeSpan drainDeadline;
    private int stopped;

    private CoordinationEndpoint(KestrelServer server, List<SharedPort> sharedPorts, List<ListenOptions> tlsPorts, CancellationTokenSource stopping, TimeSpan drainDeadline)
    {
        this.server = server;
        this.sharedPorts = sharedPorts;
        this.tlsPorts = tlsPorts;
        this.stopping = stopping;
        this.drainDeadline = drainDeadline;
    }

    /// <summary>Where the door listens, with the ports that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> Addresses =>
        [.. sharedPorts.Select(port => (IPEndPoint)port.Bound!), .. tlsPorts.Select(port => port.IPEndPoint!)];

    /// <summary>Opens the door.</summary>
    /// <exception cref="IOException">A port is taken, or may not be bound.</exception>
    public static async Task<CoordinationEndpoint> StartAsync(ICoordination coordination, CoordinationEndpointOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(coordination);
        ArgumentNullException.ThrowIfNull(options);
        var faults = options.Limits.Validate();
        if (faults.Count > 0) throw new ArgumentException(string.Join("; ", faults), nameof(options));

        var sockets = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), options.Logging);
        var kestrel = KestrelOptionsOf(options);
        var (sharedPorts, tlsPorts) = Bind(kestrel, sockets, options);
        var server = new KestrelServer(Options.Create(kestrel), new SharedPortFactory(sockets), options.Logging);
        var stopping = new CancellationTokenSource();
        var endpoint = new CoordinationEndpoint(server, sharedPorts, tlsPorts, stopping, options.Limits.DrainDeadline);
        try
        {
            await server.StartAsync(DoorOf(coordination, options, stopping.Token), cancel).ConfigureAwait(false);
        }
        catch
        {
            await endpoint.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        var log = options.Logging.CreateLogger("Holdfast.Coordination.Endpoints");
        foreach (var address in endpoint.Addresses) EndpointLog.Serving(log, address.ToString());
        return endpoint;
    }

    /// <summary>Closes the door: accepts nothing new, ends the streams, lets requests under way finish within the drain deadline, then breaks off what is left.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        using var drain = new CancellationTokenSource(drainDeadline);
        await server.StopAsync(drain.Token).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        server.Dispose();
        foreach (var port in sharedPorts) await port.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private static FrontDoor DoorOf(ICoordination coordination, CoordinationEndpointOptions options, CancellationToken stopping)
    {
        var budget = new RequestBudget(options.Limits.RequestsMax, options.Limits.RequestBytesUnderWayMax);
        options.Metrics.Gauge("holdfast_endpoint_requests_in_flight", "Unary requests under way at the front door.", () => budget.Requests);
        var scope = new CallScope(coordination, options.Limits, budget, stopping);
        return new FrontDoor(
            scope,
            new MethodTable(options.Metrics),
            new HealthPages(coordination, options.Metrics, new EtcdMetrics(coordination, options.Metrics, scope, options.RefreshMetrics)),
            new AdminPages(options.Admin),
            options.ServesFace,
            options.OnFatal,
            options.Logging.CreateLogger("Holdfast.Coordination.Endpoints"));
    }

    private static KestrelServerOptions KestrelOptionsOf(CoordinationEndpointOptions options)
    {
        var limits = options.Limits;
        var kestrel = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false, ApplicationServices = KestrelServices.For(options) };
        kestrel.Limits.MaxConcurrentConnections = limits.ConnectionsMax;
        kestrel.Limits.MaxRequestBodySize = limits.JsonBytesMax;
        kestrel.Limits.RequestHeadersTimeout = limits.FirstBytesDeadline;
        kestrel.Limits.Http2.MaxStreamsPerConnection = limits.StreamsPerConnectionMax;

        // A watcher that was suspended for a moment keeps its connection; one that reads nothing for half a minute loses it, and resumes by revision.
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(30));
        return kestrel;
    }

    private static (List<SharedPort> Shared, List<ListenOptions> Tls) Bind(KestrelServerOptions kestrel, SocketTransportFactory sockets, CoordinationEndpointOptions options)
    {
        var shared = new List<SharedPort>();
        var tls = new List<ListenOptions>();
        foreach (var (address, isClear, isForPages) in options.Listen.Select(static address => new DoorAddress(address, false, false)).Concat(options.Beside))
        {
            if (options.Tls is { } secure && !isClear)
            {
                kestrel.Listen(address, listen =>
                {
                    listen.Protocols = HttpProtocols.Http1AndHttp2;
                    if (isForPages) ForPages.Mark(listen);
                    listen.UseHttps(TlsOf(secure, options.Limits.FirstBytesDeadline));
                    tls.Add(listen);
                });
                continue;
            }

            var port = new SharedPort(address, sockets, options.Limits.HalfOpenConnectionsMax, options.Limits.FirstBytesDeadline);
            shared.Add(port);
            foreach (var (face, protocol) in new[] { (SniffedProtocol.Http1, HttpProtocols.Http1), (SniffedProtocol.Http2, HttpProtocols.Http2) })
            {
                kestrel.Listen(port.Face(face), listen =>
                {
                    listen.Protocols = protocol;
                    if (isForPages) ForPages.Mark(listen);
                });
            }
        }

        return (shared, tls);
    }

    /// <summary>Asked for each connection, so that a changed certificate is used by the next one.</summary>
    private static TlsHandshakeCallbackOptions TlsOf(EndpointTls tls, TimeSpan handshakeDeadline) => new()
    {
        HandshakeTimeout = handshakeDeadline,
        OnConnection = _ =>
        {
            var (certificate, roots) = tls.Material();
            var handshake = new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate,
                ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                EnabledSslProtocols = tls.Protocols,
            };
            if (roots is not null)
            {
                handshake.ClientCertificateRequired = true;
                handshake.RemoteCertificateValidationCallback = (_, shown, chain, _) => shown is X509Certificate2 client && ClientTrust.Chains(client, chain, roots);
            }

            return new(handshake);
        },
    };
}
