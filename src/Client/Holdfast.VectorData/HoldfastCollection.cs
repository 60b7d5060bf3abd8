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
            using var made = await client.AskAsync(HttpMethod.Put, VectorsClient.PathOf(Name, ""), RecordJson.Body(WriteConfiguration), cancellationToken).ConfigureAwait(false);
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
                writer.WriteString("field_schema", SchemaOf(property));
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
        foreach (var part in keys.Chunk(RecordsPerRequest))
        {
            var body = RecordJson.Body(writer =>
            {
                writer.WritePropertyName("ids");
                RecordJson.WriteValue(writer, part);
                writer.WriteBoolean("with_vector", options?.IncludeVectors == true);
            });
            using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points"), body, cancellationToken).ConfigureAwait(false);
            foreach (var point in answer.RootElement.GetProperty("result").EnumerateArray()) yield return RecordJson.ReadPoint<TRecord>(model, point, options?.IncludeVectors == true);
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
        var body = RecordJson.Body(writer =>
        {
            writer.WritePropertyName("filter");
            new FilterWriter(writer).Write(filter, model);
            writer.WriteNumber("limit", top + skip);
            writer.WriteBoolean("with_vector", options?.IncludeVectors == true);
            if (order.Length == 0) return;
            writer.WriteStartObject("order_by");
            writer.WriteString("key", model.GetDataOrKeyProperty(order[0].PropertySelector).StorageName);
            writer.WriteString("direction", order[0].Ascending ? "asc" : "desc");
            writer.WriteEndObject();
        });
        using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/scroll"), body, cancellationToken).ConfigureAwait(false);
        foreach (var point in answer.RootElement.GetProperty("result").GetProperty("points").EnumerateArray().Skip(skip)) yield return RecordJson.ReadPoint<TRecord>(model, point, options?.IncludeVectors == true);
    }

    /// <inheritdoc/>
    public override Task DeleteAsync(TKey key, CancellationToken cancellationToken = default) => DeleteAsync([key], cancellationToken);

    /// <inheritdoc/>
    public override async Task DeleteAsync(IEnumerable<TKey> keys, CancellationToken cancellationToken = default)
    {
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
        foreach (var part in records.Chunk(RecordsPerRequest))
        {
            foreach (var record in part)
                if (model.KeyProperty.IsAutoGenerated && model.KeyProperty.GetValueAsObject(record) is Guid { } id && id == Guid.Empty) model.KeyProperty.SetValueAsObject(record, Guid.NewGuid());
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
        var body = RecordJson.Body(writer =>
        {
            writer.WritePropertyName("query");
            RecordJson.WriteVector(writer, vector);
            writer.WriteString("using", property.StorageName);
            writer.WriteNumber("limit", top);
            if (options.Skip > 0) writer.WriteNumber("offset", options.Skip);
            if (options.ScoreThreshold is { } threshold) writer.WriteNumber("score_threshold", threshold);
            writer.WriteBoolean("with_payload", true);
            writer.WriteBoolean("with_vector", options.IncludeVectors);
            if (options.Filter is null) return;
            writer.WritePropertyName("filter");
            new FilterWriter(writer).Write(options.Filter, model);
        });
        using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/query"), body, cancellationToken).ConfigureAwait(false);
        foreach (var point in answer.RootElement.GetProperty("result").GetProperty("points").EnumerateArray())
            yield return new VectorSearchResult<TRecord>(RecordJson.ReadPoint<TRecord>(model, point, options.IncludeVectors), point.GetProperty("score").GetDouble());
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
        var fused = Math.Max(top + options.Skip, HybridCandidatesMin);
        var body = RecordJson.Body(writer =>
        {
            writer.WriteStartArray("prefetch");
            WritePrefetch(writer, property.StorageName, fused, () => RecordJson.WriteVector(writer, vector));
            WritePrefetch(writer, RecordJson.WordsOf(text), fused, () => RecordJson.WriteWords(writer, string.Join(' ', keywords)));
            writer.WriteEndArray();
            writer.WriteStartObject("query");
            writer.WriteString("fusion", "rrf");
            writer.WriteEndObject();
            writer.WriteNumber("limit", top);
            if (options.Skip > 0) writer.WriteNumber("offset", options.Skip);
            if (options.ScoreThreshold is { } threshold) writer.WriteNumber("score_threshold", threshold);
            writer.WriteBoolean("with_payload", true);
            writer.WriteBoolean("with_vector", options.IncludeVectors);
            if (options.Filter is null) return;
            writer.WritePropertyName("filter");
            new FilterWriter(writer).Write(options.Filter, model);
        });
        using var answer = await client.AskAsync(HttpMethod.Post, VectorsClient.PathOf(Name, "/points/query"), body, cancellationToken).ConfigureAwait(false);
        foreach (var point in answer.RootElement.GetProperty("result").GetProperty("points").EnumerateArray())
            yield return new VectorSearchResult<TRecord>(RecordJson.ReadPoint<TRecord>(model, point, options.IncludeVectors), point.GetProperty("score").GetDouble());
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

    private void WriteConfiguration(Utf8JsonWriter writer)
    {
        writer.WriteNumber("replication_factor", replicas);
        writer.WriteStartObject("vectors");
        foreach (var property in model.VectorProperties)
        {
            writer.WriteStartObject(property.StorageName);
            writer.WriteNumber("size", property.Dimensions);
            writer.WriteString("distance", property.DistanceFunction switch
            {
                null or DistanceFunction.CosineSimilarity => "Cosine",
                DistanceFunction.DotProductSimilarity => "Dot",
                DistanceFunction.EuclideanDistance => "Euclid",
                DistanceFunction.ManhattanDistance => "Manhattan",
                var other => throw new NotSupportedException($"{property.ModelName} asks for {other}: CosineSimilarity, DotProductSimilarity, EuclideanDistance and ManhattanDistance are known"),
            });
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        if (!TextProperties.Any()) return;
        writer.WriteStartObject("sparse_vectors");
        foreach (var property in TextProperties)
        {
            writer.WriteStartObject(RecordJson.WordsOf(property));
            writer.WriteString("modifier", "idf");
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private IEnumerable<DataPropertyModel> TextProperties => model.DataProperties.Where(property => property.IsFullTextIndexed && property.Type == typeof(string));

    /// <summary>A collection that was made without words gets them; records that are there have them when they are written again.</summary>
    private async Task EnsureWordsAsync(CancellationToken cancel)
    {
        foreach (var property in TextProperties)
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

    private static void WritePrefetch(Utf8JsonWriter writer, string name, int limit, Action writeQuery)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("query");
        writeQuery();
        writer.WriteString("using", name);
        writer.WriteNumber("limit", limit);
        writer.WriteEndObject();
    }

    private static string SchemaOf(DataPropertyModel property)
    {
        if (property.IsFullTextIndexed) return "text";
        var type = RecordModel.ElementOf(property.Type) ?? property.Type;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(bool)) return "bool";
        if (type == typeof(int) || type == typeof(long)) return "integer";
        if (type == typeof(float) || type == typeof(double)) return "float";
        if (type == typeof(DateTime) || type == typeof(DateTimeOffset)) return "datetime";
        return type == typeof(Guid) ? "uuid" : "keyword";
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
