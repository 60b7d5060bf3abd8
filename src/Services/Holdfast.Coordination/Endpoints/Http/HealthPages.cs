using System.Text;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Coordination.Endpoints.Methods;
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
        "/livez" => ServeAsync(exchange, LiveAsync),
        "/readyz" => ServeAsync(exchange, ReadyAsync),
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
        var serializable = exchange.Query.Contains("serializable=true", StringComparison.Ordinal);
        var reason = await CheckAsync(serializable, exchange.Aborted).ConfigureAwait(false);
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

    /// <summary>Alive: this process answers from its own state. A node without a quorum is alive; restarting it would not help.</summary>
    private ValueTask LiveAsync(HttpExchange exchange) => ProbeAsync(exchange, "serializable_read", serializable: true);

    /// <summary>Ready: clients get linearizable answers here.</summary>
    private ValueTask ReadyAsync(HttpExchange exchange) => ProbeAsync(exchange, "read_index", serializable: false);

    private async ValueTask ProbeAsync(HttpExchange exchange, string check, bool serializable)
    {
        var reason = await CheckAsync(serializable, exchange.Aborted).ConfigureAwait(false);
        var isVerbose = exchange.Query.Contains("verbose", StringComparison.Ordinal);
        var text = reason is null
            ? (isVerbose ? $"[+]{check} ok\nok\n" : "ok\n")
            : $"[-]{check} failed: {reason}\n";
        await exchange.RespondAsync(reason is null ? 200 : 503, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes(text)).ConfigureAwait(false);
    }

    /// <summary>Reads one key; null when that worked, else why not.</summary>
    private async ValueTask<string?> CheckAsync(bool serializable, CancellationToken aborted)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        deadline.CancelAfter(CheckDeadline);
        try
        {
            await coordination.RangeAsync(new RangeRequest { Key = AnyKey, CountOnly = true, Serializable = serializable }, deadline.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception failure) when (failure is EtcdException or OperationCanceledException)
        {
            return (serializable ? "SERIALIZABLE READ ERROR:" : "QGET ERROR:") + CallFailure.From(failure, deadlinePassed: true).Message;
        }
    }
}
