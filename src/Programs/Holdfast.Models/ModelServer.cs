using System.Buffers;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Holdfast.Models;

/// <summary>The door: a few paths of OpenAI's and Cohere's protocols. Faults have OpenAI's shape.</summary>
internal sealed class ModelServer : IAsyncDisposable
{
    /// <summary>Where the key is that callers are to show, as a bearer token; without it anybody on this machine may ask.</summary>
    public const string KeyVariable = "HOLDFAST_MODEL_KEY";

    /// <summary>Texts of one request, as OpenAI bounds them.</summary>
    private const int TextsMax = 2048;

    private const long BodyBytesMax = 16 * 1024 * 1024;

    /// <summary>Requests that compute at once; others wait, and of connections there are no more than Kestrel is told.</summary>
    private const int RequestsAtOnce = 4;

    private const int ConnectionsMax = 256;

    private readonly ServedModels models;
    private readonly byte[] key;
    private readonly SemaphoreSlim turns = new(RequestsAtOnce);
    private readonly WebApplication door;

    private ModelServer(ServedModels models, IPEndPoint address, string key)
    {
        (this.models, this.key) = (models, SHA256.HashData(Encoding.UTF8.GetBytes(key)));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(address);
            (kestrel.AddServerHeader, kestrel.Limits.MaxRequestBodySize, kestrel.Limits.MaxConcurrentConnections) = (false, BodyBytesMax, ConnectionsMax);
        });
        door = builder.Build();
        door.Run(context => ServeAsync(context, key.Length > 0));
    }

    /// <summary>Where it listens.</summary>
    public string Address => new Uri(door.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority;

    /// <exception cref="IOException">The address is taken.</exception>
    public static async Task<ModelServer> StartAsync(ServedModels models, IPEndPoint address, string key, CancellationToken cancel)
    {
        var server = new ModelServer(models, address, key);
        await server.door.StartAsync(cancel);
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        await door.DisposeAsync();
        turns.Dispose();
    }

    private async Task ServeAsync(HttpContext context, bool isGuarded)
    {
        var cancel = context.RequestAborted;
        try
        {
            if (isGuarded && !CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(ShownBy(context.Request))), key)) throw new RefusedException(401, "the key is missing or wrong");
            switch (context.Request.Method, context.Request.Path.Value)
            {
                case ("GET", "/healthz"): await context.Response.WriteAsync("ok", cancel); break;
                case ("GET", "/v1/models"): await WriteAsync(context.Response, WriteModels, cancel); break;
                case ("POST", "/v1/embeddings"): await AnswerAsync(context, EmbedAsync); break;
                case ("POST", "/v1/rerank" or "/v2/rerank"): await AnswerAsync(context, RerankAsync); break;
                default: throw new RefusedException(404, $"there is no {context.Request.Method} {context.Request.Path}");
            }
        }
        catch (Exception fault) when (fault is RefusedException or JsonException or BadHttpRequestException)
        {
            context.Response.StatusCode = fault switch { RefusedException refused => refused.Status, BadHttpRequestException bad => bad.StatusCode, _ => 400 };
            await WriteAsync(context.Response, writer =>
            {
                writer.WriteStartObject("error");
                writer.WriteString("message", fault.Message);
                writer.WriteString("type", "invalid_request_error");
                writer.WriteEndObject();
            }, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The caller is gone: there is nobody to answer.
        }
    }

    private static string ShownBy(HttpRequest request) => request.Headers.Authorization.ToString() is var shown && shown.StartsWith("Bearer ", StringComparison.Ordinal) ? shown["Bearer ".Length..] : "";

    private async Task AnswerAsync(HttpContext context, Func<JsonElement, CancellationToken, Task<Action<Utf8JsonWriter>>> answer)
    {
        var cancel = context.RequestAborted;
        using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: cancel);
        if (body.RootElement.ValueKind != JsonValueKind.Object) throw new RefusedException(400, "the body is to be a JSON object");
        await turns.WaitAsync(cancel);
        Action<Utf8JsonWriter> write;
        try
        {
            write = await answer(body.RootElement, cancel);
        }
        finally
        {
            turns.Release();
        }

        await WriteAsync(context.Response, write, cancel);
    }

    private async Task<Action<Utf8JsonWriter>> EmbedAsync(JsonElement body, CancellationToken cancel)
    {
        var embedder = models.Embedder ?? throw new RefusedException(404, "no embedder is served here: --embed names one");
        CheckModel(body, models.EmbedderName);
        var texts = TextsOf(body, "input");
        var isBase64 = body.TryGetProperty("encoding_format", out var format) && format.ValueKind == JsonValueKind.String && format.GetString() == "base64";
        var vectors = await embedder.GenerateAsync(texts, cancellationToken: cancel);
        if (body.TryGetProperty("dimensions", out var wanted) && wanted.ValueKind == JsonValueKind.Number && (!wanted.TryGetInt32(out var size) || size != vectors[0].Vector.Length))
            throw new RefusedException(400, $"this model's vectors have {vectors[0].Vector.Length} dimensions, and no others can be had");
        return writer =>
        {
            writer.WriteString("object", "list");
            writer.WriteString("model", models.EmbedderName);
            writer.WriteStartArray("data");
            for (var i = 0; i < vectors.Count; i++) WriteVector(writer, i, vectors[i].Vector.Span, isBase64);
            writer.WriteEndArray();
        };
    }

    private async Task<Action<Utf8JsonWriter>> RerankAsync(JsonElement body, CancellationToken cancel)
    {
        var ranking = models.Ranking ?? throw new RefusedException(404, "no reranker is served here: --rerank names one");
        CheckModel(body, ranking.Name);
        if (!body.TryGetProperty("query", out var query) || query.ValueKind != JsonValueKind.String) throw new RefusedException(400, "query is to be a string");
        var documents = TextsOf(body, "documents");
        var limit = body.TryGetProperty("top_n", out var most) && most.TryGetInt32(out var said) ? said : documents.Count;
        var scores = await ranking.ScoresAsync(query.GetString()!, documents, cancel);
        return writer =>
        {
            writer.WriteString("model", ranking.Name);
            writer.WriteStartArray("results");
            foreach (var (index, score) in scores.Index().OrderByDescending(static each => each.Item).Take(Math.Max(limit, 0)))
            {
                writer.WriteStartObject();
                writer.WriteNumber("index", index);
                writer.WriteNumber("relevance_score", score);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        };
    }

    /// <summary>A model that is asked for by a name that is not the served one's would be answered with vectors of another.</summary>
    private static void CheckModel(JsonElement body, string name)
    {
        if (body.TryGetProperty("model", out var model) && model.ValueKind == JsonValueKind.String && model.GetString() is { Length: > 0 } asked && asked != name) throw new RefusedException(404, $"the model {asked} is not served here; {name} is");
    }

    private static List<string> TextsOf(JsonElement body, string name)
    {
        if (!body.TryGetProperty(name, out var said)) throw new RefusedException(400, $"{name} is missing");
        if (said.ValueKind == JsonValueKind.String) return [said.GetString()!];
        if (said.ValueKind != JsonValueKind.Array || said.GetArrayLength() is 0 or > TextsMax) throw new RefusedException(400, $"{name} is to be a string, or 1 to {TextsMax} of them");
        return [.. said.EnumerateArray().Select(each => each.ValueKind == JsonValueKind.String ? each.GetString()! : throw new RefusedException(400, $"{name} is to hold strings"))];
    }

    private void WriteModels(Utf8JsonWriter writer)
    {
        writer.WriteString("object", "list");
        writer.WriteStartArray("data");
        WriteModel(writer, models.Embedder is null ? null : models.EmbedderName, "embedder");
        WriteModel(writer, models.Ranking?.Name, "reranker");
        writer.WriteEndArray();
    }

    private static void WriteModel(Utf8JsonWriter writer, string? name, string kind)
    {
        if (name is null) return;
        writer.WriteStartObject();
        writer.WriteString("id", name);
        writer.WriteString("object", "model");
        writer.WriteString("kind", kind);
        writer.WriteEndObject();
    }

    private static void WriteVector(Utf8JsonWriter writer, int index, ReadOnlySpan<float> vector, bool isBase64)
    {
        writer.WriteStartObject();
        writer.WriteString("object", "embedding");
        writer.WriteNumber("index", index);
        if (isBase64)
        {
            writer.WriteBase64String("embedding", MemoryMarshal.AsBytes(vector));
        }
        else
        {
            writer.WriteStartArray("embedding");
            foreach (var part in vector) writer.WriteNumberValue(part);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static async Task WriteAsync(HttpResponse response, Action<Utf8JsonWriter> fill, CancellationToken cancel)
    {
        var bytes = new ArrayBufferWriter<byte>();
        await using (var writer = new Utf8JsonWriter(bytes))
        {
            writer.WriteStartObject();
            fill(writer);
            writer.WriteEndObject();
        }

        response.ContentType = "application/json";
        await response.Body.WriteAsync(bytes.WrittenMemory, cancel);
    }

    private sealed class RefusedException(int status, string message) : Exception(message)
    {
        public int Status => status;
    }
}
