using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Holdfast.Rag.Embedding;

/// <summary>Any server that speaks OpenAI's embeddings protocol, by its base URL (…/v1).</summary>
public sealed class OpenAiEmbedder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly HttpClient http;
    private readonly string model;

    /// <param name="baseUrl">As clients of that protocol are given it, with /v1 where the server wants it.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="key">A bearer token; null for none.</param>
    public OpenAiEmbedder(Uri baseUrl, string model, string? key)
    {
        this.model = model;
        http = new HttpClient { BaseAddress = new Uri(baseUrl.AbsoluteUri.TrimEnd('/') + "/"), Timeout = TimeSpan.FromMinutes(2) };
        if (key is not null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    /// <inheritdoc/>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToList();
        using var answer = await JsonCalls.SendAsync(http, HttpMethod.Post, "embeddings", writer =>
        {
            writer.WriteString("model", model);
            writer.WriteStartArray("input");
            foreach (var text in texts) writer.WriteStringValue(text);
            writer.WriteEndArray();
        }, cancellationToken);
        var vectors = new Embedding<float>[texts.Count];
        foreach (var row in answer.RootElement.GetProperty("data").EnumerateArray())
            vectors[row.GetProperty("index").GetInt32()] = new Embedding<float>(row.GetProperty("embedding").EnumerateArray().Select(static each => each.GetSingle()).ToArray()) { ModelId = model };
        if (Array.Exists(vectors, static each => each is null)) throw new HttpRequestException($"the embedder answered {answer.RootElement.GetProperty("data").GetArrayLength()} vectors for {texts.Count} texts");
        return new GeneratedEmbeddings<Embedding<float>>(vectors);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("openai", http.BaseAddress, model)
        : serviceType.IsInstanceOfType(this) ? this : null;

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();
}
