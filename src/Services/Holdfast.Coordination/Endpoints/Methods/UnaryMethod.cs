using System.Buffers;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>One request, one response.</summary>
/// <param name="service">The service's full name.</param>
/// <param name="name">The method's name.</param>
/// <param name="shape">How the request is read.</param>
/// <param name="isWrite">Whether the bound on writes holds for it.</param>
/// <param name="call">Asks the facade.</param>
/// <param name="mayWait">Whether the call waits for other clients; then it takes no place among the requests under way, or waiters would keep out those who end the wait.</param>
internal sealed class UnaryMethod<TRequest, TResponse>(
    string service,
    string name,
    MessageShape<TRequest> shape,
    bool isWrite,
    Func<ICoordination, TRequest, CancellationToken, ValueTask<TResponse>> call,
    bool mayWait = false) : EtcdMethod(service, name)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    protected override async ValueTask CallGrpcAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel)
    {
        TRequest? request = null;
        var (size, left) = (0, 0L);
        while (true)
        {
            var result = await exchange.Body.ReadAsync(cancel).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (request is null && GrpcFrames.TryTake(ref buffer, scope.Limits.MessageBytesMax, out var payload))
            {
                request = shape.Parser.ParseFrom(payload);
                size = (int)payload.Length;
                scope.BytesReceived.Add(size);
                exchange.Body.AdvanceTo(buffer.Start);
            }
            else
            {
                exchange.Body.AdvanceTo(buffer.Start, buffer.End);
            }

            if (request is not null && !buffer.IsEmpty) throw new CallException(CallFailure.Internal, "grpc: more than one message in a unary call");
            left = buffer.Length;
            if (result.IsCompleted) break;
        }

        // The words are grpc-go's.
        if (request is null) throw new CallException(CallFailure.Unknown, left == 0 ? "EOF" : "unexpected EOF");
        scope.BytesSent.Add(GrpcFrames.Write(exchange.Output, await AnswerAsync(request, size, scope, cancel).ConfigureAwait(false)));
    }

    protected override async ValueTask CallJsonAsync(HttpExchange exchange, CallScope scope, CancellationToken cancel)
    {
        var (request, size) = await ReadJsonAsync(exchange, scope.Limits, cancel).ConfigureAwait(false);
        var response = await AnswerAsync(request, size, scope, cancel).ConfigureAwait(false);
        var json = new ByteBuffer(512);
        WireToJson.Write(response, json);
        exchange.ResponseHeaders["Grpc-Metadata-Content-Type"] = GrpcHeaders.ContentType;
        await exchange.RespondAsync(200, "application/json", json.WrittenMemory).ConfigureAwait(false);
    }

    private async ValueTask<(TRequest Request, int Size)> ReadJsonAsync(HttpExchange exchange, EndpointLimits limits, CancellationToken cancel)
    {
        while (true)
        {
            var result = await exchange.Body.ReadAsync(cancel).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (!result.IsCompleted && buffer.Length <= limits.JsonBytesMax)
            {
                exchange.Body.AdvanceTo(buffer.Start, buffer.End);
                continue;
            }

            try
            {
                if (buffer.Length > limits.JsonBytesMax) throw new CallException(CallFailure.MessageTooLarge(buffer.Length, limits.JsonBytesMax));
                var wire = new WireBuffer();
                JsonToWire.Write(buffer, shape.Json, wire);
                if (wire.Written.Length > limits.MessageBytesMax) throw new CallException(CallFailure.MessageTooLarge(wire.Written.Length, limits.MessageBytesMax));
                return (shape.Parser.ParseFrom(wire.Written), wire.Written.Length);
            }
            finally
            {
                // Of a refused request too: Kestrel closes a connection whose body was left in the middle of a read, and the client's next request with it.
                exchange.Body.AdvanceTo(buffer.End);
            }
        }
    }

    private async ValueTask<TResponse> AnswerAsync(TRequest request, int size, CallScope scope, CancellationToken cancel)
    {
        if (isWrite && size > scope.Limits.RequestBytesMax) throw new EtcdException(EtcdErrors.RequestTooLarge);
        if (mayWait) return await call(scope.Coordination, request, cancel).ConfigureAwait(false);
        if (!scope.Budget.TryEnter(size)) throw new EtcdException(EtcdErrors.TooManyRequests);
        try
        {
            return await call(scope.Coordination, request, cancel).ConfigureAwait(false);
        }
        finally
        {
            scope.Budget.Leave(size);
        }
    }
}
