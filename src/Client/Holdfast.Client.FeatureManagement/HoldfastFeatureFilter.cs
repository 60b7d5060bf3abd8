using Microsoft.Extensions.Configuration;
using Microsoft.FeatureManagement;
using Microsoft.FeatureManagement.FeatureFilters;

namespace Holdfast.Client.FeatureManagement;

/// <summary>
/// Percentage rollout and targeting as Holdfast's flags have them, for whoever the application's <see cref="ITargetingContextAccessor"/> says is asking: the user's id is the subject, and rules about the attribute
/// <c>group</c> look at his groups. Without an accessor the subject is empty, and only percentages of 100 and rules for everybody fit.
/// </summary>
/// <param name="accessor">Who asks now; null when the application has no such thing.</param>
[FilterAlias(Alias)]
public sealed class HoldfastFeatureFilter(ITargetingContextAccessor? accessor = null) : IFeatureFilter, IFilterParametersBinder
{
    /// <summary>The filter's name in feature definitions.</summary>
    public const string Alias = "Holdfast";

    /// <inheritdoc/>
    public object BindParameters(IConfiguration parameters) => Flag(parameters);

    /// <inheritdoc/>
    public async Task<bool> EvaluateAsync(FeatureFilterEvaluationContext context) =>
        IsOn(context, accessor is null ? null : await accessor.GetContextAsync().ConfigureAwait(false));

    internal static object Flag(IConfiguration parameters) => FeatureFlag.TryParse(parameters[HoldfastFeatureDefinitions.FlagKey] ?? "") ?? new FeatureFlag();

    internal static bool IsOn(FeatureFilterEvaluationContext context, ITargetingContext? who)
    {
        var flag = (FeatureFlag)(context.Settings ?? Flag(context.Parameters));
        return flag.IsOnFor(context.FeatureName, who?.UserId ?? "", attribute => attribute == "group" ? who?.Groups ?? [] : []);
    }
}

/// <summary>The same for applications that hand over who asks: <c>IsEnabledAsync("cart", new TargetingContext { UserId = "ann" })</c>.</summary>
[FilterAlias(HoldfastFeatureFilter.Alias)]
public sealed class HoldfastContextualFeatureFilter : IContextualFeatureFilter<ITargetingContext>, IFilterParametersBinder
{
    /// <inheritdoc/>
    public object BindParameters(IConfiguration parameters) => HoldfastFeatureFilter.Flag(parameters);

    /// <inheritdoc/>
    public Task<bool> EvaluateAsync(FeatureFilterEvaluationContext featureFilterContext, ITargetingContext appContext) => Task.FromResult(HoldfastFeatureFilter.IsOn(featureFilterContext, appContext));
}
