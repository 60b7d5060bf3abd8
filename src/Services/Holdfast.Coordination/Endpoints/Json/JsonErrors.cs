using System.Globalization;
using System.Text;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>Failures as the gateway prints them.</summary>
internal static class JsonErrors
{
    /// <summary>A whole response: <c>{"error":"...","message":"...","code":N}</c> under the HTTP status of the code.</summary>
    public static ValueTask RespondAsync(HttpExchange exchange, CallFailure failure, int? status = null)
    {
        var text = Encoding.UTF8.GetBytes(failure.Message);
        var json = new ByteBuffer((text.Length * 2) + 64);
        WireToJson.Put(json, "{\"error\":"u8);
        WireToJson.WriteString(text, json);
        WireToJson.Put(json, ",\"message\":"u8);
        WireToJson.WriteString(text, json);
        WireToJson.Put(json, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $",\"code\":{failure.Code}}}")));
        return exchange.RespondAsync(status ?? failure.HttpStatus, "application/json", json.WrittenMemory);
    }

    /// <summary>The last line of a stream that had begun.</summary>
    public static async ValueTask EndStreamAsync(HttpExchange exchange, CallFailure failure)
    {
        if (exchange.Aborted.IsCancellationRequested) return;
        var json = new ByteBuffer(256);
        WireToJson.Put(json, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"error\":{{\"grpc_code\":{failure.Code},\"http_code\":{failure.HttpStatus},\"message\":")));
        WireToJson.WriteString(Encoding.UTF8.GetBytes(failure.Message), json);
        WireToJson.Put(json, "}}\n"u8);
        await exchange.Output.WriteAsync(json.WrittenMemory).ConfigureAwait(false);
    }
}
