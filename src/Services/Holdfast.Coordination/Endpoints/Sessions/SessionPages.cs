using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Sessions;
using static Holdfast.Coordination.Endpoints.Sessions.PageAnswers;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>Sessions and locks by curl alone (R1.6), under the paths that Consul has for them: <c>/v1/session/…</c> and <c>/v1/kv/KEY</c>. What is offered: docs/coordination.md.</summary>
internal static class SessionPages
{
    private const string SessionRoot = "/v1/session/";
    private const int WishBytesMax = 16 * 1024;

    /// <summary>Whether a path belongs here.</summary>
    public static bool Serves(string path) => path.StartsWith(SessionRoot, StringComparison.Ordinal) || path.StartsWith(KeyPages.Root, StringComparison.Ordinal);

    /// <summary>Answers one request.</summary>
    public static async Task ServeAsync(HttpExchange exchange, CallScope scope)
    {
        try
        {
            await RouteAsync(exchange, scope).ConfigureAwait(false);
        }
        catch (EtcdException failed)
        {
            var failure = CallFailure.From(failed.Error);
            await TextAsync(exchange, failure.HttpStatus, failure.Message).ConfigureAwait(false);
        }
        catch (CallException bad)
        {
            await TextAsync(exchange, bad.Failure.HttpStatus, bad.Failure.Message).ConfigureAwait(false);
        }
    }

    private static async ValueTask RouteAsync(HttpExchange exchange, CallScope scope)
    {
        if (exchange.Path.StartsWith(KeyPages.Root, StringComparison.Ordinal))
        {
            await KeyPages.ServeAsync(exchange, scope, exchange.Path[KeyPages.Root.Length..]).ConfigureAwait(false);
            return;
        }

        var words = exchange.Path[SessionRoot.Length..].Split('/');
        var isWrite = exchange.Method is "PUT" or "POST";
        switch (words)
        {
            case ["create"] when isWrite: await CreateAsync(exchange, scope).ConfigureAwait(false); break;
            case ["renew", var id] when isWrite: await RenewAsync(exchange, scope, id).ConfigureAwait(false); break;
            case ["destroy", var id] when isWrite: await DestroyAsync(exchange, scope, id).ConfigureAwait(false); break;
            case ["info", var id] when exchange.Method == "GET": await InfoAsync(exchange, scope, id).ConfigureAwait(false); break;
            case ["list"] when exchange.Method == "GET": await ListAsync(exchange, scope).ConfigureAwait(false); break;
            case ["create" or "list"] or ["renew" or "destroy" or "info", _]: await TextAsync(exchange, 405, "method not allowed").ConfigureAwait(false); break;
            default: await TextAsync(exchange, 404, "there is create, renew/ID, destroy/ID, info/ID and list").ConfigureAwait(false); break;
        }
    }

    private static async ValueTask CreateAsync(HttpExchange exchange, CallScope scope)
    {
        var body = await BodyAsync(exchange, WishBytesMax).ConfigureAwait(false);
        if (SessionWish.TryParse(body, out var fault) is not { } wish) throw new CallException(CallFailure.InvalidArgument, fault);
        var made = await InBudgetAsync(exchange, scope, body.Length, desk => desk.CreateAsync(wish, exchange.Aborted)).ConfigureAwait(false);
        await JsonAsync(exchange, new CreatedRow(made.Id), SessionRowsJson.Default.CreatedRow).ConfigureAwait(false);
    }

    private static async ValueTask RenewAsync(HttpExchange exchange, CallScope scope, string id)
    {
        var renewed = await InBudgetAsync(exchange, scope, 0, desk => desk.RenewAsync(id, exchange.Aborted)).ConfigureAwait(false);
        if (renewed is { } found) await JsonAsync(exchange, [SessionRow.Of(found)], SessionRowsJson.Default.SessionRowArray).ConfigureAwait(false);
        else await GoneAsync(exchange, id).ConfigureAwait(false);
    }

    private static async ValueTask DestroyAsync(HttpExchange exchange, CallScope scope, string id)
    {
        await InBudgetAsync(exchange, scope, 0, async desk =>
        {
            await desk.DestroyAsync(id).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
        await TruthAsync(exchange, true).ConfigureAwait(false);
    }

    private static async ValueTask InfoAsync(HttpExchange exchange, CallScope scope, string id)
    {
        var found = await InBudgetAsync(exchange, scope, 0, desk => desk.FindAsync(id, exchange.Aborted)).ConfigureAwait(false);
        await JsonAsync(exchange, found is { } session ? [SessionRow.Of(session)] : [], SessionRowsJson.Default.SessionRowArray).ConfigureAwait(false);
    }

    private static async ValueTask ListAsync(HttpExchange exchange, CallScope scope)
    {
        var found = await InBudgetAsync(exchange, scope, 0, desk => desk.ListAsync(exchange.Aborted)).ConfigureAwait(false);
        await JsonAsync(exchange, [.. found.Select(SessionRow.Of)], SessionRowsJson.Default.SessionRowArray).ConfigureAwait(false);
    }
}
