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
    /// <summary>Calls that ended with UNAVAILABLE.</summary>
    public Counter Unavailable { get; } = new();
}
