using System.Net.Sockets;
using Grpc.Core;

namespace Holdfast.Client;

/// <summary>What a failed call says about whether the server executed it.</summary>
internal static class CallOutcome
{
    /// <summary>What the lock and election services refuse for certain, although they say everything as UNKNOWN (etcd's way).</summary>
    private static readonly string[] Refusals = ["election: not leader", "etcdserver: permission denied"];

    /// <summary>Certainly not executed: there was no connection on which it could have travelled.</summary>
    public static bool NeverArrived(RpcException failure)
    {
        if (failure.StatusCode != StatusCode.Unavailable) return false;
        for (var cause = failure.Status.DebugException; cause is not null; cause = cause.InnerException)
            if (cause is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostNotFound or SocketError.HostUnreachable or SocketError.NetworkUnreachable })
                return true;
        return false;
    }

    /// <summary>A write that failed like this may have been executed: the connection broke, the time ran out, or the server lost its leader on the way.</summary>
    public static bool IsUnknown(RpcException failure) =>
        !NeverArrived(failure) && !Refusals.Contains(failure.Status.Detail) && failure.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Cancelled or StatusCode.Unknown or StatusCode.Internal;

    /// <summary>A read may be asked of another endpoint: reading twice harms nobody.</summary>
    public static bool MayReadElsewhere(RpcException failure) => failure.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Internal;

    /// <summary>A watch that ended like this may go well at another server, or later; else it is refused for good, and asking for ever would hide that.</summary>
    public static bool MayWatchElsewhere(RpcException failure) =>
        failure.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded or StatusCode.Internal or StatusCode.Unknown or StatusCode.Cancelled or StatusCode.Aborted or StatusCode.ResourceExhausted;
}
