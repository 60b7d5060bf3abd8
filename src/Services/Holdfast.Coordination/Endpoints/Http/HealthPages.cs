using System.Text;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Coordination.Permissions;
using Holdfast.Coordination.Protocol;
using Google.Protobuf;
using Holdfast.Primitives.Metrics;
using Holdfast.Wire;

namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>The plain pages of an etcd server: /version, /health, /livez, /readyz, /metrics.</summary>
internal sealed class HealthPages(ICoordination coordination, MetricsRegistry metrics, EtcdMetrics etcdMetrics)
{
    /// <summary>What we tell clients that we are: they choose their behaviour by it.</summary>
    public const string EtcdVersion = "3.6.0";

    /// <summary>A health check that takes longer says no (etcd: one second for the read, by the request's context).</summary>
    private static readonly TimeSpan CheckDeadline = TimeSpan.FromSeconds(2);

    private static readonly ByteString AnyKey = ByteString.CopyFromUtf8("health");
    private static readonly byte[] Version = Encoding.UTF8.GetBytes($"{{\"etcdserver\":\"{EtcdVersion}\",\"etcdcluster\":\"3.6.0\"}}");
    private static readonly byte[] Healthy = "{\"health\":\"true\",\"reason\":\"\"}"u8.ToArray();

    /// <summary>Answers when the path is one of ours.</summary>
    public ValueTask<bool> TryServeAsync(HttpExchange exchange) => exchange.Path switch
    {
        "/version" => ServeAsync(exchange, VersionAsync),
        "/health" => ServeAsync(exchange, HealthAsync),
        "/livez" or "/livez/serializable_read" => ServeAsync(exchange, LiveAsync),
        "/readyz" or "/readyz/data_corruption" or "/readyz/serializable_read" or "/readyz/linearizable_read" or "/readyz/non_learner" => ServeAsync(exchange, ReadyAsync),
        "/metrics" => ServeAsync(exchange, MetricsAsync),
        _ => new(false),
    };

    private static async ValueTask<bool> ServeAsync(HttpExchange exchange, Func<HttpExchange, ValueTask> page)
    {
        if (exchange.Method is "GET" or "HEAD")
        {
            await page(exchange).ConfigureAwait(false);
        }
        else
        {
            exchange.ResponseHeaders.Allow = "GET";
            await exchange.RespondAsync(405, "text/plain; charset=utf-8", "Method Not Allowed\n"u8.ToArray()).ConfigureAwait(false);
        }

        return true;
    }

    private static ValueTask VersionAsync(HttpExchange exchange) => exchange.RespondAsync(200, "application/json", Version);

    private async ValueTask MetricsAsync(HttpExchange exchange)
    {
        await etcdMetrics.RefreshAsync(exchange.Aborted).ConfigureAwait(false);
        await exchange.RespondAsync(200, "text/plain; version=0.0.4; charset=utf-8", Encoding.UTF8.GetBytes(metrics.Print())).ConfigureAwait(false);
    }

    private async ValueTask HealthAsync(HttpExchange exchange)
    {
        var isSerializable = QueryValues(exchange, "serializable").Contains("true");
        var reason = await AlarmAsync(QueryValues(exchange, "exclude"), !isSerializable, exchange.Aborted).ConfigureAwait(false)
            ?? Prefixed("RANGE ERROR:", await ReadAsync(isSerializable, exchange.Aborted).ConfigureAwait(false));
        (reason is null ? etcdMetrics.HealthSuccesses : etcdMetrics.HealthFailures).Increment();
        if (reason is null)
        {
            await exchange.RespondAsync(200, "application/json", Healthy).ConfigureAwait(false);
            return;
        }

        var json = new ByteBuffer(256);
        WireToJson.Put(json, "{\"health\":\"false\",\"reason\":"u8);
        WireToJson.WriteString(Encoding.UTF8.GetBytes(reason), json);
        WireToJson.Put(json, "}"u8);
        await exchange.RespondAsync(503, "application/json", json.WrittenMemory).ConfigureAwait(false);
    }

    /// <summary>Why an alarm or the lack of a leader makes the member unhealthy, or null.</summary>
    private async ValueTask<string?> AlarmAsync(IReadOnlyList<string> excluded, bool needsLeader, CancellationToken aborted)
    {
        try
        {
            var health = await coordination.HealthAsync(aborted).ConfigureAwait(false);
            foreach (var alarm in health.Alarms)
                if (!excluded.Contains(AlarmName(alarm))) return "ALARM " + AlarmName(alarm);
            return needsLeader && !health.HasLeader ? "RAFT NO LEADER" : null;
        }
        catch (EtcdException failure)
        {
            return failure.Error.Message;
        }
    }

    /// <summary>Alive: this process answers from its own state. A node without a quorum is alive; restarting it would not help.</summary>
    private ValueTask LiveAsync(HttpExchange exchange) => ProbeAsync(exchange, "/livez", LiveChecks());

    /// <summary>Ready: clients get linearizable answers here.</summary>
    private ValueTask ReadyAsync(HttpExchange exchange) => ProbeAsync(exchange, "/readyz", ReadyChecks());

    private IEnumerable<(string Name, Func<CancellationToken, ValueTask<string?>> Check)> LiveChecks() => [("serializable_read", aborted => ReadAsync(true, aborted))];

    private IEnumerable<(string Name, Func<CancellationToken, ValueTask<string?>> Check)> ReadyChecks() =>
    [
        ("data_corruption", async aborted => (await coordination.HealthAsync(aborted).ConfigureAwait(false)).Alarms.Contains(AlarmType.Corrupt) ? "alarm activated: CORRUPT" : null),
        ("serializable_read", aborted => ReadAsync(true, aborted)),
        ("linearizable_read", aborted => ReadAsync(false, aborted)),
        ("non_learner", async aborted => (await coordination.HealthAsync(aborted).ConfigureAwait(false)).IsLearner ? "not supported for learner" : null),
    ];

    /// <summary>Runs the checks, or the one that the path names; failures are always told, successes when asked (etcd 3.6).</summary>
    private static async ValueTask ProbeAsync(HttpExchange exchange, string root, IEnumerable<(string Name, Func<CancellationToken, ValueTask<string?>> Check)> checks)
    {
        var only = exchange.Path.Length > root.Length ? exchange.Path[(root.Length + 1)..] : null;
        var excluded = QueryValues(exchange, "exclude");
        var told = new StringBuilder();
        var isGood = true;
        foreach (var (name, check) in checks)
        {
            if (only is null ? excluded.Contains(name) : name != only) continue;
            var fault = await check(exchange.Aborted).ConfigureAwait(false);
            told.Append(fault is null ? $"[+]{name} ok\n" : $"[-]{name} failed: {fault}\n");
            isGood &= fault is null;
        }

        var isVerbose = exchange.Query.Contains("verbose", StringComparison.Ordinal);
        var body = !isGood ? told.Append('\n').ToString() : isVerbose ? told + "ok\n" : "ok\n";
        exchange.ResponseHeaders.XContentTypeOptions = "nosniff";
        await exchange.RespondAsync(isGood ? 200 : 503, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(body)).ConfigureAwait(false);
    }

    /// <summary>Reads one key; null when that worked, else why not.</summary>
    private async ValueTask<string?> ReadAsync(bool isSerializable, CancellationToken aborted)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        deadline.CancelAfter(CheckDeadline);
        try
        {
            await coordination.RangeAsync(new RangeRequest { Key = AnyKey, KeysOnly = true, Limit = 1, Serializable = isSerializable }, deadline.Token).ConfigureAwait(false);
            return null;
        }
        catch (EtcdException failure) when (failure.Error == AuthErrors.UserEmpty)
        {
            // Auth is on, and a probe has no name. But it was the keyspace itself that said so, after the barrier: that is what was to be found out.
            return null;
        }
        catch (Exception failure) when (failure is EtcdException or OperationCanceledException)
        {
            return CallFailure.From(failure, deadlinePassed: true).Message;
        }
    }

    private static string? Prefixed(string prefix, string? reason) => reason is null ? null : prefix + reason;

    private static string AlarmName(AlarmType alarm) => alarm == AlarmType.Nospace ? "NOSPACE" : "CORRUPT";

    private static List<string> QueryValues(HttpExchange exchange, string name)
    {
        var values = new List<string>();
        foreach (var part in exchange.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
            if (part.StartsWith(name + "=", StringComparison.Ordinal)) values.Add(Uri.UnescapeDataString(part[(name.Length + 1)..]));
        return values;
    }
}
