using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Http;

/// <summary>How an HTTP door is built.</summary>
public sealed record HttpDoorOptions
{
    /// <summary>Where to listen; at least one.</summary>
    public required IReadOnlyList<HttpAddress> Listen { get; init; }

    /// <summary>TLS at every address that does not say otherwise, or null for cleartext.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>The bounds.</summary>
    public HttpDoorLimits Limits { get; init; } = new();

    /// <summary>What an HTTP/2 connection in the clear, at an address of both protocols, is read through: for clients whose habits need mending before Kestrel sees them. Null for nothing.</summary>
    public Func<PipeReader, PipeReader>? Http2Input { get; init; }

    /// <summary>Where Kestrel logs.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}

/// <summary>An address of a door.</summary>
/// <param name="Address">Where it listens; port 0 has the system choose.</param>
public sealed record HttpAddress(IPEndPoint Address)
{
    /// <summary>What is spoken there. Both: in the clear the first bytes of a connection decide, under TLS its ALPN.</summary>
    public HttpProtocols Protocols { get; init; } = HttpProtocols.Http1AndHttp2;

    /// <summary>Without TLS, though the door has it.</summary>
    public bool IsClear { get; init; }

    /// <summary>Called with the features of each connection that comes in here, which its requests see: so that they can tell by which address they came. Null for nothing.</summary>
    public Action<IFeatureCollection>? Mark { get; init; }
}

/// <summary>The bounds of a door. What a request may cost in its own protocol's terms is counted by the face behind it.</summary>
public sealed record HttpDoorLimits
{
    /// <summary>Connections, idle ones included. Each idle one costs a few kilobytes.</summary>
    public int ConnectionsMax { get; init; } = 10_000;

    /// <summary>Connections, at an address of both protocols in the clear, that have not sent their first bytes. When there are more, the oldest is closed.</summary>
    public int HalfOpenConnectionsMax { get; init; } = 1024;

    /// <summary>How long a connection may take to show its protocol, to finish its TLS handshake or its request's headers.</summary>
    public TimeSpan FirstBytesDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of a request's body; null where the face counts by itself, and answers with its protocol's own error.</summary>
    public long? BodyBytesMax { get; init; }

    /// <summary>Streams on one HTTP/2 connection; Kestrel's default.</summary>
    public int StreamsPerConnectionMax { get; init; } = 100;

    /// <summary>How long a client may read nothing of a response before its connection is taken from it; Kestrel's default.</summary>
    public TimeSpan SlowReaderGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long requests may go on after the door has been told to stop.</summary>
    public TimeSpan DrainDeadline { get; init; } = TimeSpan.FromSeconds(3);
}
