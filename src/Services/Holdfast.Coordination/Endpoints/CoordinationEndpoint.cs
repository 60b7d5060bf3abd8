using System.Net;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Endpoints.Port;
using Holdfast.Http;
using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints;

/// <summary>
/// The front door of the etcd face: gRPC over HTTP/2 (in the clear or under TLS), the JSON gateway and the plain pages over HTTP/1.1, all on the same port:
/// <see cref="HttpDoor"/> → <see cref="FrontDoor"/> → the facade.
/// </summary>
public sealed class CoordinationEndpoint : IAsyncDisposable
{
    private readonly HttpDoor door;
    private readonly CancellationTokenSource stopping;
    private int stopped;

    private CoordinationEndpoint(HttpDoor door, CancellationTokenSource stopping) => (this.door, this.stopping) = (door, stopping);

    /// <summary>Where the door listens, with the ports that the system chose.</summary>
    public IReadOnlyList<IPEndPoint> Addresses => door.Addresses;

    /// <summary>Opens the door.</summary>
    /// <exception cref="IOException">A port is taken, or may not be bound.</exception>
    public static async Task<CoordinationEndpoint> StartAsync(ICoordination coordination, CoordinationEndpointOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(coordination);
        ArgumentNullException.ThrowIfNull(options);
        var faults = options.Limits.Validate();
        if (faults.Count > 0) throw new ArgumentException(string.Join("; ", faults), nameof(options));

        var stopping = new CancellationTokenSource();
        var door = await HttpDoor.StartAsync(DoorOf(coordination, options, stopping.Token), HttpOptionsOf(options), cancel).ConfigureAwait(false);
        var log = options.Logging.CreateLogger("Holdfast.Coordination.Endpoints");
        foreach (var address in door.Addresses) EndpointLog.Serving(log, address.ToString());
        return new CoordinationEndpoint(door, stopping);
    }

    /// <summary>Closes the door: accepts nothing new, ends the streams, lets requests under way finish within the drain deadline, then breaks off what is left.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) != 0) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        await door.StopAsync().ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await door.DisposeAsync().ConfigureAwait(false);
        stopping.Dispose();
    }

    private static FrontDoor DoorOf(ICoordination coordination, CoordinationEndpointOptions options, CancellationToken stopping)
    {
        var budget = new RequestBudget(options.Limits.RequestsMax, options.Limits.RequestBytesUnderWayMax);
        options.Metrics.Gauge("holdfast_endpoint_requests_in_flight", "Unary requests under way at the front door.", () => budget.Requests);
        var scope = new CallScope(coordination, options.Limits, budget, stopping) { Origins = new AllowedOrigins(options.Origins) };
        return new FrontDoor(
            scope,
            new MethodTable(options.Metrics),
            new HealthPages(coordination, options.Metrics, new EtcdMetrics(coordination, options.Metrics, scope, options.RefreshMetrics)),
            new AdminPages(options.Admin),
            options.ServesFace,
            options.OnFatal,
            options.Logging.CreateLogger("Holdfast.Coordination.Endpoints"));
    }

    private static HttpDoorOptions HttpOptionsOf(CoordinationEndpointOptions options)
    {
        var limits = options.Limits;
        return new HttpDoorOptions
        {
            Listen = [.. options.Listen.Select(static address => new HttpAddress(address)), .. options.Beside.Select(static beside => new HttpAddress(beside.Address) { IsClear = beside.IsClear, Mark = beside.IsForPages ? ForPages.Mark : null })],
            Tls = options.Tls,
            Http2Input = static input => new AuthorityMend(input),
            Logging = options.Logging,
            Limits = new HttpDoorLimits
            {
                ConnectionsMax = limits.ConnectionsMax,
                HalfOpenConnectionsMax = limits.HalfOpenConnectionsMax,
                FirstBytesDeadline = limits.FirstBytesDeadline,
                BodyBytesMax = limits.JsonBytesMax,
                StreamsPerConnectionMax = limits.StreamsPerConnectionMax,

                // A watcher that was suspended for a moment keeps its connection; one that reads nothing for half a minute loses it, and resumes by revision.
                SlowReaderGrace = TimeSpan.FromSeconds(30),
                DrainDeadline = limits.DrainDeadline,
            },
        };
    }
}
