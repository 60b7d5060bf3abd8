using System.Net.Http.Headers;
using System.Text.Json;
using Holdfast.Rag.Store;

namespace Holdfast.Rag.Answers;

/// <summary>
/// Orders passages again by a model that reads question and passage together: any server that speaks the protocol of rerankers as Cohere, Jina and vLLM do (<c>POST …/rerank</c> with query and documents; indexes
/// and scores come back).
/// </summary>
public sealed class ModelRanking : IPassageRanking
{
    private readonly HttpClient http;
    private readonly string model;

    /// <param name="baseUrl">With /v1 where the server wants it.</param>
    /// <param name="model">The model's name there.</param>
    /// <param name="key">A bearer token; null for none.</param>
    /// <param name="name">What tells the model from any other; null for the server's address and the model's name.</param>
    public ModelRanking(Uri baseUrl, string model, string? key, string? name = null)
    {
        Name = name ?? $"{baseUrl.Authority}/{model}";
        this.model = model;
        http = new HttpClient { BaseAddress = new Uri(baseUrl.AbsoluteUri.TrimEnd('/') + "/"), Timeout = TimeSpan.FromMinutes(2) };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <summary>The passages that the model scores highest, best first. Those that it does not mention are left out.</summary>
    /// <exception cref="HttpRequestException">It does not answer, or with something else.</exception>
    public async Task<IReadOnlyList<FoundChunk>> OfAsync(string question, IReadOnlyList<FoundChunk> found, int limit, CancellationToken cancel)
    {
        if (found.Count == 0) return found;
        using var answer = await JsonCalls.SendAsync(http, HttpMethod.Post, "rerank", writer =>
        {
            writer.WriteString("model", model);
            writer.WriteString("query", question);
            writer.WriteStartArray("documents");
            foreach (var chunk in found) writer.WriteStringValue(chunk.Ranked);
            writer.WriteEndArray();
            writer.WriteNumber("top_n", Math.Min(limit, found.Count));
        }, cancel);
        try
        {
            return [.. answer.RootElement.GetProperty("results").EnumerateArray()
                .Select(static row => (Index: row.GetProperty("index").GetInt32(), Score: row.GetProperty("relevance_score").GetDouble()))
                .Where(row => row.Index >= 0 && row.Index < found.Count)
                .OrderByDescending(static row => row.Score)
                .DistinctBy(static row => row.Index)
                .Take(limit)
                .Select(row => found[row.Index])];
        }
        catch (Exception other) when (other is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HttpRequestException($"the reranker answered something else than results with index and relevance_score: {other.Message}", other);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();
}
