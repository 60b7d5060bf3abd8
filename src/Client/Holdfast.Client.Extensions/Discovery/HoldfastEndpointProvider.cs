using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.ServiceDiscovery;

namespace Holdfast.Client.Extensions;

/// <summary>
/// The healthy instances of one service as endpoints, and a change token for when they change. A named endpoint (<c>http://_admin.web</c>) is those instances that have its name as a tag. While the cluster is
/// away the last instances that were seen stay.
/// </summary>
internal sealed class HoldfastEndpointProvider : IServiceEndpointProvider
{
    /// <summary>How long the first resolution waits for the cluster.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(5);

    private readonly ServiceEndpointQuery query;
    private readonly FollowedPrefix followed;
    private CancellationTokenSource changed = new();

    public HoldfastEndpointProvider(HoldfastClient client, ServiceEndpointQuery query)
    {
        this.query = query;
        followed = new FollowedPrefix(client, $"/services/{query.ServiceName}/instances/", null, Changed);
    }

    /// <inheritdoc/>
    public async ValueTask PopulateAsync(IServiceEndpointBuilder endpoints, CancellationToken cancellationToken)
    {
        if (endpoints.Endpoints.Count > 0) return; // Somebody before us in the chain has answered.

        // The token first: a change between the two makes the caller ask once more, and nothing is missed.
        endpoints.AddChangeToken(new CancellationChangeToken(Volatile.Read(ref changed).Token));
        if (!await followed.UntilKnownAsync(StartPatience, cancellationToken).ConfigureAwait(false)) return;
        foreach (var (_, value) in followed.Current!.Values.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            if (ServiceInstance.TryParse(Encoding.UTF8.GetBytes(value)) is { Health: ServiceHealth.Passing } instance && IsMeant(instance))
                endpoints.Endpoints.Add(ServiceEndpoint.Create(PlaceOf(instance)));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => followed.DisposeAsync();

    private static EndPoint PlaceOf(ServiceInstance instance) => IPAddress.TryParse(instance.Address, out var address) ? new IPEndPoint(address, instance.Port) : new DnsEndPoint(instance.Address, instance.Port);

    private bool IsMeant(ServiceInstance instance) => string.IsNullOrEmpty(query.EndpointName) || instance.Tags.Contains(query.EndpointName, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whoever listens is told on a thread of the pool: he may ask again at once, and what he does is not waited for.</summary>
    private void Changed() => _ = Interlocked.Exchange(ref changed, new CancellationTokenSource()).CancelAsync();
}

/// <summary>Makes a provider for every name that may be a service's.</summary>
internal sealed class HoldfastEndpointProviderFactory(HoldfastClient client) : IServiceEndpointProviderFactory
{
    /// <inheritdoc/>
    public bool TryCreateProvider(ServiceEndpointQuery query, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IServiceEndpointProvider? provider)
    {
        provider = query.ServiceName.Length > 0 && !query.ServiceName.Contains('/', StringComparison.Ordinal) ? new HoldfastEndpointProvider(client, query) : null;
        return provider is not null;
    }
}
