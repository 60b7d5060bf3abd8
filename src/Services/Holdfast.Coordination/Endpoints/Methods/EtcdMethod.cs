using System.Diagnostics;
using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Primitives;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>One method of one service, reachable as a gRPC call and, where etcd offers it, as JSON.</summary>
internal abstract class EtcdMethod(string service, string name)
{
    /// <summary>The kinds of call, as grpc-go's meters name them.</summary>
    public const string Unary = "unary", ServerStream = "server_stream", BidiStream = "bidi_stream";

    /// <summary>How long a stream that the closing door has ended waits for its client to see the end.</summary>
    private static readonly TimeSpan EndLinger = TimeSpan.FromMilliseconds(250);

    private Counter? started;
    private Counter? failed;
    private CodeCounters? handled;
    private Histogram? seconds;

    /// <summary>The full name of the service, such as <c>etcdserverpb.KV</c>.</summary>
    public string Service => service;

    /// <summary>The method's name.</summary>
    public string Name => name;

    /// <summary>The path of the gRPC call.</summary>
    public string GrpcPath => $"/{service}/{name}";

    /// <summary>Which kind of call it is.</summary>
    protected virtual string Kind => Unary;

    /// <summary>Whether a call of it lasts as long as its client likes.</summary>
    protected virtual bool IsStream => false;

    /// <summary>Gives the method its counters, under the names that dashboards for etcd know.</summary>
    public void CountIn(MetricsRegistry metrics)
    {
        var labels = $"grpc_type=\"{Kind}\",grpc_service=\"{service}\",grpc_method=\"{name}\"";
        started = metrics.Counter("grpc_server_started_total", "Calls begun, by gRPC or JSON.", labels);
        failed = metrics.Counter("grpc_server_failed_total", "Calls that ended with an error.", labels);
        handled = new CodeCounters(metrics, labels);
        if (!IsStream) seconds = metrics.Histogram("grpc_server_handling_seconds", "From the call's headers to its answer; streams, which last as long as their clients like, are left out.", labels);
    }

    /// <summary>Serves one gRPC call to its end.</summary>
    public async Task ServeGrpcAsync(HttpExchange exchange, CallScope scope)
    {
        started?.Increment();
        var begun = Stopwatch.GetTimestamp();
        exchange.Begin(200, GrpcHeaders.ContentType);
        using var span = RequestTrace.Begin(exchange, this);
        using var deadline = CallDeadline.Of(exchange);
        try
        {
            var named = await scope.ForAsync(this, exchange, deadline.Token).ConfigureAwait(false);
            if (LeaderRequirement.IsAskedBy(exchange)) await scope.Leader.DuringAsync(IsStream, led => CallGrpcAsync(exchange, named, led), deadline.Token).ConfigureAwait(false);
            else await CallGrpcAsync(exchange, named, deadline.Token).ConfigureAwait(false);
            GrpcHeaders.Succeed(exchange);
            handled?.Count(0);
        }
        catch (Exception failure) when (failure is not InvariantBrokenException)
        {
            GrpcHeaders.Fail(exchange, Count(CallFailure.From(failure, deadline.HasPassed), scope));
            if (IsStream && scope.Stopping.IsCancellationRequested) await exchange.EndAndLingerAsync(EndLinger).ConfigureAwait(false);
        }

        seconds?.Observe(Stopwatch.GetElapsedTime(begun));
    }

    /// <summary>Serves one JSON request to its end.</summary>
    public async Task ServeJsonAsync(HttpExchange exchange, CallScope scope)
    {
        started?.Increment();
        var begun = Stopwatch.GetTimestamp();
        using var span = RequestTrace.Begin(exchange, this);
        using var deadline = CallDeadline.Of(exchange);
        try
        {
            var named = await scope.ForAsync(this, exchange, deadline.Token).ConfigureAwait(false);
            if (LeaderRequirement.IsAskedBy(exchange)) await scope.Leader.DuringAsync(IsStream, led => CallJsonAsync(exchange, named, led), deadline.Token).ConfigureAwait(false);
            else await CallJsonAsync(exchange, named, deadline.Token).ConfigureAwait(false);
            handled?.Count(0);
        }
        catch (Exception exception) when (exception is not InvariantBrokenException)
        {
            var failure = Count(CallFailure.From(exception, deadline.HasPassed), scope);
            if (exchange.HasStarted) await JsonErrors.EndStreamAsync(exchange, failure).ConfigureAwait(false);
            else await JsonErrors.RespondAsync(exchange, failure).ConfigureAwait(false);
        }

        seconds?.Observe(Stopwatch.GetElapsedTime(begun));
    }

    private CallFailure Count(CallFailure failure, CallScope scope)
    {
        failed?.Increment();
        Activity.Current?.SetStatus(ActivityStatusCode.Error, failure.Message);
        handled?.Count(failure.Code);
        if (failure.Code == CallFailure.Unavailable) scope.Unavailable.Increment();
        return failure;
    }

    protected abstract ValueTask CallGrpcAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel);

    protected abstract ValueTask CallJsonAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel);
}
