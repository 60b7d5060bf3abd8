using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>What Kestrel calls for every request: asks who comes, finds the route, reads the body, and puts the answer, or what was wrong, into the protocol's envelope.</summary>
internal sealed class RestDoor(VectorRoom room, AccessDesk access, Action<Exception> onFatal, ILogger log) : IHttpApplication<RestExchange>
{
    private static readonly JsonDocumentOptions BodyOptions = new() { MaxDepth = 64 };

    private readonly ServicePages pages = new(room.Meters);

    /// <summary>Every route there is.</summary>
    public static IReadOnlyList<RestRoute> Routes { get; } = [.. CollectionRoutes.All, .. PointRoutes.All, .. QueryRoutes.All, .. ClusterRoutes.All, .. NodeTelemetry.All, .. ClusterTelemetry.All, .. SnapshotRoutes.All, .. ServiceRoutes.All];

    public RestExchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    public async Task ProcessRequestAsync(RestExchange exchange)
    {
        var begun = Stopwatch.GetTimestamp();
        try
        {
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
        var grant = ServicePages.IsOpen(exchange.Path) ? AccessGrant.All : await access.RecogniseAsync(exchange.Headers["api-key"].ToString(), exchange.Headers.Authorization.ToString(), room.Face, exchange.Aborted).ConfigureAwait(false);
        if (await pages.TryServeAsync(exchange, grant).ConfigureAwait(false)) return;
        var path = exchange.Path.Trim('/').Split('/');
        var isKnown = false;
        foreach (var route in Routes)
        {
            if (!route.Matches(path, out var parts)) continue;
            isKnown = true;
            if (route.Method != exchange.Method) continue;
            await RunAsync(exchange, route, parts, grant, begun).ConfigureAwait(false);
            return;
        }

        await exchange.RespondAsync(isKnown ? 405 : 404, "text/plain; charset=utf-8", ReadOnlyMemory<byte>.Empty).ConfigureAwait(false);
    }

    private async Task RunAsync(RestExchange exchange, RestRoute route, Dictionary<string, string> parts, AccessGrant grant, long begun)
    {
        var status = 500;
        try
        {
            if (parts.GetValueOrDefault("name") is { } name && Encoding.UTF8.GetByteCount(name) > CollectionLimits.NameBytesMax) throw VectorFault.InvalidPath("collection_name", $"must be from 1 to {CollectionLimits.NameBytesMax} bytes");
            grant.Require(route.Right, parts.GetValueOrDefault("name"));
            var bytes = route.TakesFile ? null : await BodyAsync(exchange).ConfigureAwait(false);
            using var turn = bytes is not null && route.Right == AccessRight.Write ? await room.Face.Collections.Turns.TakeAsync(bytes.Length, exchange.Aborted).ConfigureAwait(false) : null;
            using var body = bytes is null ? null : Parsed(bytes);
            using var limit = CallDeadline.Of(exchange.QueryOf("timeout"), exchange.Aborted);
            var call = new VectorCall(room, grant, parts, name => exchange.QueryOf(name) ?? HeaderOf(exchange, name), body?.RootElement ?? default, limit.Token)
            {
                Upload = route.TakesFile ? exchange.Body : null,
                Right = route.Right,
                Face = room.Face.Under(WriteFence.Of(exchange.Headers[WriteFence.Header].ToString(), route.Right), turn),
                TimeoutSeconds = limit.Seconds,
                UploadType = exchange.Headers.ContentType.ToString(),
            };
            var write = await limit.RunAsync(() => route.Answer(call)).ConfigureAwait(false);
            status = call.IsOnlyAccepted ? 202 : 200;
            if (call.Written is { IsEmpty: false } written) exchange.ResponseHeaders["holdfast-session"] = written.ToString();
            if (call.File is { } file) await exchange.RespondAsync(file).ConfigureAwait(false);
            else if (call.IsOnlyAccepted) await RespondAsync(exchange, status, begun, static writer => writer.WriteString("status", "accepted")).ConfigureAwait(false);
            else await RespondAsync(exchange, status, begun, writer =>
            {
                writer.WritePropertyName("result");
                write(writer);
                writer.WriteString("status", "ok");
                Telling.ReadTold.Write(writer, call);
                Telling.UsageTold.Write(writer, call);
            }).ConfigureAwait(false);
        }
        catch (VectorFault fault)
        {
            status = fault.Status;
            throw;
        }
        finally
        {
            room.Meters.Note(parts.GetValueOrDefault("name", ""), $"{route.Method} {route.Pattern}", Stopwatch.GetElapsedTime(begun), isFailure: status >= 400);
            room.Tally.Note(isGrpc: false, $"{route.Method} {route.Pattern}", status, Stopwatch.GetElapsedTime(begun));
        }
    }

    private static string? HeaderOf(RestExchange exchange, string name) => name == "session" && exchange.Headers["holdfast-session"] is { Count: > 0 } session ? session.ToString() : null;

    /// <summary>The body's bytes, a copy: the pipe's buffers go back before the request is answered. Null for none.</summary>
    private static async Task<byte[]?> BodyAsync(RestExchange exchange)
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

            var bytes = read.Buffer.IsEmpty ? null : read.Buffer.ToArray();
            reader.AdvanceTo(read.Buffer.End);
            return bytes;
        }
    }

    private static JsonDocument Parsed(byte[] bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes, BodyOptions);
        }
        catch (JsonException wrong)
        {
            throw VectorFault.BadJson(wrong.Message);
        }
    }

    private static Task RefuseAsync(RestExchange exchange, VectorFault fault, long begun)
    {
        if (fault.RetryAfterSeconds is { } seconds) exchange.ResponseHeaders.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return RespondAsync(exchange, fault.Status, begun, writer =>
        {
            writer.WriteStartObject("status");
            writer.WriteString("error", fault.Message);
            writer.WriteEndObject();
        });
    }

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

    [LoggerMessage(EventId = 5002, Level = LogLevel.Information, Message = "vector clients ({Protocol}) are served at {Address}")]
    public static partial void Serving(ILogger log, string protocol, string address);
}
