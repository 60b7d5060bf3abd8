using System.Diagnostics.CodeAnalysis;
using Holdfast.Client;
using Holdfast.Client.Extensions;
using Medallion.Threading;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.ServiceDiscovery;
using Microsoft.FeatureManagement;

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

    /// <summary>Feature definitions from the flags; to be called before <c>AddFeatureManagement()</c>, which else puts its own there.</summary>
    public static IServiceCollection AddHoldfastFeatureDefinitions(this IServiceCollection services, FeatureDefinitionOptions? options = null)
    {
        services.AddSingleton(provider => new HoldfastFeatureDefinitions(provider.GetRequiredService<HoldfastClient>(), options));
        services.AddSingleton<IFeatureDefinitionProvider>(provider => provider.GetRequiredService<HoldfastFeatureDefinitions>());
        return services;
    }

    /// <summary>The filters that flags with a percentage or rules ask. The container constructs them, and nothing above tells a trimmer so.</summary>
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(HoldfastFeatureFilter))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(HoldfastContextualFeatureFilter))]
    public static IFeatureManagementBuilder AddHoldfastFilters(this IFeatureManagementBuilder builder) =>
        builder.AddFeatureFilter<HoldfastFeatureFilter>().AddFeatureFilter<HoldfastContextualFeatureFilter>();

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
