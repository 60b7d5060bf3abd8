using System.Buffers;
using System.Text.Json;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>A streaming call as JSON: requests are objects one after another, each response is a line <c>{"result":{...}}</c>.</summary>
internal sealed class JsonMessageStream(HttpExchange exchange, int messageBytesMax) : IMessageStream
{
    private readonly ByteBuffer pending = new(1024);
    private bool started;

    /// <inheritdoc/>
    public async ValueTask<TRequest?> ReadAsync<TRequest>(MessageShape<TRequest> shape, CancellationToken cancel)
        where TRequest : class, IMessage<TRequest>
    {
        while (true)
        {
            var result = await exchange.Body.ReadAsync(cancel).ConfigureAwait(false);
            var buffer = result.Buffer;
            var isEmpty = IsBlank(buffer);
            try
            {
                if (TryFindValue(buffer, out var end))
                {
                    var wire = new WireBuffer();
                    JsonToWire.Write(buffer.Slice(0, end), shape.Json, wire);
                    exchange.Body.AdvanceTo(end);
                    return shape.Parser.ParseFrom(wire.Written);
                }

                if (buffer.Length > messageBytesMax) throw new CallException(CallFailure.MessageTooLarge(buffer.Length, messageBytesMax));
            }
            catch (CallException)
            {
                // Else Kestrel closes the connection, and the client's next request with it.
                exchange.Body.AdvanceTo(buffer.End);
                throw;
            }

            exchange.Body.AdvanceTo(buffer.Start, buffer.End);
            if (!result.IsCompleted) continue;
            return isEmpty ? null : throw new CallException(CallFailure.Unknown, "unexpected EOF");
        }
    }

    /// <inheritdoc/>
    public void Write(IMessage response)
    {
        WireToJson.Put(pending, "{\"result\":"u8);
        WireToJson.Write(response, pending);
        WireToJson.Put(pending, "}\n"u8);
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancel)
    {
        if (!started)
        {
            exchange.Begin(200, "application/json");
            started = true;
        }

        var result = await exchange.Output.WriteAsync(pending.WrittenMemory, cancel).ConfigureAwait(false);
        pending.Clear();
        if (result.IsCompleted) throw new OperationCanceledException("the client is gone");
    }

    private static bool TryFindValue(ReadOnlySequence<byte> buffer, out SequencePosition end)
    {
        end = default;
        var reader = new Utf8JsonReader(buffer, isFinalBlock: false, new JsonReaderState(JsonToWire.ReaderOptions));
        try
        {
            if (!reader.Read() || !reader.TrySkip()) return false;
        }
        catch (JsonException broken)
        {
            throw new CallException(CallFailure.Unknown, "invalid JSON in the stream of requests: " + broken.Message);
        }

        end = reader.Position;
        return true;
    }

    private static bool IsBlank(ReadOnlySequence<byte> buffer)
    {
        foreach (var segment in buffer)
            if (!segment.Span.Trim(" \t\r\n"u8).IsEmpty)
                return false;
        return true;
    }
}
