using System.Net;
using System.Text.Json;

namespace Holdfast.Rag.Store;

/// <summary>Questions that were answered, in a collection of their own beside the documents': a point a question, with its vector, how it was answered and from which version of the documents.</summary>
internal sealed class QuestionStore : IDisposable
{
    private readonly HttpClient http;
    private readonly string collection;

    /// <param name="server">Where the vectors face serves REST.</param>
    /// <param name="documents">The documents' collection.</param>
    /// <param name="key">The server's API key; null for none.</param>
    public QuestionStore(Uri server, string documents, string? key) => (http, collection) = (JsonCalls.ClientOf(server, key), "collections/" + Uri.EscapeDataString(documents + ".questions"));

    /// <summary>The nearest question that was answered so, from this version, and that is alike enough: its number, and how alike. Null where there is none.</summary>
    public async Task<(ulong Place, double Likeness)?> NearestAsync(ReadOnlyMemory<float> vector, string recipe, string version, double similarity, CancellationToken cancel)
    {
        try
        {
            using var found = await CallAsync(HttpMethod.Post, "/points/query", writer =>
            {
                writer.WriteVector("query", vector.Span);
                writer.WriteNumber("limit", 1);
                writer.WriteNumber("score_threshold", similarity);
                writer.WriteStartObject("filter");
                writer.WriteStartArray("must");
                WriteMatch(writer, "recipe", recipe);
                WriteMatch(writer, "version", version);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }, cancel);
            var points = found.RootElement.GetProperty("result").GetProperty("points");
            return points.GetArrayLength() == 0 ? null : (points[0].GetProperty("id").GetUInt64(), points[0].GetProperty("score").GetDouble());
        }
        catch (HttpRequestException absent) when (absent.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Puts a question at its number; the collection is made with the first, and anew when questions have vectors of another length.</summary>
    public async Task PutAsync(ulong place, ReadOnlyMemory<float> vector, string recipe, string version, CancellationToken cancel)
    {
        try
        {
            await WriteAsync(place, vector, recipe, version, cancel);
        }
        catch (HttpRequestException refused) when (refused.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.BadRequest)
        {
            await MakeAsync(vector.Length, cancel);
            await WriteAsync(place, vector, recipe, version, cancel);
        }
    }

    public void Dispose() => http.Dispose();

    private async Task MakeAsync(int dimensions, CancellationToken cancel)
    {
        (await CallAsync(HttpMethod.Delete, "", null, cancel)).Dispose();
        (await CallAsync(HttpMethod.Put, "", writer =>
        {
            writer.WriteStartObject("vectors");
            writer.WriteNumber("size", dimensions);
            writer.WriteString("distance", "Cosine");
            writer.WriteEndObject();
        }, cancel)).Dispose();
        foreach (var field in (string[])["recipe", "version"])
        {
            (await CallAsync(HttpMethod.Put, "/index?wait=true", writer =>
            {
                writer.WriteString("field_name", field);
                writer.WriteString("field_schema", "keyword");
            }, cancel)).Dispose();
        }
    }

    private async Task WriteAsync(ulong place, ReadOnlyMemory<float> vector, string recipe, string version, CancellationToken cancel) => (await CallAsync(HttpMethod.Put, "/points?wait=true", writer =>
    {
        writer.WriteStartArray("points");
        writer.WriteStartObject();
        writer.WriteNumber("id", place);
        writer.WriteVector("vector", vector.Span);
        writer.WriteStartObject("payload");
        writer.WriteString("recipe", recipe);
        writer.WriteString("version", version);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
    }, cancel)).Dispose();

    private static void WriteMatch(Utf8JsonWriter writer, string field, string value)
    {
        writer.WriteStartObject();
        writer.WriteString("key", field);
        writer.WriteStartObject("match");
        writer.WriteString("value", value);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private Task<JsonDocument> CallAsync(HttpMethod method, string path, Action<Utf8JsonWriter>? body, CancellationToken cancel) => JsonCalls.SendAsync(http, method, collection + path, body, cancel);
}
