using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Primitives;

namespace Holdfast.Coordination.Endpoints;

/// <summary>The JSON of <see cref="IAdmin"/>, both ways, by generated code. The command line reads with the same context.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(NodeStatus))]
[JsonSerializable(typeof(JoinTokenReply))]
[JsonSerializable(typeof(LeaveRequest))]
[JsonSerializable(typeof(TransferRequest))]
[JsonSerializable(typeof(AdminFailure))]
[JsonSerializable(typeof(AdminDone))]
public sealed partial class AdminJson : JsonSerializerContext;

/// <summary>A refused administration request.</summary>
/// <param name="Error">The sentence for the operator.</param>
public sealed record AdminFailure(string Error);

/// <summary>An executed administration request that has nothing else to say.</summary>
/// <param name="Done">Always true.</param>
public sealed record AdminDone(bool Done);

/// <summary>Serves <see cref="IAdmin"/> under <c>/holdfast/v1/</c>.</summary>
internal sealed class AdminPages(IAdmin? admin)
{
    public const string Root = "/holdfast/v1/";
    private const int BodyBytesMax = 64 * 1024;

    /// <summary>Answers one request.</summary>
    public async Task ServeAsync(HttpExchange exchange)
    {
        try
        {
            await (admin is null ? NotFoundAsync(exchange) : RouteAsync(exchange, admin)).ConfigureAwait(false);
        }
        catch (AdminException refused)
        {
            await ReplyAsync(exchange, refused.HttpStatus, new AdminFailure(refused.Message), AdminJson.Default.AdminFailure).ConfigureAwait(false);
        }
        catch (JsonException bad)
        {
            await ReplyAsync(exchange, 400, new AdminFailure("the request's JSON cannot be read: " + bad.Message), AdminJson.Default.AdminFailure).ConfigureAwait(false);
        }
        catch (EtcdException failed)
        {
            await ReplyAsync(exchange, CallFailure.From(failed.Error).HttpStatus, new AdminFailure(failed.Message), AdminJson.Default.AdminFailure).ConfigureAwait(false);
        }
    }

    private static async ValueTask RouteAsync(HttpExchange exchange, IAdmin admin)
    {
        switch ($"{exchange.Method} {exchange.Path[Root.Length..]}")
        {
            case "GET status":
                var status = await admin.StatusAsync(exchange.Aborted).ConfigureAwait(false);
                await ReplyAsync(exchange, 200, status, AdminJson.Default.NodeStatus).ConfigureAwait(false);
                break;
            case "POST token":
                var token = await admin.CreateJoinTokenAsync(exchange.Aborted).ConfigureAwait(false);
                await ReplyAsync(exchange, 200, token, AdminJson.Default.JoinTokenReply).ConfigureAwait(false);
                break;
            case "POST leave":
                var leave = await ReadAsync(exchange, AdminJson.Default.LeaveRequest).ConfigureAwait(false);
                await admin.LeaveAsync(leave, exchange.Aborted).ConfigureAwait(false);
                await DoneAsync(exchange).ConfigureAwait(false);
                break;
            case "POST backup":
                await admin.TakeBackupAsync(exchange.Aborted).ConfigureAwait(false);
                await DoneAsync(exchange).ConfigureAwait(false);
                break;
            case "POST transfer":
                var transfer = await ReadAsync(exchange, AdminJson.Default.TransferRequest).ConfigureAwait(false);
                await admin.TransferAsync(transfer, exchange.Aborted).ConfigureAwait(false);
                await DoneAsync(exchange).ConfigureAwait(false);
                break;
            default:
                await NotFoundAsync(exchange).ConfigureAwait(false);
                break;
        }
    }

    private static ValueTask DoneAsync(HttpExchange exchange) => ReplyAsync(exchange, 200, new AdminDone(true), AdminJson.Default.AdminDone);

    private static ValueTask NotFoundAsync(HttpExchange exchange) =>
        ReplyAsync(exchange, 404, new AdminFailure("there is no such administration request"), AdminJson.Default.AdminFailure);

    private static ValueTask ReplyAsync<T>(HttpExchange exchange, int status, T reply, JsonTypeInfo<T> type) =>
        exchange.RespondAsync(status, "application/json", JsonSerializer.SerializeToUtf8Bytes(reply, type));

    private static async ValueTask<T> ReadAsync<T>(HttpExchange exchange, JsonTypeInfo<T> type)
        where T : class
    {
        while (true)
        {
            var result = await exchange.Body.ReadAsync(exchange.Aborted).ConfigureAwait(false);
            var buffer = result.Buffer;
            if (buffer.Length > BodyBytesMax) throw new AdminException(413, "the request is too large");
            if (result.IsCompleted)
            {
                var body = buffer.ToArray();
                exchange.Body.AdvanceTo(buffer.End);
                return JsonSerializer.Deserialize(body, type) ?? throw new AdminException(400, "the request needs a JSON object");
            }

            exchange.Body.AdvanceTo(buffer.Start, buffer.End);
        }
    }
}
