using System.Diagnostics.CodeAnalysis;
using Holdfast.Client.Extensions;
using Holdfast.Client.FeatureManagement;
using Microsoft.FeatureManagement;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Puts the pieces where Microsoft.FeatureManagement looks for them.</summary>
public static class HoldfastFeatureServices
{
    /// <summary>Feature definitions from the flags; to be called before <c>AddFeatureManagement()</c>, which else puts its own there.</summary>
    public static IServiceCollection AddHoldfastFeatureDefinitions(this IServiceCollection services, HoldfastFeatureOptions? options = null)
    {
        services.AddHoldfastFeatures(options);
        services.AddSingleton<IFeatureDefinitionProvider>(provider => new HoldfastFeatureDefinitions(provider.GetRequiredService<HoldfastFeatures>()));
        return services;
    }

    /// <summary>The filters that flags with a percentage or rules ask. The container constructs them, and nothing above tells a trimmer so.</summary>
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(HoldfastFeatureFilter))]
    [DynamicDependency(DynamicallyAccessedMemberTypes.PublicConstructors, typeof(HoldfastContextualFeatureFilter))]
    public static IFeatureManagementBuilder AddHoldfastFilters(this IFeatureManagementBuilder builder) =>
        builder.AddFeatureFilter<HoldfastFeatureFilter>().AddFeatureFilter<HoldfastContextualFeatureFilter>();
}
