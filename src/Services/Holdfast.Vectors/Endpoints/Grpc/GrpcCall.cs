using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>A gRPC call as its method sees it.</summary>
internal sealed class GrpcCall(VectorRoom room, AccessGrant grant, GrpcExchange exchange, AccessRight right, long begun)
{
    private readonly List<VectorCall> calls = [];

    /// <summary>The turn in which a large write is prepared; null for a small one, and for a read.</summary>
    public Routing.WriteTurn? Turn { get; init; }

    /// <summary>Seconds since the call came.</summary>
    public double Time => Stopwatch.GetElapsedTime(begun).TotalSeconds;

    /// <summary>What the caller may do.</summary>
    public AccessGrant Grant => grant;

    /// <summary>What it took.</summary>
    public Telling.UsageTold Usage => calls.Select(Telling.UsageTold.Of).Aggregate(default(Telling.UsageTold), (sum, one) => sum.And(one));

    /// <summary>What was written, as a session's token.</summary>
    public string? Session => calls.Select(call => call.Written?.ToString()).LastOrDefault(text => text is not null);

    /// <summary>Runs something on a collection as a request of REST would, with the message as its body.</summary>
    /// <param name="collection">Its name.</param>
    /// <param name="message">What becomes the body; null for none.</param>
    /// <param name="consistency">How fresh reads must be.</param>
    /// <param name="timeout">Seconds that the client gives it.</param>
    /// <param name="run">What is done.</param>
    /// <param name="waits">Whether the client waits to hear what came of a write; the message says it where it becomes the body.</param>
    public async Task<TResult> RunAsync<TResult>(string collection, IMessage? message, Proto.ReadConsistency? consistency, ulong? timeout, Func<VectorCall, ValueTask<TResult>> run, bool waits = false)
    {
        using var deadline = CallDeadline.Of(timeout, exchange.Aborted);
        using var body = message is null ? null : ProtoToJson.Document(message);
        waits |= body is not null && Json.Field(body.RootElement, "wait") is { ValueKind: JsonValueKind.True };
        var call = new VectorCall(room, grant, new Dictionary<string, string> { ["name"] = collection }, name => name == "wait" ? waits ? "true" : null : QueryOf(name, consistency), body?.RootElement ?? default, deadline.Token) { Right = right, TimeoutSeconds = deadline.Seconds, Face = room.Face.Under(WriteFence.Of(exchange.Headers[WriteFence.Header].ToString(), right), Turn) };
        calls.Add(call);
        return await deadline.RunAsync(() => run(call)).ConfigureAwait(false);
    }

    /// <summary>Runs something on the service.</summary>
    public Task<TResult> RunAsync<TResult>(Func<VectorCall, ValueTask<TResult>> run) => RunAsync("", null, null, null, run);

    private string? QueryOf(string name, Proto.ReadConsistency? consistency) => name switch
    {
        "consistency" when consistency?.ValueCase == Proto.ReadConsistency.ValueOneofCase.Type => consistency.Type.ToString().ToLowerInvariant(),
        "consistency" when consistency?.ValueCase == Proto.ReadConsistency.ValueOneofCase.Factor => consistency.Factor.ToString(CultureInfo.InvariantCulture),
        "consistency" => HeaderOf("holdfast-consistency"),
        "session" => HeaderOf("holdfast-session"),
        "partial" => HeaderOf("holdfast-partial"),
        _ => null,
    };

    private string? HeaderOf(string name) => exchange.Headers[name] is { Count: > 0 } header ? header.ToString() : null;
}
