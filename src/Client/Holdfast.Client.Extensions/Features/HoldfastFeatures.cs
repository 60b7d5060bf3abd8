using System.Collections.Frozen;

namespace Holdfast.Client.Extensions;

/// <summary>How feature flags are followed.</summary>
public sealed record HoldfastFeatureOptions
{
    /// <summary>A file in which the last good flags are kept, for a start while the cluster is away; null keeps none.</summary>
    public string? LastGoodFile { get; init; }

    /// <summary>For how long the first question waits for the cluster before it takes the file's flags: 5 seconds. Without flags every feature is off.</summary>
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>The flags of one revision. Never changed: the next revision is another object.</summary>
/// <param name="Revision">Which revision; 0 when none was seen yet.</param>
/// <param name="Flags">The flags by name; what is no flag is left out.</param>
/// <param name="IsFromFile">The cluster has not been heard since this process started: these are the last that were seen before.</param>
public sealed record FeatureSet(long Revision, FrozenDictionary<string, FeatureFlag> Flags, bool IsFromFile)
{
    /// <summary>Before anything was seen.</summary>
    public static FeatureSet None { get; } = new(0, FrozenDictionary<string, FeatureFlag>.Empty, false);
}

/// <summary>
/// The flags at <c>/flags/…</c>, in memory and kept up to date until disposed: asked without a call to anybody, without reflection, and answered as <c>holdfast flag get NAME --for WHO</c> answers.
/// </summary>
public sealed class HoldfastFeatures : IAsyncDisposable, IDisposable
{
    private readonly HoldfastFeatureOptions options;
    private readonly FollowedPrefix followed;
    private readonly Lock gate = new();
    private (KeyValues? Of, FeatureSet Set) read = (null, FeatureSet.None);

    /// <summary>Begins to follow the flags.</summary>
    /// <param name="client">Whom to ask; kept, not disposed.</param>
    /// <param name="options">Where to keep the last good flags.</param>
    public HoldfastFeatures(HoldfastClient client, HoldfastFeatureOptions? options = null)
    {
        const string Flags = "/flags/";
        this.options = options ?? new HoldfastFeatureOptions();
        followed = new FollowedPrefix(client, Flags, this.options.LastGoodFile is { } path ? new LastGoodFile(path, Flags) : null, null);
    }

    /// <summary>Why nothing new comes in just now; null when all is well.</summary>
    public string? Fault => followed.Fault;

    /// <summary>Whether a feature is on for a subject; off when there is no such flag.</summary>
    /// <param name="name">The flag's name.</param>
    /// <param name="subject">Who asks, such as a user's id.</param>
    /// <param name="valuesOf">The values of an attribute that rules may ask about, such as the groups of a user; empty when the subject does not have it.</param>
    /// <param name="cancel">Ends the wait for the first answer.</param>
    public async ValueTask<bool> IsOnAsync(string name, string subject = "", Func<string, IEnumerable<string>>? valuesOf = null, CancellationToken cancel = default) =>
        (await CurrentAsync(cancel).ConfigureAwait(false)).Flags.TryGetValue(name, out var flag) && flag.IsOnFor(name, subject, valuesOf ?? (static _ => []));

    /// <summary>All flags as they are now.</summary>
    public async ValueTask<FeatureSet> CurrentAsync(CancellationToken cancel = default)
    {
        if (followed.Current is null) await followed.UntilKnownAsync(options.StartPatience, cancel).ConfigureAwait(false);
        lock (gate)
        {
            if (followed.Current is { } current && !ReferenceEquals(current, read.Of)) read = (current, Read(current));
            return read.Set;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => followed.DisposeAsync();

    /// <inheritdoc/>
    public void Dispose() => followed.Dispose();

    private static FeatureSet Read(KeyValues values)
    {
        var flags = new Dictionary<string, FeatureFlag>(StringComparer.Ordinal);
        foreach (var (name, json) in values.Values)
            if (FeatureFlag.TryParse(json) is { } flag) flags[name] = flag;
        return new FeatureSet(values.Revision, flags.ToFrozenDictionary(StringComparer.Ordinal), values.IsFromFile);
    }
}
