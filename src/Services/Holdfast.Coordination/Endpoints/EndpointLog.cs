using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints;

/// <summary>The front door's log events, 4100 to 4199.</summary>
internal static partial class EndpointLog
{
    [LoggerMessage(4100, LogLevel.Information, "serving clients on {Address}")]
    public static partial void Serving(ILogger log, string address);

    [LoggerMessage(4101, LogLevel.Error, "a request to {Path} failed in a way that nobody foresaw")]
    public static partial void RequestFailed(ILogger log, Exception failure, string path);
}
