using System.Text;
using Holdfast.Coordination.Endpoints.Sessions;
using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Endpoints.Grpc;
using Holdfast.Coordination.Endpoints.Json;
using Holdfast.Coordination.Endpoints.Methods;
using Holdfast.Primitives;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>What Kestrel calls for every request: chooses who answers.</summary>
internal sealed class FrontDoor(CallScope scope, MethodTable methods, HealthPages health, AdminPages admin, bool servesFace, Action<Exception> onFatal, ILogger log) : IHttpApplication<HttpExchange>
{
    private static readonly CallFailure NotCarried = new(CallFailure.Unavailable, "holdfast: this node does not carry the coordination face (--roles); ask another member");

    public HttpExchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    public async Task ProcessRequestAsync(HttpExchange exchange)
    {
        try
        {
            await RouteAsync(exchange).ConfigureAwait(false);
        }
        catch (InvariantBrokenException broken)
        {
            // The process ends before it can do harm; the supervisor starts it again and recovery looks at what is on disk.
            onFatal(broken);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            exchange.Abort();
        }
        catch (Exception unexpected)
        {
            EndpointLog.RequestFailed(log, unexpected, exchange.Path);
            if (exchange.HasStarted) exchange.Abort();
            else await JsonErrors.RespondAsync(exchange, new CallFailure(CallFailure.Internal, "holdfast: internal error")).ConfigureAwait(false);
        }
    }

    public void DisposeContext(HttpExchange context, Exception? exception)
    {
    }

    private Task RouteAsync(HttpExchange exchange)
    {
        if (exchange.IsForPages) return PageAsync(exchange);
        if (GrpcHeaders.IsGrpc(exchange))
        {
            if (!servesFace && exchange.Trailers is not null && !exchange.Path.StartsWith("/grpc.health.v1.", StringComparison.Ordinal))
            {
                exchange.Begin(200, GrpcHeaders.ContentType);
                GrpcHeaders.Fail(exchange, NotCarried);
                return Task.CompletedTask;
            }

            if (methods.ByGrpcPath(exchange.Path) is { } called && exchange.Trailers is not null) return called.ServeGrpcAsync(exchange, scope);
            exchange.Begin(200, GrpcHeaders.ContentType);
            GrpcHeaders.Fail(exchange, methods.UnknownCall(exchange.Path));
            return Task.CompletedTask;
        }

        if (scope.Origins.Answer(exchange)) return exchange.RespondAsync(200, "text/plain; charset=utf-8", default).AsTask();
        if (exchange.Path.StartsWith(AdminPages.Root, StringComparison.Ordinal)) return AdminAsync(exchange);
        if (SessionPages.Serves(exchange.Path)) return SessionPages.ServeAsync(exchange, scope);
        if (methods.ByJsonPath(exchange.Path) is not { } method) return PageAsync(exchange);
        if (!servesFace) return JsonErrors.RespondAsync(exchange, NotCarried).AsTask();
        return exchange.Method == "POST"
            ? method.ServeJsonAsync(exchange, scope)
            : JsonErrors.RespondAsync(exchange, new CallFailure(CallFailure.Unimplemented, "Method Not Allowed"), 405).AsTask();
    }

    /// <summary>Seeing is for everybody who reaches the door; changing, while auth is on, for root.</summary>
    private async Task AdminAsync(HttpExchange exchange)
    {
        if (exchange.Method != "GET" && await CallGate.AdminRefusalAsync(scope.Coordination, exchange, exchange.Aborted).ConfigureAwait(false) is { } refused)
            await JsonErrors.RespondAsync(exchange, CallFailure.From(refused)).ConfigureAwait(false);
        else await admin.ServeAsync(exchange).ConfigureAwait(false);
    }

    private async Task PageAsync(HttpExchange exchange)
    {
        if (await health.TryServeAsync(exchange).ConfigureAwait(false)) return;
        if (exchange.Path.StartsWith("/v3", StringComparison.Ordinal) && !exchange.IsForPages) await JsonErrors.RespondAsync(exchange, new CallFailure(CallFailure.NotFound, "Not Found")).ConfigureAwait(false);
        else await exchange.RespondAsync(404, "text/plain; charset=utf-8", Encoding.UTF8.GetBytes("404 page not found\n")).ConfigureAwait(false);
    }
}
