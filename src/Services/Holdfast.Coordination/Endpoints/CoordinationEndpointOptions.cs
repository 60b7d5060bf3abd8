using System.Net;
using Holdfast.Http;
using Holdfast.Primitives.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Coordination.Endpoints;

/// <summary>What the front door of the etcd face needs to know.</summary>
public sealed record CoordinationEndpointOptions
{
    /// <summary>Where to listen; port 0 has the system choose. Several are allowed, for example loopback in both address families.</summary>
    public required IReadOnlyList<IPEndPoint> Listen { get; init; }

    /// <summary>Further addresses that differ from the ones above: in the clear beside TLS, or for pages only.</summary>
    public IReadOnlyList<DoorAddress> Beside { get; init; } = [];

    /// <summary>Other origins whose pages may ask from a browser, <c>*</c> for all (etcd's <c>--cors</c>, which allows all by default). None.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>TLS on every listening port that does not say otherwise, or null for cleartext.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>The bounds.</summary>
    public EndpointLimits Limits { get; init; } = new();

    /// <summary>Where the door counts its requests, and whose page it serves at <c>/metrics</c>.</summary>
    public MetricsRegistry Metrics { get; init; } = new();

    /// <summary>Called before the metrics page is printed, for numbers that must be asked for. Null for none.</summary>
    public Func<CancellationToken, ValueTask>? RefreshMetrics { get; init; }

    /// <summary>What to do about a broken invariant that a request ran into. It must not return; by default the process ends at once.</summary>
    public Action<Exception> OnFatal { get; init; } = static broken => Environment.FailFast("holdfast: " + broken.Message, broken);

    /// <summary>The node's own administration; without it <c>/holdfast/v1/</c> is not found.</summary>
    public IAdmin? Admin { get; init; }

    /// <summary>False on a node that does not carry the face (its role): administration, health and metrics are served, and every call of the face is answered UNAVAILABLE, so that clients go to another member.</summary>
    public bool ServesFace { get; init; } = true;

    /// <summary>Where Kestrel and the door log.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}

/// <summary>An address of the front door.</summary>
/// <param name="Address">Where it listens.</param>
/// <param name="IsClear">Without TLS, though the door has it.</param>
/// <param name="IsForPages">Metrics, health and version alone: nothing of the keyspace is served there (etcd's <c>--listen-metrics-urls</c>).</param>
public sealed record DoorAddress(IPEndPoint Address, bool IsClear, bool IsForPages);

/// <summary>The bounds of the front door, with etcd's numbers where etcd has one.</summary>
public sealed record EndpointLimits
{
    /// <summary>The largest write in bytes (etcd: <c>--max-request-bytes</c>, 1.5 MiB).</summary>
    public int RequestBytesMax { get; init; } = 1536 * 1024;

    /// <summary>The largest message that is read at all: the above and 512 KiB, as in etcd.</summary>
    public int MessageBytesMax => RequestBytesMax + (512 * 1024);

    /// <summary>The largest JSON body: a message of the largest size in base64, with room for names.</summary>
    public int JsonBytesMax => (MessageBytesMax / 3 * 4) + (64 * 1024);

    /// <summary>Connections, idle ones included. Each idle one costs a few kilobytes.</summary>
    public int ConnectionsMax { get; init; } = 20_000;

    /// <summary>Connections that have not sent their first bytes. When there are more, the oldest is closed.</summary>
    public int HalfOpenConnectionsMax { get; init; } = 1024;

    /// <summary>How long a connection may take to show its protocol, to finish its TLS handshake or its request's headers.</summary>
    public TimeSpan FirstBytesDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Streams on one HTTP/2 connection (etcd's default is no bound).</summary>
    public int StreamsPerConnectionMax { get; init; } = 4096;

    /// <summary>Unary requests under way on the whole node; more are answered "too many requests". etcd's bound on unapplied proposals is 5,000.</summary>
    public int RequestsMax { get; init; } = 20_000;

    /// <summary>Bytes of unary requests under way on the whole node.</summary>
    public long RequestBytesUnderWayMax { get; init; } = 256L * 1024 * 1024;

    /// <summary>
    /// Responses that a watch stream holds for its client. One that does not read costs at most this many; the rest waits in the shared ring. Room for one change to a hundred watchers of
    /// one stream: with 64, a third of them fell behind at every change and were read forward (2.5 to 3.1 us of CPU per event instead of 2.2 to 2.5, <c>bench/peers/etcd.sh</c>, watch).
    /// </summary>
    public int WatchResponsesMax { get; init; } = 128;

    /// <summary>Watches of one stream that have been asked for but not yet answered; when reached, the stream's requests wait.</summary>
    public int WatchCreatesUnansweredMax { get; init; } = 1024;

    /// <summary>How long requests may go on after the door has been told to stop.</summary>
    public TimeSpan DrainDeadline { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>All faults at once; empty when there is none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (RequestBytesMax is < 1 or > 64 * 1024 * 1024) faults.Add("RequestBytesMax: between 1 byte and 64 MiB");
        if (ConnectionsMax < 1) faults.Add("ConnectionsMax: at least 1");
        if (HalfOpenConnectionsMax < 1) faults.Add("HalfOpenConnectionsMax: at least 1");
        if (FirstBytesDeadline <= TimeSpan.Zero) faults.Add("FirstBytesDeadline: more than nothing");
        if (StreamsPerConnectionMax < 1) faults.Add("StreamsPerConnectionMax: at least 1");
        if (RequestsMax < 1) faults.Add("RequestsMax: at least 1");
        if (RequestBytesUnderWayMax < MessageBytesMax) faults.Add("RequestBytesUnderWayMax: at least one largest message");
        if (WatchResponsesMax < 1) faults.Add("WatchResponsesMax: at least 1");
        if (WatchCreatesUnansweredMax < 1) faults.Add("WatchCreatesUnansweredMax: at least 1");
        return faults;
    }
}
