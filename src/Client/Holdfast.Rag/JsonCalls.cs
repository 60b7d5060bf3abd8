using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Holdfast.Rag;

/// <summary>JSON in, JSON out, over HTTP; what a server refuses becomes an exception with its own words.</summary>
internal static class JsonCalls
{
    private const int ShownMax = 400;

    /// <summary>A client of the vectors face.</summary>
    /// <param name="server">Where it serves REST.</param>
    /// <param name="key">The server's API key; null for none.</param>
    public static HttpClient ClientOf(Uri server, string? key)
    {
        var http = new HttpClient { BaseAddress = new Uri(server.AbsoluteUri.TrimEnd('/') + "/"), Timeout = TimeSpan.FromMinutes(1) };
        if (key is not null) http.DefaultRequestHeaders.Add("api-key", key);
        return http;
    }

    /// <summary>A vector as a member of an object.</summary>
    public static void WriteVector(this Utf8JsonWriter writer, string name, ReadOnlySpan<float> vector)
    {
        writer.WriteStartArray(name);
        foreach (var part in vector) writer.WriteNumberValue(part);
        writer.WriteEndArray();
    }

    /// <summary>Asks.</summary>
    /// <param name="http">With the server's address.</param>
    /// <param name="method">GET, PUT, POST.</param>
    /// <param name="path">Below that address.</param>
    /// <param name="body">Writes the members of the body's object; null for no body.</param>
    /// <param name="cancel">Gives up.</param>
    /// <exception cref="HttpRequestException">It does not answer, or not with a success.</exception>
    public static async Task<JsonDocument> SendAsync(HttpClient http, HttpMethod method, string path, Action<Utf8JsonWriter>? body, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            var bytes = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(bytes))
            {
                writer.WriteStartObject();
                body(writer);
                writer.WriteEndObject();
            }

            request.Content = new ReadOnlyMemoryContent(bytes.WrittenMemory) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        }

        using var response = await http.SendAsync(request, cancel);
        var answer = await response.Content.ReadAsByteArrayAsync(cancel);
        if (!response.IsSuccessStatusCode)
        {
            var said = System.Text.Encoding.UTF8.GetString(answer.AsSpan(0, Math.Min(answer.Length, ShownMax)));
            throw new HttpRequestException($"{method} {new Uri(http.BaseAddress!, path)} was refused ({(int)response.StatusCode}): {said}", null, response.StatusCode);
        }

        return JsonDocument.Parse(answer);
    }
}
