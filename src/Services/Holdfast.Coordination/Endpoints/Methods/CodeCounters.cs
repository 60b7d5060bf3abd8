using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>How the calls of one method ended: a counter for each status code of gRPC, begun when it first occurs, since most methods know two.</summary>
internal sealed class CodeCounters(MetricsRegistry metrics, string labels)
{
    /// <summary>gRPC's names as grpc-go prints them, by code.</summary>
    private static readonly string[] Names =
    [
        "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted",
        "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss", "Unauthenticated",
    ];

    private readonly Counter?[] counters = new Counter?[Names.Length];

    /// <summary>A call ended with this code.</summary>
    public void Count(int code)
    {
        if ((uint)code >= (uint)counters.Length) code = CallFailure.Unknown;
        (Volatile.Read(ref counters[code]) ?? Begin(code)).Increment();
    }

    private Counter Begin(int code)
    {
        var counter = metrics.Counter("grpc_server_handled_total", "Calls that have ended, by how.", $"{labels},grpc_code=\"{Names[code]}\"");
        Volatile.Write(ref counters[code], counter);
        return counter;
    }
}
