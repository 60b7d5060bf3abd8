using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Sessions;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>Sessions and locks by curl alone (R1.6), under the paths that Consul has for them: <c>/v1/session/…</c> and <c>/v1/kv/KEY</c>. What is offered: docs/coordination.md.</summary>
internal sealed class SessionPages
{
    private const string SessionRoot = "/v1/session/";
    private const string KeyRoot = "/v1/kv/";
    private const int WishBytesMax = 16 * 1024;

    /// <summary>The longest wait for a change, as in Consul; and the one that holds when none is named.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan WaitDefault = TimeSpan.FromMinutes(5);

    /// <summary>Query parameters that change nothing here: there is one data centre, and reads are always consistent.</summary>
    private static readonly string[] Meaningless = ["dc", "consistent", "pretty", "ns", "partition"];

    /// <summary>Whether a path belongs here.</summary>
    public static bool Serves(string path) => path.StartsWith(SessionRoot, StringComparison.Ordinal) || path.StartsWith(KeyRoot, StringComparison.Ordinal);

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
        var query = QueryHelpers.ParseQuery(exchange.Query);
        if (exchange.Path.StartsWith(KeyRoot, StringComparison.Ordinal))
        {
            await ServeKeyAsync(exchange, scope, exchange.Path[KeyRoot.Length..], query).ConfigureAwait(false);
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
        await TrueAsync(exchange, true).ConfigureAwait(false);
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

    private static async ValueTask ServeKeyAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        if (key.Length == 0) throw new CallException(CallFailure.InvalidArgument, "a key is needed: /v1/kv/KEY");
        if (key.StartsWith(SessionKeys.Root, StringComparison.Ordinal)) throw new CallException(CallFailure.InvalidArgument, $"{SessionKeys.Root} is where sessions keep their records; take another key");
        string[] known = exchange.Method switch { "GET" => ["raw", "index", "wait", "stale"], "PUT" => ["acquire", "release"], _ => [] };
        if (query.Keys.FirstOrDefault(name => !known.Contains(name) && !Meaningless.Contains(name)) is { } unknown)
            throw new CallException(CallFailure.InvalidArgument, $"?{unknown} is not offered here; the JSON gateway under /v3/ has ranges, transactions and leases");
        switch (exchange.Method)
        {
            case "GET": await ShowAsync(exchange, scope, key, query).ConfigureAwait(false); break;
            case "PUT": await WriteAsync(exchange, scope, key, query).ConfigureAwait(false); break;
            case "DELETE":
                await InBudgetAsync(exchange, scope, 0, async desk =>
                {
                    await desk.RemoveAsync(key, exchange.Aborted).ConfigureAwait(false);
                    return true;
                }).ConfigureAwait(false);
                await TrueAsync(exchange, true).ConfigureAwait(false);
                break;
            default: await TextAsync(exchange, 405, "method not allowed").ConfigureAwait(false); break;
        }
    }

    private static async ValueTask WriteAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        var value = ByteString.CopyFrom(await BodyAsync(exchange, scope.Limits.RequestBytesMax).ConfigureAwait(false));
        var (acquire, release) = (query.TryGetValue("acquire", out var taker), query.TryGetValue("release", out var giver));
        if (acquire && release) throw new CallException(CallFailure.InvalidArgument, "acquire and release are two requests");
        if (acquire)
        {
            var taken = await InBudgetAsync(exchange, scope, value.Length, desk => desk.AcquireAsync(taker.ToString(), key, value, exchange.Aborted)).ConfigureAwait(false);
            if (taken.SessionIsGone)
            {
                await GoneAsync(exchange, taker.ToString()).ConfigureAwait(false);
                return;
            }

            if (taken.IsHeld) exchange.ResponseHeaders["Holdfast-Fence"] = taken.Fence.ToString(CultureInfo.InvariantCulture);
            await TrueAsync(exchange, taken.IsHeld).ConfigureAwait(false);
            return;
        }

        await TrueAsync(exchange, await InBudgetAsync(exchange, scope, value.Length, async desk =>
        {
            if (release) return await desk.ReleaseAsync(giver.ToString(), key, value, exchange.Aborted).ConfigureAwait(false);
            await desk.WriteAsync(key, value, exchange.Aborted).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>A key now; with an index, once it or its holder has changed after it, or the wait is over.</summary>
    private static async ValueTask ShowAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        var seen = await InBudgetAsync(exchange, scope, 0, desk => desk.LookAsync(key, exchange.Aborted)).ConfigureAwait(false);
        if (query.TryGetValue("index", out var text))
        {
            if (!long.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var index)) throw new CallException(CallFailure.InvalidArgument, "?index is a number, as X-Consul-Index told it");
            await UntilChangedAsync(exchange, scope, key, seen, index, WaitOf(query)).ConfigureAwait(false);
            seen = await InBudgetAsync(exchange, scope, 0, desk => desk.LookAsync(key, exchange.Aborted)).ConfigureAwait(false);
        }

        exchange.ResponseHeaders["X-Consul-Index"] = seen.Revision.ToString(CultureInfo.InvariantCulture);
        if (seen.Pair is null) await exchange.RespondAsync(404, "text/plain; charset=utf-8", default).ConfigureAwait(false);
        else if (query.ContainsKey("raw")) await exchange.RespondAsync(200, "application/octet-stream", seen.Pair.Value.Memory).ConfigureAwait(false);
        else await JsonAsync(exchange, [KeyRow.Of(key, seen)], SessionRowsJson.Default.KeyRowArray).ConfigureAwait(false);
    }

    private static TimeSpan WaitOf(Dictionary<string, StringValues> query)
    {
        if (!query.TryGetValue("wait", out var text)) return WaitDefault;
        return SessionWish.SpanOf(text.ToString()) is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, WaitMax.TotalSeconds)) : throw new CallException(CallFailure.InvalidArgument, "?wait is a time such as 10s or 5m");
    }

    /// <summary>What changed between the look and the watch is told by the watch: it begins right after the index.</summary>
    private static async ValueTask UntilChangedAsync(HttpExchange exchange, CallScope scope, string key, LockedKey seen, long index, TimeSpan wait)
    {
        if (index <= 0 || index > seen.Revision || (seen.Pair?.ModRevision ?? 0) > index || (seen.Lock?.ModRevision ?? 0) > index) return;
        var coordination = await CallGate.InNameOfAsync(scope.Coordination, exchange, exchange.Aborted).ConfigureAwait(false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(exchange.Aborted, scope.Stopping);
        over.CancelAfter(wait);
        using var watch = new WatchReader(
            coordination, new WatchCreateRequest { Key = SessionKeys.Bytes(key), StartRevision = index + 1 }, new WatchCreateRequest { Key = SessionKeys.Lock(key), StartRevision = index + 1 });
        try
        {
            await watch.NextAsync(over.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!exchange.Aborted.IsCancellationRequested)
        {
            // The wait is over; what is there now is told, as in Consul.
        }
        catch (EtcdException old) when (old.Error == EtcdErrors.Compacted)
        {
            // What happened since then is forgotten: something may have.
        }
    }

    private static async ValueTask<T> InBudgetAsync<T>(HttpExchange exchange, CallScope scope, int size, Func<SessionDesk, ValueTask<T>> act)
    {
        if (!scope.Budget.TryEnter(size)) throw new EtcdException(EtcdErrors.TooManyRequests);
        try
        {
            return await act(new SessionDesk(await CallGate.InNameOfAsync(scope.Coordination, exchange, exchange.Aborted).ConfigureAwait(false))).ConfigureAwait(false);
        }
        finally
        {
            scope.Budget.Leave(size);
        }
    }

    private static async ValueTask<byte[]> BodyAsync(HttpExchange exchange, int bytesMax)
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

    private static ValueTask TrueAsync(HttpExchange exchange, bool value) => exchange.RespondAsync(200, "application/json", value ? "true"u8.ToArray() : "false"u8.ToArray());

    private static ValueTask GoneAsync(HttpExchange exchange, string id) => TextAsync(exchange, 404, $"Session id '{id}' not found");

    private static ValueTask TextAsync(HttpExchange exchange, int status, string text) => exchange.RespondAsync(status, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text + "\n"));

    private static ValueTask JsonAsync<T>(HttpExchange exchange, T value, JsonTypeInfo<T> type) => exchange.RespondAsync(200, "application/json", JsonSerializer.SerializeToUtf8Bytes(value, type));
}
