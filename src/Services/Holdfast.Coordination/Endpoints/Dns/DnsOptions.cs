using System.Net;
using Holdfast.Primitives.Metrics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Holdfast.Coordination.Endpoints.Dns;

/// <summary>What the DNS door needs to know.</summary>
public sealed record DnsOptions
{
    /// <summary>Where to listen, over UDP and TCP; port 0 has the system choose one for both.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>In whose name the registry is read while auth is on: the user needs to read <c>/services/</c>.</summary>
    public string User { get; init; } = "dns";

    /// <summary>Questions by UDP under way; more are not answered, and the asker asks again.</summary>
    public int QuestionsMax { get; init; } = 1024;

    /// <summary>Connections; further ones are closed at once.</summary>
    public int ConnectionsMax { get; init; } = 256;

    /// <summary>For how long a connection may rest between its questions (RFC 7766 6.2.3).</summary>
    public TimeSpan IdleMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Where the door counts.</summary>
    public MetricsRegistry Metrics { get; init; } = new();

    /// <summary>Where it logs.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}
