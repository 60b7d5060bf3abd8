using Microsoft.Extensions.Configuration;

namespace Holdfast.Client.Extensions;

/// <summary>The values at <c>/config/…</c> as configuration (R1.5): <c>/config/pool/size</c> is <c>pool:size</c>.</summary>
public sealed class HoldfastConfigurationSource : IConfigurationSource
{
    /// <summary>Where the cluster is. The provider has a client of its own, because configuration is built before anything else.</summary>
    public HoldfastClientOptions Client { get; set; } = new();

    /// <summary>Only names that begin so, which is then left out: with <c>shop/</c>, <c>/config/shop/pool</c> is <c>pool</c>. Empty takes all.</summary>
    public string Prefix { get; set; } = "";

    /// <summary>A file in which the last good values are kept, for a start while the cluster is away; null keeps none.</summary>
    public string? LastGoodFile { get; set; }

    /// <summary>For how long a start waits for the cluster before it takes the file's values: 5 seconds.</summary>
    public TimeSpan StartPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether to start without any values when the cluster is away and there is no file; else that is an error.</summary>
    public bool IsOptional { get; set; }

    /// <inheritdoc/>
    public IConfigurationProvider Build(IConfigurationBuilder builder) => new HoldfastConfigurationProvider(this);
}
