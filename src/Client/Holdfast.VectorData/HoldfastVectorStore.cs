using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;

namespace Holdfast.VectorData;

/// <summary>Where a store finds its server.</summary>
public sealed record HoldfastVectorStoreOptions
{
    /// <summary>Any node's vector port.</summary>
    public required Uri Endpoint { get; init; }

    /// <summary>The key that is shown; empty for none.</summary>
    public string ApiKey { get; init; } = "";

    /// <summary>How many replicas a shard of a new collection is to have at least.</summary>
    public int ReplicationFactor { get; init; } = 1;

    /// <summary>Makes vectors of what is no vector, where a property has no generator of its own.</summary>
    public IEmbeddingGenerator? EmbeddingGenerator { get; init; }

    /// <summary>How long one request may take. Default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Holdfast's collections as a vector store.</summary>
public sealed class HoldfastVectorStore : VectorStore
{
    /// <summary>What this store says it is.</summary>
    internal const string SystemName = "holdfast";

    private readonly VectorsClient client;
    private readonly HoldfastVectorStoreOptions options;

    /// <summary>A store at an endpoint; nothing is asked yet.</summary>
    public HoldfastVectorStore(HoldfastVectorStoreOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        this.options = options;
        client = new VectorsClient(options);
    }

    /// <inheritdoc/>
    [RequiresDynamicCode("Records are read and written through their properties.")]
    [RequiresUnreferencedCode("Records are read and written through their properties.")]
    public override VectorStoreCollection<TKey, TRecord> GetCollection<TKey, TRecord>(string name, VectorStoreCollectionDefinition? definition = null) =>
        new HoldfastCollection<TKey, TRecord>(client, name, RecordModel.Of(typeof(TRecord), typeof(TKey), definition, options.EmbeddingGenerator), options.ReplicationFactor);

    /// <inheritdoc/>
    public override VectorStoreCollection<object, Dictionary<string, object?>> GetDynamicCollection(string name, VectorStoreCollectionDefinition definition) =>
        new HoldfastCollection<object, Dictionary<string, object?>>(client, name, RecordModel.OfDynamic(definition, options.EmbeddingGenerator), options.ReplicationFactor);

    /// <inheritdoc/>
    public override async IAsyncEnumerable<string> ListCollectionNamesAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var answer = await client.AskAsync(HttpMethod.Get, "/collections", null, cancellationToken).ConfigureAwait(false);
        foreach (var collection in answer.RootElement.GetProperty("result").GetProperty("collections").EnumerateArray()) yield return collection.GetProperty("name").GetString()!;
    }

    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(string name, CancellationToken cancellationToken = default) => client.ExistsAsync(name, cancellationToken);

    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(string name, CancellationToken cancellationToken = default) => client.DeleteAsync(name, cancellationToken);

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(VectorStoreMetadata)) return new VectorStoreMetadata { VectorStoreSystemName = SystemName, VectorStoreName = options.Endpoint.Authority };
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) client.Dispose();
        base.Dispose(disposing);
    }
}
