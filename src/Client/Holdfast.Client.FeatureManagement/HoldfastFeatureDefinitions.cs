using System.Collections.Concurrent;
using Holdfast.Client.Extensions;
using Microsoft.Extensions.Configuration;
using Microsoft.FeatureManagement;

namespace Holdfast.Client.FeatureManagement;

/// <summary>
/// The flags at <c>/flags/…</c> as features of Microsoft.FeatureManagement. A flag that is on for everybody is always on; one with a percentage or rules asks the filter <see cref="HoldfastFeatureFilter"/>, which
/// answers as <c>holdfast flag get NAME --for WHO</c> does, so that all languages and processes agree.
/// </summary>
/// <param name="features">Who follows the flags; kept, not disposed.</param>
public sealed class HoldfastFeatureDefinitions(HoldfastFeatures features) : IFeatureDefinitionProvider
{
    /// <summary>The configuration key under which the filter finds its flag.</summary>
    internal const string FlagKey = "flag";

    private ReadFlags read = new(FeatureSet.None, new ConcurrentDictionary<string, FeatureDefinition>());

    /// <inheritdoc/>
    public async Task<FeatureDefinition> GetFeatureDefinitionAsync(string featureName)
    {
        var flags = Fresh(await features.CurrentAsync().ConfigureAwait(false));

        // The framework's interface says "none" with null, though it is not written so.
        return Definition(flags, featureName)!;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeatureDefinition> GetAllFeatureDefinitionsAsync()
    {
        var flags = Fresh(await features.CurrentAsync().ConfigureAwait(false));
        foreach (var name in flags.Set.Flags.Keys.Order(StringComparer.Ordinal)) yield return Definition(flags, name)!;
    }

    /// <summary>A definition lives as long as the flags' revision: the framework keeps what it has bound by the definition's own parameters.</summary>
    private ReadFlags Fresh(FeatureSet current)
    {
        var known = Volatile.Read(ref read);
        if (ReferenceEquals(known.Set, current)) return known;
        var fresh = new ReadFlags(current, new ConcurrentDictionary<string, FeatureDefinition>());
        Volatile.Write(ref read, fresh);
        return fresh;
    }

    private static FeatureDefinition? Definition(ReadFlags flags, string name) =>
        flags.Set.Flags.TryGetValue(name, out var flag) ? flags.Definitions.GetOrAdd(name, static (name, flag) => Define(name, flag), flag) : null;

    private static FeatureDefinition Define(string name, FeatureFlag flag)
    {
        var definition = new FeatureDefinition { Name = name, EnabledFor = [] };
        if (!flag.Enabled) return definition;
        var isForAll = flag.Rollout >= 100 && flag.Rules.Count == 0;
        definition.EnabledFor = isForAll
            ? [new FeatureFilterConfiguration { Name = "AlwaysOn" }]
            : [new FeatureFilterConfiguration { Name = HoldfastFeatureFilter.Alias, Parameters = new ConfigurationBuilder().AddInMemoryCollection([new(FlagKey, flag.ToJson())]).Build() }];
        return definition;
    }

    /// <summary>The flags of a revision, and what was made of them so far: as many as there are flags.</summary>
    private sealed record ReadFlags(FeatureSet Set, ConcurrentDictionary<string, FeatureDefinition> Definitions);
}
