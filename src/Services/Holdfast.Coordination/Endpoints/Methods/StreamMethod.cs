using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Json;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>Requests and responses in streams. What it does is written once, against <see cref="IMessageStream"/>.</summary>
internal sealed class StreamMethod(string service, string name, Func<CallScope, IMessageStream, CancellationToken, Task> serve, string kind = EtcdMethod.BidiStream) : EtcdMethod(service, name)
{
    /// <summary>A method with one request and a stream of responses, each sent before the next is asked for.</summary>
    public static StreamMethod Answering<TRequest, TResponse>(
        string service, string name, MessageShape<TRequest> shape, Func<ICoordination, TRequest, CancellationToken, IAsyncEnumerable<TResponse>> call)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> => new(service, name, async (scope, stream, cancel) =>
    {
        var request = await stream.ReadAsync(shape, cancel).ConfigureAwait(false) ?? throw new CallException(CallFailure.Internal, "grpc: the call carries no message");
        await foreach (var response in call(scope.Coordination, request, cancel).ConfigureAwait(false))
        {
            stream.Write(response);
            await stream.FlushAsync(cancel).ConfigureAwait(false);
        }
    }, ServerStream);

    protected override string Kind => kind;

    protected override bool IsStream => true;

    protected override async ValueTask CallGrpcAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel)
    {
        exchange.AllowStreaming();
        await exchange.StartAsync(cancel).ConfigureAwait(false);
        await serve(scope, new GrpcMessageStream(exchange, scope), cancel).ConfigureAwait(false);
    }

    protected override async ValueTask CallJsonAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel)
    {
        exchange.AllowStreaming();
        await serve(scope, new JsonMessageStream(exchange, scope.Limits.JsonBytesMax), cancel).ConfigureAwait(false);
        if (!exchange.HasStarted) exchange.Begin(200, "application/json");
    }
}

/// <summary>A method of etcd that this server does not offer, and says so.</summary>
internal sealed class AbsentMethod(string service, string name) : EtcdMethod(service, name)
{
    private readonly CallFailure failure = new(CallFailure.Unimplemented, $"holdfast: {service}/{name} is not offered");

    protected override bool IsStream => true; // Nobody waits for it: no time is worth keeping.

    protected override ValueTask CallGrpcAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel) => throw new CallException(failure);

    protected override ValueTask CallJsonAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel) => throw new CallException(failure);
}
