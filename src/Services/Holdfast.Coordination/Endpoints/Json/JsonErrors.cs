using System.Globalization;
using System.Text;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Json;

/// <summary>
/// Failures as gateways print them: grpc-gateway v2 (etcd 3.6) says <c>code</c> and <c>message</c>, v1 (3.4 and 3.5) also <c>error</c>, and in streams <c>grpc_code</c> and <c>http_code</c> instead
/// of <c>code</c>. All of them are printed, since clients of either look for theirs (Patroni before 4.1.1 wants <c>error</c>, etcd #21100).
/// </summary>
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
        WireToJson.Put(json, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"error\":{{\"code\":{failure.Code},\"grpc_code\":{failure.Code},\"http_code\":{failure.HttpStatus},\"message\":")));
        WireToJson.WriteString(Encoding.UTF8.GetBytes(failure.Message), json);
        WireToJson.Put(json, "}}\n"u8);
        await exchange.Output.WriteAsync(json.WrittenMemory).ConfigureAwait(false);
    }
}
