using System.Globalization;
using Google.Protobuf;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Coordination.Endpoints.Locks;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Protocol;
using Holdfast.Coordination.Sessions;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;
using static Holdfast.Coordination.Endpoints.Sessions.PageAnswers;

namespace Holdfast.Coordination.Endpoints.Sessions;

/// <summary>Keys by curl alone, under Consul's <c>/v1/kv/KEY</c>: taken and given back by sessions, compared and set, shown and deleted one by one or by how they begin.</summary>
internal static class KeyPages
{
    /// <summary>Where they stand.</summary>
    public const string Root = "/v1/kv/";

    /// <summary>Keys in one answer.</summary>
    private const int KeysMax = 10_000;

    /// <summary>The longest wait for a change, as in Consul; and the one that holds when none is named.</summary>
    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan WaitDefault = TimeSpan.FromMinutes(5);

    /// <summary>Query parameters that change nothing here: there is one data centre, and reads are always consistent.</summary>
    private static readonly string[] Meaningless = ["dc", "consistent", "pretty", "ns", "partition"];

    /// <summary>Answers one request.</summary>
    public static async ValueTask ServeAsync(HttpExchange exchange, CallScope scope, string key)
    {
        var query = QueryHelpers.ParseQuery(exchange.Query);
        var isOfMany = query.ContainsKey("recurse") || (exchange.Method == "GET" && query.ContainsKey("keys"));
        if (key.Length == 0 && !isOfMany) throw Refused("a key is needed: /v1/kv/KEY");
        if (key.StartsWith(SessionKeys.Root, StringComparison.Ordinal)) throw Refused($"{SessionKeys.Root} is where sessions keep their records; take another key");
        (string[] Known, string[] OneOf) offered = exchange.Method switch
        {
            "GET" => (["raw", "index", "wait", "stale", "recurse", "keys", "separator"], ["raw", "recurse", "keys"]),
            "PUT" => (["acquire", "release", "cas", "flags"], ["acquire", "release", "cas"]),
            "DELETE" => (["recurse", "cas"], ["recurse", "cas"]),
            _ => ([], []),
        };
        if (query.Keys.FirstOrDefault(name => !offered.Known.Contains(name) && !Meaningless.Contains(name)) is { } unknown)
            throw Refused($"?{unknown} is not offered here; the JSON gateway under /v3/ has ranges, transactions and leases");
        if (query.Keys.Where(offered.OneOf.Contains).ToArray() is { Length: > 1 } several) throw Refused($"{string.Join(" and ", several)} do not go together");
        await (exchange.Method switch
        {
            "GET" when isOfMany => ShowAllAsync(exchange, scope, new KeyFamily(key), query),
            "GET" => ShowAsync(exchange, scope, key, query),
            "PUT" => WriteAsync(exchange, scope, key, query),
            "DELETE" => DeleteAsync(exchange, scope, key, query),
            _ => TextAsync(exchange, 405, "method not allowed"),
        }).ConfigureAwait(false);
    }

    private static async ValueTask WriteAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        var flags = FlagsOf(query);
        var value = ByteString.CopyFrom(await BodyAsync(exchange, scope.Limits.RequestBytesMax).ConfigureAwait(false));
        if (query.TryGetValue("acquire", out var taker))
        {
            var taken = await InBudgetAsync(exchange, scope, value.Length, desk => desk.AcquireAsync(taker.ToString(), key, value, flags, exchange.Aborted)).ConfigureAwait(false);
            if (taken.SessionIsGone)
            {
                await GoneAsync(exchange, taker.ToString()).ConfigureAwait(false);
                return;
            }

            if (taken.IsHeld) exchange.ResponseHeaders["Holdfast-Fence"] = taken.Fence.ToString(CultureInfo.InvariantCulture);
            await TruthAsync(exchange, taken.IsHeld).ConfigureAwait(false);
            return;
        }

        var at = IndexOf(query, "cas");
        await TruthAsync(exchange, await InBudgetAsync(exchange, scope, value.Length, async desk =>
        {
            if (query.TryGetValue("release", out var giver)) return await desk.ReleaseAsync(giver.ToString(), key, value, flags, exchange.Aborted).ConfigureAwait(false);
            if (at is { } index) return await desk.WriteAtAsync(key, value, flags, index, exchange.Aborted).ConfigureAwait(false);
            await desk.WriteAsync(key, value, flags, exchange.Aborted).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async ValueTask DeleteAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        var at = IndexOf(query, "cas");
        await TruthAsync(exchange, await InBudgetAsync(exchange, scope, 0, async desk =>
        {
            if (at is { } index) return await desk.RemoveAtAsync(key, index, exchange.Aborted).ConfigureAwait(false);
            if (query.ContainsKey("recurse")) await desk.RemoveAllAsync(new KeyFamily(key), exchange.Aborted).ConfigureAwait(false);
            else await desk.RemoveAsync(key, exchange.Aborted).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>A key now; with an index, once it or its holder has changed after it, or the wait is over.</summary>
    private static async ValueTask ShowAsync(HttpExchange exchange, CallScope scope, string key, Dictionary<string, StringValues> query)
    {
        ValueTask<LockedKey> LookAsync() => InBudgetAsync(exchange, scope, 0, desk => desk.LookAsync(key, exchange.Aborted));
        var seen = await LookAsync().ConfigureAwait(false);
        if (IndexOf(query, "index") is { } index)
        {
            if (MayWait(index, seen.Revision) && !IsLater(seen, index))
                await UntilChangedAsync(exchange, scope, [From(SessionKeys.Bytes(key), ByteString.Empty, index), From(SessionKeys.Lock(key), ByteString.Empty, index)], WaitOf(query)).ConfigureAwait(false);
            seen = await LookAsync().ConfigureAwait(false);
        }

        Tell(exchange, seen.Revision);
        if (seen.Pair is null) await NothingAsync(exchange).ConfigureAwait(false);
        else if (query.ContainsKey("raw")) await exchange.RespondAsync(200, "application/octet-stream", seen.Pair.Value.Memory).ConfigureAwait(false);
        else await JsonAsync(exchange, [KeyRow.Of(key, seen)], SessionRowsJson.Default.KeyRowArray).ConfigureAwait(false);
    }

    /// <summary>All keys that begin so, or their names alone; with an index, once one of them or a holder has changed after it, or the wait is over.</summary>
    private static async ValueTask ShowAllAsync(HttpExchange exchange, CallScope scope, KeyFamily family, Dictionary<string, StringValues> query)
    {
        var withValues = query.ContainsKey("recurse");
        ValueTask<LockedKeys> LookAsync() => InBudgetAsync(exchange, scope, 0, desk => desk.LookAllAsync(family, KeysMax, withValues, exchange.Aborted));
        var seen = await LookAsync().ConfigureAwait(false);
        if (IndexOf(query, "index") is { } index)
        {
            if (MayWait(index, seen.Revision) && !seen.Keys.Any(key => IsLater(key, index)))
            {
                var locks = KeyFamily.Under(SessionKeys.Lock(family.Prefix));
                await UntilChangedAsync(exchange, scope, [.. family.Ranges.Append(locks).Select(range => From(range.From, range.To, index))], WaitOf(query)).ConfigureAwait(false);
            }

            seen = await LookAsync().ConfigureAwait(false);
        }

        if (!seen.IsWhole) throw Refused($"more than {KeysMax} keys begin so; take a longer beginning, or the pages of the JSON gateway under /v3/");
        Tell(exchange, seen.Revision);
        if (seen.Keys.Count == 0 && (withValues || family.Prefix.Length > 0)) await NothingAsync(exchange).ConfigureAwait(false);
        else if (withValues) await JsonAsync(exchange, [.. seen.Keys.Select(static key => KeyRow.Of(key.Pair!.Key.ToStringUtf8(), key))], SessionRowsJson.Default.KeyRowArray).ConfigureAwait(false);
        else await JsonAsync(exchange, Names(seen, family.Prefix.Length, query.TryGetValue("separator", out var separator) ? separator.ToString() : ""), SessionRowsJson.Default.StringArray).ConfigureAwait(false);
    }

    /// <summary>Names in their order; with a separator, what goes on behind the first one after the beginning is one name, as folders are.</summary>
    private static string[] Names(LockedKeys seen, int prefixLength, string separator)
    {
        var names = seen.Keys.Select(static key => key.Pair!.Key.ToStringUtf8());
        if (separator.Length == 0) return [.. names];
        return [.. names.Select(name => name.IndexOf(separator, prefixLength, StringComparison.Ordinal) is var at and >= 0 ? name[..(at + separator.Length)] : name).Distinct()];
    }

    private static long? IndexOf(Dictionary<string, StringValues> query, string name)
    {
        if (!query.TryGetValue(name, out var text)) return null;
        return long.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : throw Refused($"?{name} is a number, as {(name == "cas" ? "a key's ModifyIndex" : "X-Consul-Index")} told it");
    }

    private static ulong FlagsOf(Dictionary<string, StringValues> query)
    {
        if (!query.TryGetValue("flags", out var text)) return 0;
        return ulong.TryParse(text.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var flags) ? flags : throw Refused("?flags is a number of 64 bits, not negative");
    }

    private static TimeSpan WaitOf(Dictionary<string, StringValues> query)
    {
        if (!query.TryGetValue("wait", out var text)) return WaitDefault;
        return SessionWish.SpanOf(text.ToString()) is { } seconds ? TimeSpan.FromSeconds(Math.Min(seconds, WaitMax.TotalSeconds)) : throw Refused("?wait is a time such as 10s or 5m");
    }

    private static bool MayWait(long index, long now) => index > 0 && index <= now;

    private static bool IsLater(LockedKey seen, long index) => (seen.Pair?.ModRevision ?? 0) > index || (seen.Lock?.ModRevision ?? 0) > index;

    private static WatchCreateRequest From(ByteString key, ByteString end, long index) => new() { Key = key, RangeEnd = end, StartRevision = index + 1 };

    /// <summary>What changed between the look and the watch is told by the watch: it begins right after the index.</summary>
    private static async ValueTask UntilChangedAsync(HttpExchange exchange, CallScope scope, WatchCreateRequest[] watched, TimeSpan wait)
    {
        var coordination = await CallGate.InNameOfAsync(scope.Coordination, exchange, exchange.Aborted).ConfigureAwait(false);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(exchange.Aborted, scope.Stopping);
        over.CancelAfter(wait);
        using var watch = new WatchReader(coordination, watched);
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

    private static void Tell(HttpExchange exchange, long revision) => exchange.ResponseHeaders["X-Consul-Index"] = revision.ToString(CultureInfo.InvariantCulture);

    private static CallException Refused(string why) => new(CallFailure.InvalidArgument, why);
}
