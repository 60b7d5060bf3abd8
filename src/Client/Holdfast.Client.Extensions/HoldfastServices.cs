using Holdfast.Client;
using Holdfast.Client.Extensions;
using Medallion.Threading;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.ServiceDiscovery;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts the pieces where a .NET application looks for them.</summary>
public static class HoldfastServices
{
    /// <summary>One client for the application; the container disposes it.</summary>
    public static IServiceCollection AddHoldfastClient(this IServiceCollection services, HoldfastClientOptions options)
    {
        services.TryAddSingleton(_ => new HoldfastClient(options));
        return services;
    }

    /// <summary><see cref="IDistributedLockProvider"/>.</summary>
    public static IServiceCollection AddHoldfastLocks(this IServiceCollection services, TimeSpan? ttl = null)
    {
        services.TryAddSingleton(provider => new HoldfastLockProvider(provider.GetRequiredService<HoldfastClient>(), ttl));
        services.TryAddSingleton<IDistributedLockProvider>(provider => provider.GetRequiredService<HoldfastLockProvider>());
        return services;
    }

    /// <summary>Endpoints from the service registry, for <c>AddServiceDiscoveryCore()</c>.</summary>
    public static IServiceCollection AddHoldfastServiceDiscovery(this IServiceCollection services)
    {
        services.AddSingleton<IServiceEndpointProviderFactory>(provider => new HoldfastEndpointProviderFactory(provider.GetRequiredService<HoldfastClient>()));
        return services;
    }

    /// <summary>The flags, followed: ask <see cref="HoldfastFeatures"/>. (For Microsoft.FeatureManagement: the package Holdfast.Client.FeatureManagement.)</summary>
    public static IServiceCollection AddHoldfastFeatures(this IServiceCollection services, HoldfastFeatureOptions? options = null)
    {
        services.TryAddSingleton(provider => new HoldfastFeatures(provider.GetRequiredService<HoldfastClient>(), options));
        return services;
    }

    /// <summary>The check, by the name <c>holdfast</c>.</summary>
    public static IHealthChecksBuilder AddHoldfast(this IHealthChecksBuilder builder, string name = "holdfast", HealthStatus? failureStatus = null, IEnumerable<string>? tags = null) =>
        builder.Add(new HealthCheckRegistration(name, provider => new HoldfastHealthCheck(provider.GetRequiredService<HoldfastClient>()), failureStatus, tags));

    /// <summary>The values at <c>/config/…</c>, over whatever was added before.</summary>
    public static IConfigurationBuilder AddHoldfast(this IConfigurationBuilder builder, Action<HoldfastConfigurationSource> describe)
    {
        var source = new HoldfastConfigurationSource();
        describe(source);
        return builder.Add(source);
    }
}
