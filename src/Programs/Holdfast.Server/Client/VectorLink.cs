using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Holdfast.Server.Client;

/// <summary>The vectors face refused what it was asked; the message is its own.</summary>
internal sealed class VectorsRefusedException(int status, string message) : Exception(message)
{
    /// <summary>The HTTP status.</summary>
    public int Status => status;
}

/// <summary>Asks the REST door of the vectors face.</summary>
internal sealed class VectorLink : IDisposable
{
    private readonly HttpClient http;

    /// <summary>A link to a door.</summary>
    /// <param name="server">Where it is.</param>
    /// <param name="key">The API key; empty for none.</param>
    public VectorLink(Uri server, string key)
    {
        http = new HttpClient { BaseAddress = server };
        if (key.Length > 0) http.DefaultRequestHeaders.Add("api-key", key);
    }

    /// <summary>Asks, and gives the result.</summary>
    /// <exception cref="VectorsRefusedException">It was refused.</exception>
    public async Task<JsonElement> AskAsync(string method, string path, string? body, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await http.SendAsync(request, stop);
        var text = await response.Content.ReadAsStringAsync(stop);
        if (!text.StartsWith('{')) throw new VectorsRefusedException((int)response.StatusCode, text.Length > 0 ? text : $"the answer was {(int)response.StatusCode} and empty");
        using var document = JsonDocument.Parse(text);
        if (response.IsSuccessStatusCode) return document.RootElement.GetProperty("result").Clone();
        throw new VectorsRefusedException((int)response.StatusCode, document.RootElement.TryGetProperty("status", out var status) && status.ValueKind == JsonValueKind.Object ? status.GetProperty("error").GetString()! : text);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();
}
