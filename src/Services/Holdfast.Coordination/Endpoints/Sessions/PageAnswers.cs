using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Endpoints.SignIn;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>What the pages of sessions and keys have in common: the body within its bound, work within the budget and in the caller's name, answers as Consul words them.</summary>
internal static class PageAnswers
{
    /// <summary>Does something in the caller's name, counted among the requests under way.</summary>
    public static async ValueTask<T> InBudgetAsync<T>(HttpExchange exchange, CallScope scope, int size, Func<SessionDesk, ValueTask<T>> act)
    {
        if (!scope.Budget.TryEnter(size)) throw new EtcdException(EtcdErrors.TooManyRequests);
        try
        {
            return await act(new SessionDesk(KeyFence.Over(await CallGate.InNameOfAsync(scope.Coordination, exchange, exchange.Aborted).ConfigureAwait(false), exchange))).ConfigureAwait(false);
        }
        finally
        {
            scope.Budget.Leave(size);
        }
    }

    /// <summary>The whole body.</summary>
    /// <exception cref="EtcdException">It is longer than it may be.</exception>
    public static async ValueTask<byte[]> BodyAsync(HttpExchange exchange, int bytesMax)
    {
        while (true)
        {
            var result = await exchange.Body.ReadAsync(exchange.Aborted).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (buffer.Length > bytesMax) throw new EtcdException(EtcdErrors.RequestTooLarge);
            if (result.IsCompleted)
            {
                var body = buffer.ToArray();
                exchange.Body.AdvanceTo(buffer.End);
                return body;
            }

            exchange.Body.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    public static ValueTask TruthAsync(HttpExchange exchange, bool value) => exchange.RespondAsync(200, "application/json", value ? "true"u8.ToArray() : "false"u8.ToArray());

    public static ValueTask GoneAsync(HttpExchange exchange, string id) => TextAsync(exchange, 404, $"Session id '{id}' not found");

    public static ValueTask TextAsync(HttpExchange exchange, int status, string text) => exchange.RespondAsync(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text + "\n"));

    /// <summary>Nothing there: no body, as Consul has none.</summary>
    public static ValueTask NothingAsync(HttpExchange exchange) => exchange.RespondAsync(404, "text/plain; charset=utf-8", default);

    public static ValueTask JsonAsync<T>(HttpExchange exchange, T value, JsonTypeInfo<T> type) => exchange.RespondAsync(200, "application/json", JsonSerializer.SerializeToUtf8Bytes(value, type));
}
