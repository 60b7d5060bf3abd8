using Google.Protobuf;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>A streaming call seen by its method: messages in, messages out. Spoken as gRPC frames or as JSON lines.</summary>
internal interface IMessageStream
{
    /// <summary>The next request, or null at the end. A client that ends its side may still be listening.</summary>
    ValueTask<TRequest?> ReadAsync<TRequest>(MessageShape<TRequest> shape, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>;

    /// <summary>Puts a response into the outgoing buffer.</summary>
    void Write(IMessage response);

    /// <summary>Sends what was written; completes when the client's window has room again, which is the back-pressure.</summary>
    ValueTask FlushAsync(CancellationToken cancel);
}
