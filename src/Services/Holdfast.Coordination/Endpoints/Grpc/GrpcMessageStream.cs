using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.Grpc;

/// <summary>A streaming call as gRPC frames.</summary>
internal sealed class GrpcMessageStream(HttpExchange exchange, CallScope scope) : IMessageStream
{
    /// <inheritdoc/>
    public async ValueTask<TRequest?> ReadAsync<TRequest>(MessageShape<TRequest> shape, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>
    {
        while (true)
        {
            var result = await exchange.Body.ReadAsync(cancel).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (GrpcFrames.TryTake(ref buffer, scope.Limits.MessageBytesMax, out var payload))
            {
                scope.BytesReceived.Add(payload.Length);
                var request = shape.Parser.ParseFrom(payload);
                exchange.Body.AdvanceTo(buffer.Start);
                return request;
            }

            exchange.Body.AdvanceTo(buffer.Start, buffer.End);
            if (!result.IsCompleted) continue;
            if (!buffer.IsEmpty) throw new CallException(CallFailure.Internal, "unexpected EOF");
            return null;
        }
    }

    /// <inheritdoc/>
    public void Write(IMessage response) => scope.BytesSent.Add(GrpcFrames.Write(exchange.Output, response));

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        var result = await exchange.Output.FlushAsync(cancel).ConfigureAwait(false);
        if (result.IsCompleted) throw new OperationCanceledException("the client is gone");
    }
}
