using Holdfast.Coordination.Endpoints.SignIn;
using Holdfast.Coordination.Endpoints.Http;
using Holdfast.Primitives.Metrics;

namespace Holdfast.Coordination.Endpoints.Methods;

/// <summary>What every call of one front door shares.</summary>
/// <param name="Coordination">Who answers.</param>
/// <param name="Limits">The bounds.</param>
/// <param name="Budget">Unary requests under way.</param>
/// <param name="Stopping">Signalled when the door closes: streams end, new requests are refused by Kestrel.</param>
internal sealed record CallScope(ICoordination Coordination, EndpointLimits Limits, RequestBudget Budget, CancellationToken Stopping)
{
    /// <summary>From where pages may ask.</summary>
    public AllowedOrigins Origins { get; init; } = AllowedOrigins.None;

    /// <summary>Calls whose clients want a leader behind their member.</summary>
    public LeaderRequirement Leader { get; } = new(Coordination);

    /// <summary>Calls that ended with UNAVAILABLE.</summary>
    public Counter Unavailable { get; } = new();

    /// <summary>Bytes of gRPC messages that clients have sent, without their frames.</summary>
    public Counter BytesReceived { get; } = new();

    /// <summary>Bytes of gRPC messages that were sent to clients.</summary>
    public Counter BytesSent { get; } = new();

    /// <summary>
    /// The scope of one call in its caller's name. A cluster whose identities were never touched has nobody to recognise, and pays a look at its headers. That they are
    /// untouched may be old news on a node that has just started: so whoever says who he is, or changes the cluster, is looked at all the same.
    /// </summary>
    public ValueTask<CallScope> ForAsync(EtcdMethod method, HttpExchange exchange, CancellationToken cancel) =>
        Coordination.Identity.IsUntouched && !CallGate.ShowsName(exchange) && !CallGate.ChangesCluster(method) && !KeyFence.IsShownBy(exchange) ? new(this) : AdmitAsync(method, exchange, cancel);

    private async ValueTask<CallScope> AdmitAsync(EtcdMethod method, HttpExchange exchange, CancellationToken cancel) =>
        this with { Coordination = KeyFence.Over(await CallGate.AdmitAsync(Coordination, method, exchange, cancel).ConfigureAwait(false), exchange) };
}
