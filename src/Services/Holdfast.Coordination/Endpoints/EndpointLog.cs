using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints;

/// <summary>The front door's log events, of the doors' block, 4100 to 4199.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(4100, LogLevel.Information, "serving clients on {Address}", EventName = "serving")]
    public static partial void Serving(ILogger log, string address);

    [LoggerMessage(4101, LogLevel.Error, "a request to {Path} failed in a way that nobody foresaw", EventName = "request_failed")]
    public static partial void RequestFailed(ILogger log, Exception failure, string path);

    [LoggerMessage(4104, LogLevel.Information, "answering DNS questions about {Zone} on {Address}, UDP and TCP", EventName = "dns_serving")]
    public static partial void DnsServing(ILogger log, string zone, string address);

    [LoggerMessage(4105, LogLevel.Warning, "DNS questions are refused from now on: the registry may not be read in the name of {User} ({Reason}); give that user a role that reads /services/", EventName = "dns_refused")]
    public static partial void DnsDenied(ILogger log, string user, string reason);
}
