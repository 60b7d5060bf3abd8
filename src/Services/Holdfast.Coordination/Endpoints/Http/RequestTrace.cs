using System.Diagnostics;
using Holdfast.Coordination.Endpoints.Methods;

namespace Holdfast.Coordination.Endpoints.Http;

/// <summary>The span of a client's request, under the caller's own where it sent one (W3C Trace Context); what is proposed and replicated for it hangs below. Costs one look while nobody listens.</summary>
internal static class RequestTrace
{
    public static readonly ActivitySource Source = new("Holdfast.Endpoints");

    public static Activity? Begin(HttpExchange exchange, EtcdMethod method)
    {
        if (!Source.HasListeners()) return null;
        ActivityContext.TryParse(exchange.RequestHeaders["traceparent"].ToString(), exchange.RequestHeaders["tracestate"].ToString(), isRemote: true, out var caller);
        var span = Source.StartActivity(method.GrpcPath[1..], ActivityKind.Server, caller);
        span?.SetTag("rpc.system", "grpc").SetTag("rpc.service", method.Service).SetTag("rpc.method", method.Name);
        return span;
    }
}
