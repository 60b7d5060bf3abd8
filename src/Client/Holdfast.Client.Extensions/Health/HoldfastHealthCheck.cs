using Grpc.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Holdfast.Client.Extensions;

/// <summary>Whether the cluster can be used: healthy when a quorum answers a read, degraded when one does but a named endpoint is silent, else what the registration says (unhealthy). It writes nothing.</summary>
/// <param name="client">Whom to ask; kept, not disposed.</param>
public sealed class HoldfastHealthCheck(HoldfastClient client) : IHealthCheck
{
    /// <summary>A key that nobody needs to have: the read is linearizable, so its answer is a quorum's.</summary>
    private const string AnyKey = "health";

    /// <inheritdoc/>
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await client.GetAsync(AnyKey, cancellationToken).ConfigureAwait(false);
        }
        catch (RpcException denied) when (denied.StatusCode == StatusCode.PermissionDenied)
        {
            // A quorum knows who may read it: that is an answer.
        }
        catch (RpcException failure)
        {
            return new HealthCheckResult(context.Registration.FailureStatus, $"no quorum answers: {failure.Status.Detail}", failure);
        }

        var silent = (await client.StatusAsync(cancellationToken).ConfigureAwait(false)).Where(endpoint => endpoint.Failure is not null).ToArray();
        return silent.Length == 0
            ? HealthCheckResult.Healthy("a quorum answers")
            : HealthCheckResult.Degraded($"a quorum answers, but {string.Join(", ", silent.Select(endpoint => endpoint.Address))} does not", data: silent.ToDictionary(endpoint => endpoint.Address, endpoint => (object)endpoint.Failure!));
    }
}
