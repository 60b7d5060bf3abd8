using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.VectorData;

namespace Holdfast.VectorData;

/// <summary>The HTTP calls. Nothing is tried twice: whether a write that got no answer was done is not known.</summary>
internal sealed class VectorsClient : IDisposable
{
    private readonly HttpClient http;

    public VectorsClient(HoldfastVectorStoreOptions options)
    {
        http = new HttpClient { BaseAddress = options.Endpoint, Timeout = options.Timeout };
        if (options.ApiKey.Length > 0) http.DefaultRequestHeaders.Add("api-key", options.ApiKey);
    }

    /// <summary>Asks; the whole answer.</summary>
    /// <exception cref="VectorStoreException">It was refused, or there was no answer.</exception>
    public async Task<JsonDocument> AskAsync(HttpMethod method, string path, ReadOnlyMemory<byte>? body, CancellationToken cancel)
    {
        try
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is { } bytes) request.Content = new ReadOnlyMemoryContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            using var response = await http.SendAsync(request, cancel).ConfigureAwait(false);
            await using var stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return await JsonDocument.ParseAsync(stream, cancellationToken: cancel).ConfigureAwait(false);
            throw await RefusedAsync(method, path, response.StatusCode, stream, cancel).ConfigureAwait(false);
        }
        catch (Exception failed) when (failed is HttpRequestException or JsonException or IOException || (failed is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new VectorStoreException($"{method} {path}: {failed.Message}", failed) { VectorStoreSystemName = HoldfastVectorStore.SystemName, OperationName = $"{method} {path}" };
        }
    }

    /// <summary>Whether a collection is there.</summary>
    public async Task<bool> ExistsAsync(string name, CancellationToken cancel)
    {
        using var answer = await AskAsync(HttpMethod.Get, PathOf(name, "/exists"), null, cancel).ConfigureAwait(false);
        return answer.RootElement.GetProperty("result").GetProperty("exists").GetBoolean();
    }

    /// <summary>Deletes a collection; one that is not there is none the less deleted.</summary>
    public async Task DeleteAsync(string name, CancellationToken cancel)
    {
        using var answer = await AskAsync(HttpMethod.Delete, PathOf(name, ""), null, cancel).ConfigureAwait(false);
    }

    /// <summary>A collection's path.</summary>
    public static string PathOf(string collection, string rest) => $"/collections/{Uri.EscapeDataString(collection)}{rest}";

    public void Dispose() => http.Dispose();

    private static async Task<VectorStoreException> RefusedAsync(HttpMethod method, string path, HttpStatusCode status, Stream stream, CancellationToken cancel)
    {
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(cancel).ConfigureAwait(false);
        try
        {
            using var document = JsonDocument.Parse(text);
            text = document.RootElement.GetProperty("status").GetProperty("error").GetString() ?? text;
        }
        catch (Exception other) when (other is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Not the server's own words: they are shown as they came.
        }

        return new VectorStoreException($"{text} ({(int)status})") { VectorStoreSystemName = HoldfastVectorStore.SystemName, OperationName = $"{method} {path}" };
    }
}
