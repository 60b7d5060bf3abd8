using System.Linq.Expressions;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace Holdfast.VectorData;

/// <summary>A collection's records. Vectors are named by their properties.</summary>
/// <typeparam name="TKey">A record's key: <c>ulong</c> or <c>Guid</c>, or <c>object</c> where records have no type of their own.</typeparam>
/// <typeparam name="TRecord">The records' type.</typeparam>
public sealed class HoldfastCollection<TKey, TRecord> : VectorStoreCollection<TKey, TRecord>, IKeywordHybridSearchable<TRecord>
    where TKey : notnull
    where TRecord : class
{
    private const int RecordsPerRequest = 256;

    /// <summary>Records that each half of a hybrid search finds at least: ranks of a few say little.</summary>
    private const int HybridCandidatesMin = 50;

    private readonly VectorsClient client;
    private readonly CollectionModel model;
    private readonly int replicas;

    internal HoldfastCollection(VectorsClient client, string name, CollectionModel model, int replicas) => (this.client, Name, this.model, this.replicas) = (client, name, model, replicas);

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override Task<bool> CollectionExistsAsync(CancellationToken cancellationToken = default) => client.ExistsAsync(Name, cancellationToken);

    /// <inheritdoc/>
    public override async Task EnsureCollectionExistsAsync(CancellationToken cancellationToken = default)
    {
        if (await client.ExistsAsync(Name, cancellationToken).ConfigureAwait(false))
        {
            await EnsureWordsAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        try
        {
            using var made = await client.AskAsync(HttpMethod.Put, VectorsClient.PathOf(Name, ""), RecordJson.Body(writer => CollectionSchema.Write(writer, model, replicas)), cancellationToken).ConfigureAwait(false);
        }
        catch (VectorStoreException refused) when (refused.Message.Contains("already exists", StringComparison.Ordinal))
        {
            // Somebody else made it meanwhile.
        }

        foreach (var property in model.DataProperties.Where(property => property.IsIndexed || property.IsFullTextIndexed))
        {
            var body = RecordJson.Body(writer =>
            {
                writer.WriteString("field_name", property.StorageName);
                writer.WriteString("field_schema", CollectionSchema.IndexOf(property));
            });
            using var indexed = await client.AskAsync(HttpMethod.Put, VectorsClient.PathOf(Name, "/index"), body, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override Task EnsureCollectionDeletedAsync(CancellationToken cancellationToken = default) => client.DeleteAsync(Name, cancellationToken);

    /// <inheritdoc/>
    public override async Task<TRecord?> GetAsync(TKey key, RecordRetrievalOptions? options = null, CancellationToken cancellationToken = default)
    {
        await foreach (var record in GetAsync([key], options, cancellationToken).ConfigureAwait(false)) return record;
        return null;
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TRecord> GetAsync(IEnumerable<TKey> keys, RecordRetrievalOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var hasVectors = WantsVectors(options?.IncludeVectors);
        foreach (var part in keys.Chunk(RecordsPerRequest))
        {
            var body = RecordJson.Body(writer =>
            {
                writer.WritePropertyName("ids");
                RecordJson.WriteValue(writer, part);
                writer.WriteBoolean("with_vector", hasVectors);
            });
            using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points"), body, cancellationToken).ConfigureAwait(false);
            foreach (var point in answer.RootElement.GetProperty("result").EnumerateArray()) yield return RecordJson.ReadPoint<TRecord>(model, point, hasVectors);
        }
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<TRecord> GetAsync(Expression<Func<TRecord, bool>> filter, int top, FilteredRecordRetrievalOptions<TRecord>? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        var skip = options?.Skip ?? 0;
        var order = options?.OrderBy?.Invoke(new FilteredRecordRetrievalOptions<TRecord>.OrderByDefinition()).Values.ToArray() ?? [];
        if (order.Length > 1) throw new NotSupportedException("records are put in order by one property");
        var orderedBy = order.Length == 0 ? null : model.GetDataOrKeyProperty(order[0].PropertySelector);
        if (orderedBy is KeyPropertyModel && !order[0].Ascending) throw new NotSupportedException("records come in the order of their keys, and not in its reverse");
        var hasVectors = WantsVectors(options?.IncludeVectors);
        var body = RecordJson.Body(writer =>
        {
            writer.WritePropertyName("filter");
            new FilterWriter(writer).Write(filter, model);
            writer.WriteNumber("limit", top + skip);
            writer.WriteBoolean("with_vector", hasVectors);
            if (orderedBy is null or KeyPropertyModel) return;
            writer.WriteStartObject("order_by");
            writer.WriteString("key", orderedBy.StorageName);
            writer.WriteString("direction", order[0].Ascending ? "asc" : "desc");
            writer.WriteEndObject();
        });
        using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/scroll"), body, cancellationToken).ConfigureAwait(false);
        foreach (var point in answer.RootElement.GetProperty("result").GetProperty("points").EnumerateArray().Skip(skip)) yield return RecordJson.ReadPoint<TRecord>(model, point, hasVectors);
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(TKey key, CancellationToken cancellationToken = default) => DeleteAsync([key], cancellationToken);

    /// <inheritdoc/>
    public override async Task DeleteAsync(IEnumerable<TKey> keys, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (var part in keys.Chunk(RecordsPerRequest))
        {
            var body = RecordJson.Body(writer =>
            {
                writer.WritePropertyName("points");
                RecordJson.WriteValue(writer, part);
            });
            using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/delete"), body, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override Task UpsertAsync(TRecord record, CancellationToken cancellationToken = default) => UpsertAsync([record], cancellationToken);

    /// <inheritdoc/>
    public override async Task UpsertAsync(IEnumerable<TRecord> records, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(records);
        foreach (var part in records.Chunk(RecordsPerRequest))
        {
            if (model.KeyProperty.IsAutoGenerated)
                foreach (var record in part)
                    if (model.KeyProperty.GetValueAsObject(record) is not Guid id || id == Guid.Empty) model.KeyProperty.SetValueAsObject(record, Guid.NewGuid());
            var embedded = await EmbeddedAsync(part, cancellationToken).ConfigureAwait(false);
            var body = RecordJson.Body(writer =>
            {
                writer.WriteStartArray("points");
                for (var at = 0; at < part.Length; at++) RecordJson.WritePoint(writer, model, part[at], embedded[at]);
                writer.WriteEndArray();
            });
            using var answer = await client.AskAsync(HttpMethod.Put, VectorsClient.PathOf(Name, "/points"), body, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public override async IAsyncEnumerable<VectorSearchResult<TRecord>> SearchAsync<TInput>(TInput searchValue, int top, VectorSearchOptions<TRecord>? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        options ??= new VectorSearchOptions<TRecord>();
        var property = model.GetVectorPropertyOrSingle(options);
        if (!RecordJson.TryVector(searchValue, out var vector)) vector = VectorOf(await property.GenerateEmbeddingAsync(searchValue, cancellationToken).ConfigureAwait(false));
        var query = new RecordQuery(model, top, options.Skip, options.ScoreThreshold, WantsVectors(options.IncludeVectors), options.Filter);
        await foreach (var found in FindAsync(query, writer =>
        {
            writer.WritePropertyName("query");
            RecordJson.WriteVector(writer, vector);
            writer.WriteString("using", property.StorageName);
        }, cancellationToken).ConfigureAwait(false)) yield return found;
    }

    /// <summary>Records near a vector and records with these words, fused by their ranks. Words are found by BM25 in a property that was declared with full-text indexing.</summary>
    /// <inheritdoc/>
    public async IAsyncEnumerable<VectorSearchResult<TRecord>> HybridSearchAsync<TInput>(TInput searchValue, ICollection<string> keywords, int top, HybridSearchOptions<TRecord>? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where TInput : notnull
    {
        ArgumentNullException.ThrowIfNull(keywords);
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        options ??= new HybridSearchOptions<TRecord>();
        var property = model.GetVectorPropertyOrSingle(new VectorSearchOptions<TRecord> { VectorProperty = options.VectorProperty });
        var text = model.GetFullTextDataPropertyOrSingle(options.AdditionalProperty);
        if (!RecordJson.TryVector(searchValue, out var vector)) vector = VectorOf(await property.GenerateEmbeddingAsync(searchValue, cancellationToken).ConfigureAwait(false));
        var query = new RecordQuery(model, top, options.Skip, options.ScoreThreshold, WantsVectors(options.IncludeVectors), options.Filter);
        await foreach (var found in FindAsync(query, writer =>
        {
            writer.WriteStartArray("prefetch");
            WritePrefetch(writer, query, property.StorageName, () => RecordJson.WriteVector(writer, vector));
            WritePrefetch(writer, query, RecordJson.WordsOf(text), () => RecordJson.WriteWords(writer, string.Join(' ', keywords)));
            writer.WriteEndArray();
            writer.WriteStartObject("query");
            writer.WriteString("fusion", "rrf");
            writer.WriteEndObject();
        }, cancellationToken).ConfigureAwait(false)) yield return found;
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(VectorStoreCollectionMetadata)) return new VectorStoreCollectionMetadata { VectorStoreSystemName = HoldfastVectorStore.SystemName, CollectionName = Name };
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    private static float[] VectorOf(Embedding embedding) => embedding is Embedding<float> floats ? floats.Vector.ToArray() : throw new NotSupportedException($"vectors are of floats, and the generator gives {embedding.GetType().Name}");

    /// <summary>A collection that was made without words gets them; records that are there have them when they are written again.</summary>
    private async Task EnsureWordsAsync(CancellationToken cancel)
    {
        foreach (var property in CollectionSchema.TextsOf(model))
        {
            var body = RecordJson.Body(static writer =>
            {
                writer.WriteStartObject("sparse");
                writer.WriteString("modifier", "idf");
                writer.WriteEndObject();
            });
            using var made = await client.AskAsync(HttpMethod.Put, VectorsClient.PathOf(Name, $"/vectors/{Uri.EscapeDataString(RecordJson.WordsOf(property))}"), body, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>What both kinds of search do.</summary>
    /// <param name="query">What is asked for.</param>
    /// <param name="writeVectors">Writes by which vectors.</param>
    /// <param name="cancel">Gives up.</param>
    private async IAsyncEnumerable<VectorSearchResult<TRecord>> FindAsync(RecordQuery query, Action<Utf8JsonWriter> writeVectors, [EnumeratorCancellation] CancellationToken cancel)
    {
        var body = RecordJson.Body(writer =>
        {
            writeVectors(writer);
            query.Write(writer);
        });
        using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/query"), body, cancel).ConfigureAwait(false);
        foreach (var point in answer.RootElement.GetProperty("result").GetProperty("points").EnumerateArray())
            yield return new VectorSearchResult<TRecord>(RecordJson.ReadPoint<TRecord>(model, point, query.IncludeVectors), point.GetProperty("score").GetDouble());
    }

    /// <summary>Vectors that were made of something else are not that something.</summary>
    /// <exception cref="NotSupportedException">They are asked for.</exception>
    private bool WantsVectors(bool? included) => included == true && (model.EmbeddingGenerationRequired ? throw new NotSupportedException("vectors that a generator makes of a property's text cannot be read back into it: IncludeVectors is for records with vectors of their own") : true);

    /// <summary>One half of a hybrid search. It is filtered by itself: of candidates that do not count few might be left.</summary>
    private static void WritePrefetch(Utf8JsonWriter writer, RecordQuery query, string name, Action writeVector)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("query");
        writeVector();
        writer.WriteString("using", name);
        writer.WriteNumber("limit", Math.Max(query.Top + query.Skip, HybridCandidatesMin));
        query.WriteFilter(writer);
        writer.WriteEndObject();
    }

    /// <summary>Vectors of properties that hold something else, made by their generators for all records at once.</summary>
    private async Task<Dictionary<VectorPropertyModel, float[]>[]> EmbeddedAsync(TRecord[] records, CancellationToken cancel)
    {
        var embedded = records.Select(_ => new Dictionary<VectorPropertyModel, float[]>()).ToArray();
        foreach (var property in model.VectorProperties.Where(property => property.EmbeddingGenerationDispatcher is not null))
        {
            var made = await property.GenerateEmbeddingsAsync(records.Select(record => property.GetValueAsObject(record)), cancel).ConfigureAwait(false);
            for (var at = 0; at < records.Length; at++) embedded[at][property] = VectorOf(made[at]);
        }

        return embedded;
    }
}
