using System.Buffers;
using System.Diagnostics;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What Kestrel calls for every request: finds the route, reads the body, and puts the answer, or what was wrong, into the protocol's envelope.</summary>
internal sealed class RestDoor(VectorFace face, Action<Exception> onFatal, ILogger log) : IHttpApplication<RestExchange>
{
    private static readonly JsonDocumentOptions BodyOptions = new() { MaxDepth = 64 };

    /// <summary>Every route there is.</summary>
    public static IReadOnlyList<RestRoute> Routes { get; } = [.. CollectionRoutes.All, .. PointRoutes.All, .. QueryRoutes.All];

    public RestExchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    public async Task ProcessRequestAsync(RestExchange exchange)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
            if (await ServicePages.TryServeAsync(exchange).ConfigureAwait(false)) return;
            await AnswerAsync(exchange, begun).ConfigureAwait(false);
        }
        catch (InvariantBrokenException broken)
        {
            onFatal(broken);
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            exchange.Abort();
        }
        catch (VectorFault fault)
        {
            await RefuseAsync(exchange, fault, begun).ConfigureAwait(false);
        }
        catch (Exception unexpected)
        {
            RestLog.RequestFailed(log, unexpected, exchange.Path);
            if (exchange.HasStarted) exchange.Abort();
            else await RefuseAsync(exchange, VectorFault.Unknown("holdfast: internal error"), begun).ConfigureAwait(false);
        }
    }

    public void DisposeContext(RestExchange context, Exception? exception)
    {
    }

    private async Task AnswerAsync(RestExchange exchange, long begun)
    {
        var path = exchange.Path.Trim('/').Split('/');
        var isKnown = false;
        foreach (var route in Routes)
        {
            if (!route.Matches(path, out var parts)) continue;
            isKnown = true;
            if (route.Method != exchange.Method) continue;
            using var body = await BodyAsync(exchange).ConfigureAwait(false);
            var call = new RestCall(face, parts, exchange.Query, body?.RootElement ?? default, exchange.Aborted);
            var write = await route.Answer(call).ConfigureAwait(false);
            await RespondAsync(exchange, 200, begun, writer =>
            {
                writer.WritePropertyName("result");
                write(writer);
                writer.WriteString("status", "ok");
            }).ConfigureAwait(false);
            return;
        }

        await exchange.RespondAsync(isKnown ? 405 : 404, "text/plain; charset=utf-8", ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);
    }

    private static async Task<JsonDocument?> BodyAsync(RestExchange exchange)
    {
        var reader = exchange.Body;
        while (true)
        {
            var read = await reader.ReadAsync(exchange.Aborted).ConfigureAwait(false);
            if (read.Buffer.Length > CollectionLimits.RequestBytesMax) throw VectorFault.TooLarge(CollectionLimits.RequestBytesMax);
            if (!read.IsCompleted)
            {
                reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            if (read.Buffer.IsEmpty) return null;
            try
            {
                // The document keeps its own copy: the pipe's buffers go back before the request is answered.
                return JsonDocument.Parse(read.Buffer.ToArray(), BodyOptions);
            }
            catch (JsonException wrong)
            {
                throw VectorFault.BadJson(wrong.Message);
            }
            finally
            {
                reader.AdvanceTo(read.Buffer.End);
            }
        }
    }

    private static Task RefuseAsync(RestExchange exchange, VectorFault fault, long begun) => RespondAsync(exchange, fault.Status, begun, writer =>
    {
        writer.WriteStartObject("status");
        writer.WriteString("error", fault.Message);
        writer.WriteEndObject();
    });

    private static async Task RespondAsync(RestExchange exchange, int status, long begun, WriteResult fill)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions))
        {
            writer.WriteStartObject();
            fill(writer);
            writer.WriteNumber("time", Stopwatch.GetElapsedTime(begun).TotalSeconds);
            writer.WriteEndObject();
        }

        await exchange.RespondAsync(status, "application/json", buffer.WrittenMemory).ConfigureAwait(false);
    }
}

/// <summary>What the door logs.</summary>
internal static partial class RestLog
{
    [LoggerMessage(EventId = 5001, Level = LogLevel.Error, Message = "a request to {Path} failed unexpectedly")]
    public static partial void RequestFailed(ILogger log, Exception fault, string path);

    [LoggerMessage(EventId = 5002, Level = LogLevel.Information, Message = "vector clients (REST) are served at {Address}")]
    public static partial void Serving(ILogger log, string address);
}
