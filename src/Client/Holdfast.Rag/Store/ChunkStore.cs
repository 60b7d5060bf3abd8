using System.Globalization;
using System.Net;
using System.Text.Json;
using Holdfast.Rag.Documents;
using Holdfast.Rag.Embedding;

namespace Holdfast.Rag.Store;

/// <summary>
/// Chunks in a collection of the vectors face, over its REST API: a dense vector and the words of each, with the document's name, content hash and text as payload. Everything is in the collection, so any
/// node, and any machine, goes on where another stopped.
/// </summary>
internal sealed class ChunkStore : IDisposable
{
    private const string Dense = "dense";
    private const string Sparse = "words";
    private const int PageSize = 500;
    private const int BatchSize = 64;

    /// <summary>The point that keeps the word statistics. It has no vectors, so no query finds it.</summary>
    private static readonly Guid StatisticsId = new("00000000-0000-0000-0000-000000000001");

    private readonly HttpClient http;
    private readonly string collection;

    /// <param name="server">Where the vectors face serves REST.</param>
    /// <param name="collection">The collection's name.</param>
    /// <param name="key">The server's API key; null for none.</param>
    public ChunkStore(Uri server, string collection, string? key)
    {
        this.collection = "collections/" + Uri.EscapeDataString(collection);
        http = JsonCalls.ClientOf(server, key);
    }

    /// <summary>Creates the collection where it is not there. One of another vector length is refused: its embedder was another.</summary>
    public async Task EnsureAsync(int dimensions, CancellationToken cancel)
    {
        try
        {
            using var found = await CallAsync(HttpMethod.Get, "", null, cancel);
            var vectors = found.RootElement.GetProperty("result").GetProperty("config").GetProperty("params").GetProperty("vectors");
            var size = vectors.TryGetProperty(Dense, out var dense) ? dense.GetProperty("size").GetInt32() : -1;
            if (size != dimensions)
                throw new ArgumentException($"{collection} was made for {(size < 0 ? "something else" : size.ToString(CultureInfo.InvariantCulture) + "-dimensional vectors")}; this embedder's have {dimensions}. Name another collection.");
            return;
        }
        catch (HttpRequestException absent) when (absent.StatusCode == HttpStatusCode.NotFound)
        {
        }

        (await CallAsync(HttpMethod.Put, "", writer =>
        {
            writer.WriteStartObject("vectors");
            writer.WriteStartObject(Dense);
            writer.WriteNumber("size", dimensions);
            writer.WriteString("distance", "Cosine");
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteStartObject("sparse_vectors");
            writer.WriteStartObject(Sparse);
            writer.WriteString("modifier", "idf");
            writer.WriteEndObject();
            writer.WriteEndObject();
        }, cancel)).Dispose();
        (await CallAsync(HttpMethod.Put, "/index?wait=true", static writer =>
        {
            writer.WriteString("field_name", "source");
            writer.WriteString("field_schema", "keyword");
        }, cancel)).Dispose();
    }

    /// <summary>All documents that are in the collection, by source.</summary>
    public async Task<Dictionary<string, KnownDocument>> DocumentsAsync(CancellationToken cancel)
    {
        var rows = new Dictionary<string, List<(Guid Id, string Hash, string Embedder, int Count)>>(StringComparer.Ordinal);
        await foreach (var (id, payload) in ScrollAsync(null, ["source", "content_hash", "embedder", "chunks"], cancel))
        {
            if (!payload.TryGetProperty("source", out var source)) continue;
            if (!rows.TryGetValue(source.GetString()!, out var of)) rows.Add(source.GetString()!, of = []);
            of.Add((id, payload.GetProperty("content_hash").GetString()!, payload.GetProperty("embedder").GetString()!, payload.GetProperty("chunks").GetInt32()));
        }

        return rows.ToDictionary(static row => row.Key, static row =>
        {
            var (_, hash, embedder, count) = row.Value[0];
            var isWhole = count == row.Value.Count && row.Value.TrueForAll(each => each.Hash == hash && each.Embedder == embedder);
            return new KnownDocument(isWhole ? hash : "", embedder, row.Value.Select(static each => each.Id).ToHashSet());
        }, StringComparer.Ordinal);
    }

    /// <summary>The texts of a document's chunks, as they were embedded.</summary>
    public async Task<Dictionary<Guid, string>> TextsOfAsync(string source, CancellationToken cancel)
    {
        var texts = new Dictionary<Guid, string>();
        await foreach (var (id, payload) in ScrollAsync(source, ["heading", "text"], cancel))
            texts.Add(id, new Chunks.Chunk(0, payload.GetProperty("heading").GetString()!, payload.GetProperty("text").GetString()!).Embedded);
        return texts;
    }

    /// <summary>Writes chunks; those of the same id are replaced. When this returns they are on a quorum's disks.</summary>
    public async Task PutAsync(SourceDocument document, string embedder, int count, IEnumerable<StoredChunk> chunks, CancellationToken cancel)
    {
        foreach (var batch in chunks.Chunk(BatchSize))
        {
            (await CallAsync(HttpMethod.Put, "/points?wait=true", writer =>
            {
                writer.WriteStartArray("points");
                foreach (var chunk in batch) WritePoint(writer, document, embedder, count, chunk);
                writer.WriteEndArray();
            }, cancel)).Dispose();
        }
    }

    /// <summary>Chunks that stay have a new place in their document, and its new hash.</summary>
    public async Task KeepAsync(SourceDocument document, string embedder, int count, IEnumerable<(Guid Id, Chunks.Chunk Chunk)> kept, CancellationToken cancel)
    {
        foreach (var (id, chunk) in kept)
        {
            // Not to wait is not to be told that somebody took the chunk out meanwhile: then the document is not whole, and the next ingestion mends it.
            (await CallAsync(HttpMethod.Put, "/points/payload", writer =>
            {
                writer.WriteStartObject("payload");
                WritePayload(writer, document, embedder, count, chunk);
                writer.WriteEndObject();
                writer.WriteStartArray("points");
                writer.WriteStringValue(id);
                writer.WriteEndArray();
            }, cancel)).Dispose();
        }
    }

    /// <summary>Removes points.</summary>
    public async Task RemoveAsync(IEnumerable<Guid> ids, CancellationToken cancel)
    {
        foreach (var batch in ids.Chunk(PageSize))
        {
            (await CallAsync(HttpMethod.Post, "/points/delete?wait=true", writer =>
            {
                writer.WriteStartArray("points");
                foreach (var id in batch) writer.WriteStringValue(id);
                writer.WriteEndArray();
            }, cancel)).Dispose();
        }
    }

    /// <summary>The word statistics, and which edition of the documents they are of; empty where none were kept.</summary>
    public async Task<(WordStatistics Statistics, string Edition)> StatisticsAsync(CancellationToken cancel)
    {
        using var found = await CallAsync(HttpMethod.Post, "/points", static writer =>
        {
            writer.WriteStartArray("ids");
            writer.WriteStringValue(StatisticsId);
            writer.WriteEndArray();
            writer.WriteBoolean("with_payload", true);
        }, cancel);
        var points = found.RootElement.GetProperty("result");
        if (points.GetArrayLength() == 0 || !points[0].GetProperty("payload").TryGetProperty("statistics", out var kept)) return (new WordStatistics(), "");
        return (WordStatistics.Decode(kept.GetBytesFromBase64()), points[0].GetProperty("payload").TryGetProperty("edition", out var edition) ? edition.GetString()! : "");
    }

    /// <summary>Keeps the word statistics, as those of a new edition.</summary>
    public async Task KeepAsync(WordStatistics statistics, CancellationToken cancel) => (await CallAsync(HttpMethod.Put, "/points?wait=true", writer =>
    {
        writer.WriteStartArray("points");
        writer.WriteStartObject();
        writer.WriteString("id", StatisticsId);
        writer.WriteStartObject("vector");
        writer.WriteEndObject();
        writer.WriteStartObject("payload");
        writer.WriteBase64String("statistics", statistics.Encode());
        writer.WriteString("edition", Guid.NewGuid());
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }, cancel)).Dispose();

    /// <summary>
    /// How far each shard's log has come, by a strong read: two equal answers mean that nothing was written between. Empty where the server does not tell. Positions begin anew in a collection that is made anew;
    /// the edition tells those apart.
    /// </summary>
    public async Task<string> PositionsAsync(CancellationToken cancel)
    {
        using var counted = await CallAsync(HttpMethod.Post, "/points/count?explain=true", static writer => writer.WriteBoolean("exact", true), cancel);
        if (!counted.RootElement.TryGetProperty("explain", out var explain) || explain.GetProperty("consistency").GetString() != "strong") return "";
        return string.Join(',', explain.GetProperty("stages").EnumerateArray().Select(static stage => (Shard: stage.GetProperty("shard").GetInt32(), Applied: stage.GetProperty("applied").GetUInt64())).Order().Select(static stage => $"{stage.Shard}:{stage.Applied}"));
    }

    /// <summary>The best chunks by both vectors, fused by reciprocal ranks.</summary>
    /// <param name="dense">The question's embedding; all zero where it says nothing.</param>
    /// <param name="words">The question's words.</param>
    /// <param name="limit">How many.</param>
    /// <param name="cancel">Gives up.</param>
    public async Task<IReadOnlyList<FoundChunk>> FindAsync(ReadOnlyMemory<float> dense, (uint[] Indices, float[] Values) words, int limit, CancellationToken cancel)
    {
        using var found = await CallAsync(HttpMethod.Post, "/points/query", writer =>
        {
            writer.WriteStartArray("prefetch");
            if (dense.Span.ContainsAnyExcept(0f))
            {
                writer.WriteStartObject();
                writer.WriteVector("query", dense.Span);
                writer.WriteString("using", Dense);
                writer.WriteNumber("limit", limit * 4);
                writer.WriteEndObject();
            }

            if (words.Indices.Length > 0)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("query");
                WriteSparse(writer, words);
                writer.WriteString("using", Sparse);
                writer.WriteNumber("limit", limit * 4);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartObject("query");
            writer.WriteString("fusion", "rrf");
            writer.WriteEndObject();
            writer.WriteNumber("limit", limit);
            writer.WriteBoolean("with_payload", true);
        }, cancel);
        return [.. found.RootElement.GetProperty("result").GetProperty("points").EnumerateArray().Select(static point =>
        {
            var payload = point.GetProperty("payload");
            string Of(string name) => payload.GetProperty(name).GetString()!;
            return new FoundChunk(Of("source"), Of("title"), Of("heading"), Of("text"), point.GetProperty("score").GetDouble());
        })];
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static void WritePoint(Utf8JsonWriter writer, SourceDocument document, string embedder, int count, StoredChunk stored)
    {
        writer.WriteStartObject();
        writer.WriteString("id", stored.Id);
        writer.WriteStartObject("vector");
        if (stored.Dense.Span.ContainsAnyExcept(0f)) writer.WriteVector(Dense, stored.Dense.Span);
        writer.WritePropertyName(Sparse);
        WriteSparse(writer, SparseWords.OfChunk(stored.Chunk.Embedded));
        writer.WriteEndObject();
        writer.WriteStartObject("payload");
        WritePayload(writer, document, embedder, count, stored.Chunk);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WritePayload(Utf8JsonWriter writer, SourceDocument document, string embedder, int count, Chunks.Chunk chunk)
    {
        writer.WriteString("source", document.Source);
        writer.WriteString("title", document.Title);
        writer.WriteString("content_hash", document.ContentHash);
        writer.WriteString("embedder", embedder);
        writer.WriteNumber("chunks", count);
        writer.WriteNumber("ordinal", chunk.Ordinal);
        writer.WriteString("heading", chunk.Heading);
        writer.WriteString("text", chunk.Text);
    }

    private static void WriteSparse(Utf8JsonWriter writer, (uint[] Indices, float[] Values) vector)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("indices");
        foreach (var index in vector.Indices) writer.WriteNumberValue(index);
        writer.WriteEndArray();
        writer.WriteVector("values", vector.Values);
        writer.WriteEndObject();
    }

    private async IAsyncEnumerable<(Guid Id, JsonElement Payload)> ScrollAsync(string? source, string[] fields, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        JsonElement? offset = null; // Text or a number: whatever others keep in the collection stands before the chunks.
        do
        {
            using var page = await CallAsync(HttpMethod.Post, "/points/scroll", writer =>
            {
                writer.WriteNumber("limit", PageSize);
                if (offset is { } from)
                {
                    writer.WritePropertyName("offset");
                    from.WriteTo(writer);
                }

                writer.WriteStartArray("with_payload");
                foreach (var field in fields) writer.WriteStringValue(field);
                writer.WriteEndArray();
                if (source is not null) WriteSourceFilter(writer, source);
            }, cancel);
            var result = page.RootElement.GetProperty("result");
            foreach (var point in result.GetProperty("points").EnumerateArray())
                if (point.GetProperty("id").ValueKind == JsonValueKind.String && point.GetProperty("id").TryGetGuid(out var id) && point.GetProperty("payload").ValueKind == JsonValueKind.Object) yield return (id, point.GetProperty("payload"));
            var next = result.GetProperty("next_page_offset");
            offset = next.ValueKind == JsonValueKind.Null ? null : next.Clone();
        }
        while (offset is not null);
    }

    private static void WriteSourceFilter(Utf8JsonWriter writer, string source)
    {
        writer.WriteStartObject("filter");
        writer.WriteStartArray("must");
        writer.WriteStartObject();
        writer.WriteString("key", "source");
        writer.WriteStartObject("match");
        writer.WriteString("value", source);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private Task<JsonDocument> CallAsync(HttpMethod method, string path, Action<Utf8JsonWriter>? body, CancellationToken cancel) => JsonCalls.SendAsync(http, method, collection + path, body, cancel);
}
