using Microsoft.Extensions.Configuration;

namespace Holdfast.Client.Extensions;

/// <summary>
/// Configuration that follows the cluster. A change replaces all values at once and then raises the reload token, so that nobody sees half of it, and every process shows the same values at the same
/// <see cref="Revision"/>.
/// </summary>
public sealed class HoldfastConfigurationProvider : ConfigurationProvider, IDisposable
{
    private readonly HoldfastConfigurationSource source;
    private readonly Lock gate = new();
    private HoldfastClient? client;
    private FollowedPrefix? followed;

    /// <summary>A provider of what the source says; it asks nothing before <see cref="Load"/>.</summary>
    public HoldfastConfigurationProvider(HoldfastConfigurationSource source) => this.source = source;

    /// <summary>The revision of the values; 0 when there are none.</summary>
    public long Revision => followed?.Current?.Revision ?? 0;

    /// <summary>Whether the values are those of the file, because the cluster has not answered since this process started.</summary>
    public bool IsFromFile => followed?.Current?.IsFromFile ?? false;

    /// <summary>Why nothing new comes in just now; null when all is well.</summary>
    public string? Fault => followed?.Fault;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The cluster did not answer, and there are no last good values.</exception>
    public override void Load()
    {
        if (followed is not null) return; // Reloading by hand: it is up to date anyway.
        var prefix = "/config/" + source.Prefix;
        client = new HoldfastClient(source.Client);
        followed = new FollowedPrefix(client, prefix, source.LastGoodFile is { } path ? new LastGoodFile(path, prefix) : null, Show);
        var isKnown = followed.UntilKnownAsync(source.StartPatience, CancellationToken.None).GetAwaiter().GetResult();
        if (!isKnown && !source.IsOptional)
            throw new InvalidOperationException(
                $"no configuration: {string.Join(", ", source.Client.Endpoints)} did not answer within {source.StartPatience.TotalSeconds} s ({followed.Fault ?? "nobody is there"}), and there are no last good values{(source.LastGoodFile is { } file ? $" in {file}" : "; name a LastGoodFile to start without the cluster")}");
        Show();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        followed?.Dispose();
        client?.Dispose();
    }

    /// <summary>Replaces all values by the newest; without values nothing changes. Whoever loads shows them as well as whoever follows: neither puts older ones in the place of the other's.</summary>
    private void Show()
    {
        lock (gate)
        {
            if (followed?.Current is not { } values) return;
            var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
            foreach (var (name, value) in values.Values) data[name.Replace("/", ConfigurationPath.KeyDelimiter, StringComparison.Ordinal)] = value;
            Data = data;
        }

        OnReload();
    }
}
