using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Google.Protobuf;
using Holdfast.Primitives;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Rest;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>What Kestrel calls for every gRPC request: asks who comes, finds the method, reads its one message, and sends the answer or, in trailers, what was wrong (gRPC over HTTP/2).</summary>
internal sealed class GrpcDoor(VectorRoom room, AccessDesk access, Action<Exception> onFatal, ILogger log) : IHttpApplication<GrpcExchange>
{
    private const int PrefixBytes = 5;

    public GrpcExchange CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures);

    public async Task ProcessRequestAsync(GrpcExchange exchange)
    {
        try
        {
            exchange.Begin();
            await AnswerAsync(exchange).ConfigureAwait(false);
            exchange.Succeed();
        }
        catch (InvariantBrokenException broken)
        {
            onFatal(broken);
        }
        catch (VectorFault fault)
        {
            // A message is no JSON: Qdrant leaves the word out here.
            exchange.Fail(CodeOf(fault.Status), fault.Message.Replace("Validation error in JSON body", "Validation error in body", StringComparison.Ordinal), fault.RetryAfterSeconds);
        }
        catch (InvalidProtocolBufferException wrong)
        {
            exchange.Fail(GrpcCode.Internal, $"failed to decode Protobuf message: {wrong.Message}");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            exchange.Abort();
        }
        catch (Exception unexpected)
        {
            RestLog.RequestFailed(log, unexpected, exchange.Path);
            exchange.Fail(GrpcCode.Internal, "holdfast: internal error");
        }
    }

    public void DisposeContext(GrpcExchange context, Exception? exception)
    {
    }

    private async Task AnswerAsync(GrpcExchange exchange)
    {
        var begun = Stopwatch.GetTimestamp();
        if (!GrpcMethods.ByPath.TryGetValue(exchange.Path, out var method)) throw VectorFault.NotHere($"method {exchange.Path}");
        var message = await MessageAsync(exchange).ConfigureAwait(false);
        var grant = method.Right == AccessRight.Open && !method.IsForCollections ? AccessGrant.All : await access.RecogniseAsync(exchange.Headers["api-key"].ToString(), exchange.Headers.Authorization.ToString(), room.Face, exchange.Aborted).ConfigureAwait(false);
        var status = (int)GrpcCode.Internal;
        var collection = "";
        try
        {
            using var turn = method.Right == AccessRight.Write ? await room.Face.Collections.Turns.TakeAsync(message.Span.Length, exchange.Aborted).ConfigureAwait(false) : null;
            var call = new GrpcCall(room, grant, exchange, method.Right, begun) { Turn = turn };
            var answer = await method.AnswerAsync(call, message, name => collection = name).ConfigureAwait(false);
            status = (int)GrpcCode.Ok;
            if (call.Session is { Length: > 0 } session) exchange.Trailers["holdfast-session"] = session;
            await SendAsync(exchange, answer, call).ConfigureAwait(false);
        }
        catch (VectorFault fault)
        {
            status = (int)CodeOf(fault.Status);
            throw;
        }
        finally
        {
            room.Meters.Note(collection, exchange.Path[1..], Stopwatch.GetElapsedTime(begun), isFailure: status != (int)GrpcCode.Ok);
            room.Tally.Note(isGrpc: true, exchange.Path, status, Stopwatch.GetElapsedTime(begun));
        }
    }

    private static async Task<LentMessage> MessageAsync(GrpcExchange exchange)
    {
        while (true)
        {
            var read = await exchange.Body.ReadAsync(exchange.Aborted).ConfigureAwait(false);
            if (read.Buffer.Length > CollectionLimits.RequestBytesMax + PrefixBytes) throw TooLong(read.Buffer.Length);
            if (!read.IsCompleted)
            {
                exchange.Body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                continue;
            }

            try
            {
                if (read.Buffer.Length < PrefixBytes) throw VectorFault.BadInput("the call has no message");
                var prefix = new byte[PrefixBytes];
                read.Buffer.Slice(0, PrefixBytes).CopyTo(prefix);
                var content = read.Buffer.Slice(PrefixBytes);
                if (BinaryPrimitives.ReadUInt32BigEndian(prefix.AsSpan(1)) != content.Length) throw VectorFault.BadInput("the call does not have exactly one message");
                if (prefix[0] == 0) return LentMessage.Of(content);
                return exchange.Headers["grpc-encoding"] == "gzip" ? new LentMessage(Unpacked(content.ToArray())) : throw VectorFault.NotHere($"compression {exchange.Headers["grpc-encoding"]}; gzip is");
            }
            finally
            {
                exchange.Body.AdvanceTo(read.Buffer.End);
            }
        }
    }

    /// <summary>Clients pack by default. What unpacks to more than a request may have is refused before it is all there.</summary>
    private static ReadOnlyMemory<byte> Unpacked(ReadOnlyMemory<byte> packed)
    {
        try
        {
            using var source = new GZipStream(new MemoryStream(packed.ToArray()), CompressionMode.Decompress);
            using var whole = new MemoryStream();
            var buffer = new byte[64 * 1024];
            for (int read; (read = source.Read(buffer)) > 0;)
            {
                if (whole.Length + read > CollectionLimits.RequestBytesMax) throw TooLong(whole.Length + read);
                whole.Write(buffer, 0, read);
            }

            return whole.GetBuffer().AsMemory(0, (int)whole.Length);
        }
        catch (InvalidDataException)
        {
            throw VectorFault.BadInput("the message is packed, and cannot be unpacked");
        }
    }

    private static VectorFault TooLong(long bytes) => VectorFault.Relayed(413, $"Error, decoded message length too large: found {bytes} bytes, the limit is: {CollectionLimits.RequestBytesMax} bytes");

    /// <summary>Where the message has a field for it, what the call took stands behind the others.</summary>
    private static async Task SendAsync(GrpcExchange exchange, IMessage message, GrpcCall call)
    {
        var size = message.CalculateSize();
        var usage = message.Descriptor.FindFieldByName("usage") is { FieldNumber: < 16 } field ? Field(field.FieldNumber, call.Usage.ToMessage()) : [];
        var bytes = new byte[PrefixBytes + size + usage.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(1), (uint)(size + usage.Length));
        message.WriteTo(bytes.AsSpan(PrefixBytes, size));
        usage.CopyTo(bytes, PrefixBytes + size);
        await exchange.Output.WriteAsync(bytes, exchange.Aborted).ConfigureAwait(false);
    }

    /// <summary>A message as a field of another, whose number takes one byte (protobuf's encoding, length-delimited).</summary>
    private static byte[] Field(int number, IMessage value)
    {
        var content = value.ToByteArray();
        Invariant.Holds(content.Length < 128, "what a call took is said in less than 128 bytes");
        return [(byte)((number << 3) | 2), (byte)content.Length, .. content];
    }

    private static GrpcCode CodeOf(int status) => status switch
    {
        400 or 422 => GrpcCode.InvalidArgument,
        401 => GrpcCode.Unauthenticated,
        403 => GrpcCode.PermissionDenied,
        404 => GrpcCode.NotFound,
        408 => GrpcCode.DeadlineExceeded,
        409 => GrpcCode.AlreadyExists,
        412 => GrpcCode.FailedPrecondition,
        413 => GrpcCode.OutOfRange,
        429 => GrpcCode.ResourceExhausted,
        501 => GrpcCode.Unimplemented,
        503 => GrpcCode.Unavailable,
        _ => GrpcCode.Internal,
    };
}

/// <summary>The bytes of a message. Those of many points are so large that each array would bring a collection of the oldest generation nearer: they are lent, and given back once they are read.</summary>
internal sealed class LentMessage(ReadOnlyMemory<byte> bytes)
{
    private byte[]? lent;

    /// <summary>The bytes, until they are given back.</summary>
    public ReadOnlySpan<byte> Span => bytes.Span;

    /// <summary>A copy of what stands in a request.</summary>
    public static LentMessage Of(in ReadOnlySequence<byte> content)
    {
        var length = (int)content.Length;
        var array = ArrayPool<byte>.Shared.Rent(length);
        content.CopyTo(array);
        return new LentMessage(array.AsMemory(0, length)) { lent = array };
    }

    /// <summary>Nobody reads it any more. A message that is never given back is the collector's.</summary>
    public void Return()
    {
        if (Interlocked.Exchange(ref lent, null) is { } array) ArrayPool<byte>.Shared.Return(array);
    }
}

/// <summary>gRPC's status codes, those that are used.</summary>
internal enum GrpcCode
{
    /// <summary>Answered.</summary>
    Ok = 0,

    /// <summary>The request is wrong.</summary>
    InvalidArgument = 3,

    /// <summary>Not done in time.</summary>
    DeadlineExceeded = 4,

    /// <summary>Something is not there.</summary>
    NotFound = 5,

    /// <summary>Something is there already.</summary>
    AlreadyExists = 6,

    /// <summary>The caller may not.</summary>
    PermissionDenied = 7,

    /// <summary>Too much was asked for.</summary>
    ResourceExhausted = 8,

    /// <summary>The lock that the call is made under has a later holder.</summary>
    FailedPrecondition = 9,

    /// <summary>Too large.</summary>
    OutOfRange = 11,

    /// <summary>Not here.</summary>
    Unimplemented = 12,

    /// <summary>It failed, or its fate is not known.</summary>
    Internal = 13,

    /// <summary>Not just now; nothing was written.</summary>
    Unavailable = 14,

    /// <summary>Nobody knows the caller.</summary>
    Unauthenticated = 16,
}

/// <summary>One call and its response, over Kestrel's own features.</summary>
internal sealed class GrpcExchange(IFeatureCollection features)
{
    private readonly IHttpRequestFeature request = features.GetRequiredFeature<IHttpRequestFeature>();
    private readonly IHttpResponseFeature response = features.GetRequiredFeature<IHttpResponseFeature>();

    public string Path => request.Path;

    public Microsoft.AspNetCore.Http.IHeaderDictionary Headers => request.Headers;

    public CancellationToken Aborted => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().RequestAborted;

    public System.IO.Pipelines.PipeReader Body => features.GetRequiredFeature<IRequestBodyPipeFeature>().Reader;

    public System.IO.Pipelines.PipeWriter Output => features.GetRequiredFeature<IHttpResponseBodyFeature>().Writer;

    public Microsoft.AspNetCore.Http.IHeaderDictionary Trailers => features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers;

    public void Abort() => features.GetRequiredFeature<IHttpRequestLifetimeFeature>().Abort();

    public void Begin()
    {
        response.StatusCode = 200;
        response.Headers.ContentType = "application/grpc";
    }

    public void Succeed() => Trailers["grpc-status"] = "0";

    /// <summary>Trailers, or headers alone when nothing was sent.</summary>
    /// <param name="code">gRPC's word for it.</param>
    /// <param name="message">What clients show.</param>
    /// <param name="retryAfterSeconds">When asking again will help; null where nobody knows.</param>
    public void Fail(GrpcCode code, string message, int? retryAfterSeconds = null)
    {
        var target = response.HasStarted ? Trailers : response.Headers;
        target["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        target["grpc-message"] = PercentEncoded(message);
        if (retryAfterSeconds is { } seconds) target["retry-after"] = seconds.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Everything outside printable ASCII, and the percent sign, as %XX of its UTF-8 bytes.</summary>
    private static string PercentEncoded(string message)
    {
        var encoded = new StringBuilder(message.Length + 16);
        foreach (var one in Encoding.UTF8.GetBytes(message))
            if (one is >= 0x20 and <= 0x7e and not (byte)'%') encoded.Append((char)one);
            else encoded.Append('%').Append(one.ToString("X2", CultureInfo.InvariantCulture));
        return encoded.ToString();
    }
}
