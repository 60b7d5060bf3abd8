using Holdfast.Coordination.Protocol.Health;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>gRPC's health check. As in etcd there is one service, the nameless whole, and it serves as long as the process does.</summary>
internal static class HealthCalls
{
    private static readonly MessageShape<HealthCheckRequest> Shape = Shapes.Of(HealthCheckRequest.Parser, HealthCheckRequest.Descriptor);

    /// <summary>The present state.</summary>
    public static ValueTask<HealthCheckResponse> CheckAsync(ICoordination coordination, HealthCheckRequest request, CancellationToken cancel) =>
        request.Service.Length == 0 ? new(Told(HealthCheckResponse.Types.ServingStatus.Serving)) : throw new CallException(CallFailure.NotFound, "unknown service");

    /// <summary>The present state of all services: of the one that there is.</summary>
    public static ValueTask<HealthListResponse> ListAsync(ICoordination coordination, HealthListRequest request, CancellationToken cancel) =>
        new(new HealthListResponse { Statuses = { [""] = Told(HealthCheckResponse.Types.ServingStatus.Serving) } });

    /// <summary>The present state, and its end when the server stops.</summary>
    public static async Task WatchAsync(CallScope scope, IMessageStream stream, CancellationToken cancel)
    {
        if (await stream.ReadAsync(Shape, cancel).ConfigureAwait(false) is not { } request) return;
        var isWhole = request.Service.Length == 0;
        stream.Write(Told(isWhole ? HealthCheckResponse.Types.ServingStatus.Serving : HealthCheckResponse.Types.ServingStatus.ServiceUnknown));
        await stream.FlushAsync(cancel).ConfigureAwait(false);
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stopping = scope.Stopping.UnsafeRegister(static source => ((TaskCompletionSource)source!).TrySetResult(), stopped);
        await stopped.Task.WaitAsync(cancel).ConfigureAwait(false);
        if (!isWhole) return;
        stream.Write(Told(HealthCheckResponse.Types.ServingStatus.NotServing));
        await stream.FlushAsync(cancel).ConfigureAwait(false);
    }

    private static HealthCheckResponse Told(HealthCheckResponse.Types.ServingStatus status) => new() { Status = status };
}
