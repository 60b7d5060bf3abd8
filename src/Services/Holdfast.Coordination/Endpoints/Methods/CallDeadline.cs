using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Http;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>The end of the client's patience: its connection, and the deadline that it sent along, if any.</summary>
internal readonly struct CallDeadline : IDisposable
{
    private readonly CancellationTokenSource? source;
    private readonly CancellationToken aborted;

    private CallDeadline(CancellationToken aborted, CancellationTokenSource? source)
    {
        this.aborted = aborted;
        this.source = source;
    }

    /// <summary>Signalled when nobody waits any more.</summary>
    public CancellationToken Token => source?.Token ?? aborted;

    /// <summary>The deadline passed while the client was still there.</summary>
    public bool HasPassed => source is { IsCancellationRequested: true } && !aborted.IsCancellationRequested;

    /// <summary>The deadline of a request.</summary>
    public static CallDeadline Of(HttpExchange exchange)
    {
        var aborted = exchange.Aborted;
        if (!exchange.RequestHeaders.TryGetValue("grpc-timeout", out var text)) return new(aborted, null);
        if (GrpcHeaders.ParseTimeout(text.ToString()) is not { } timeout) return new(aborted, null);
        var source = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        source.CancelAfter(timeout);
        return new(aborted, source);
    }

    /// <inheritdoc/>
    public void Dispose() => source?.Dispose();
}
