using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.FeatureManagement;

namespace Holdfast.Client.Extensions;

/// <summary>How feature flags are followed.</summary>
public sealed record FeatureDefinitionOptions
{
    /// <summary>A file in which the last good flags are kept, for a start while the cluster is away; null keeps none.</summary>
    public string? LastGoodFile { get; init; }

    /// <summary>For how long the first question waits for the cluster before it takes the file's flags: 5 seconds. Without flags every feature is off.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// The flags at <c>/flags/…</c> as features of Microsoft.FeatureManagement. A flag that is on for everybody is always on; one with a percentage or rules asks the filter <see cref="HoldfastFeatureFilter"/>, which
/// answers as <c>holdfast flag get NAME --for WHO</c> does, so that all languages and processes agree.
/// </summary>
public sealed class HoldfastFeatureDefinitions : IFeatureDefinitionProvider, IAsyncDisposable
{
    /// <summary>The configuration key under which the filter finds its flag.</summary>
    internal const string FlagKey = "flag";

    private readonly FeatureDefinitionOptions options;
    private readonly FollowedPrefix followed;
    private ReadFlags read = new(null, new ConcurrentDictionary<string, FeatureDefinition?>());

    /// <summary>Begins to follow the flags.</summary>
    /// <param name="client">Whom to ask; kept, not disposed.</param>
    /// <param name="options">Where to keep the last good flags.</param>
    public HoldfastFeatureDefinitions(HoldfastClient client, FeatureDefinitionOptions? options = null)
    {
        const string Flags = "/flags/";
        this.options = options ?? new FeatureDefinitionOptions();
        followed = new FollowedPrefix(client, Flags, this.options.LastGoodFile is { } path ? new LastGoodFile(path, Flags) : null, null);
    }

    /// <summary>The revision of the flags; 0 when there are none yet.</summary>
    public long Revision => followed.Current?.Revision ?? 0;

    /// <inheritdoc/>
    public async Task<FeatureDefinition> GetFeatureDefinitionAsync(string featureName)
    {
        await followed.UntilKnownAsync(options.StartPatience, CancellationToken.None).ConfigureAwait(false);

        // The framework's interface says "none" with null, though it is not written so.
        return Definition(Fresh(), featureName)!;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeatureDefinition> GetAllFeatureDefinitionsAsync()
    {
        await followed.UntilKnownAsync(options.StartPatience, CancellationToken.None).ConfigureAwait(false);
        var flags = Fresh();
        foreach (var name in flags.Values?.Values.Keys.Order(StringComparer.Ordinal) ?? Enumerable.Empty<string>())
            if (Definition(flags, name) is { } definition) yield return definition;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => followed.DisposeAsync();

    /// <summary>A definition lives as long as the flags' revision: the framework keeps what it has bound by the definition's own parameters.</summary>
    private ReadFlags Fresh()
    {
        var (known, current) = (Volatile.Read(ref read), followed.Current);
        if (ReferenceEquals(known.Values, current)) return known;
        var fresh = new ReadFlags(current, new ConcurrentDictionary<string, FeatureDefinition?>());
        Volatile.Write(ref read, fresh);
        return fresh;
    }

    private static FeatureDefinition? Definition(ReadFlags flags, string name)
    {
        if (flags.Values is null || !flags.Values.Values.TryGetValue(name, out var json)) return null;
        return flags.Definitions.GetOrAdd(name, static (name, json) => FeatureFlag.TryParse(json) is { } flag ? Define(name, json, flag) : null, json);
    }

    private static FeatureDefinition Define(string name, string json, FeatureFlag flag)
    {
        var definition = new FeatureDefinition { Name = name, EnabledFor = [] };
        if (!flag.Enabled) return definition;
        var isForAll = flag.Rollout >= 100 && flag.Rules.Count == 0;
        definition.EnabledFor = isForAll
            ? [new FeatureFilterConfiguration { Name = "AlwaysOn" }]
            : [new FeatureFilterConfiguration { Name = HoldfastFeatureFilter.Alias, Parameters = new ConfigurationBuilder().AddInMemoryCollection([new(FlagKey, json)]).Build() }];
        return definition;
    }

    /// <summary>The flags of a revision, and what was made of them so far: as many as there are flags.</summary>
    private sealed record ReadFlags(KeyValues? Values, ConcurrentDictionary<string, FeatureDefinition?> Definitions);
}
