using Grpc.Core;

namespace Holdfast.Client;

/// <summary>A write was sent and its answer did not come: it may have been executed. The caller reads to find out (S25).</summary>
/// <param name="endpoint">The server to which it was sent.</param>
/// <param name="cause">How the call failed.</param>
public sealed class OutcomeUnknownException(string endpoint, RpcException cause)
    : Exception($"the write was sent to {endpoint}, but its outcome is unknown ({(cause.Status.Detail.Length > 0 ? cause.Status.Detail : cause.StatusCode.ToString())}): read the key to see whether it happened", cause);
