using System.Text.Json;
using Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Telling;

/// <summary>
/// What a request took, as Qdrant's <c>usage</c> says it. Vectors that were read are those whose distance was computed, by the bytes of a full one; what was written is what the points carry. Qdrant's unit of
/// <c>cpu</c> is its own: here it is microseconds of searching.
/// </summary>
/// <param name="Micros">Searching, over all shards.</param>
/// <param name="PayloadRead">Bytes.</param>
/// <param name="PayloadWritten">Bytes.</param>
/// <param name="VectorsRead">Bytes.</param>
/// <param name="VectorsWritten">Bytes.</param>
internal readonly record struct UsageTold(long Micros, long PayloadRead, long PayloadWritten, long VectorsRead, long VectorsWritten)
{
    /// <summary>What a call took.</summary>
    public static UsageTold Of(VectorCall call)
    {
        var seen = call.Scopes.SelectMany(scope => scope.Seen).ToArray();
        return new UsageTold(
            seen.Sum(each => each.Answer.Traces.Count > 0 ? each.Answer.Traces.Sum(trace => trace.SearchMicros + trace.FilterMicros) : 0),
            seen.Sum(each => each.Answer.Points.Sum(point => (long)point.Payload.Json.Length)),
            call.PayloadBytesWritten,
            seen.Sum(each => each.VectorBytes),
            call.VectorBytesWritten);
    }

    /// <summary>Several calls' together.</summary>
    public UsageTold And(UsageTold other) => new(Micros + other.Micros, PayloadRead + other.PayloadRead, PayloadWritten + other.PayloadWritten, VectorsRead + other.VectorsRead, VectorsWritten + other.VectorsWritten);

    /// <summary>As REST says it, for calls that read or wrote points.</summary>
    public static void Write(Utf8JsonWriter writer, VectorCall call)
    {
        if (call.Scopes.Count == 0 && call.Written is null) return;
        var used = Of(call);
        writer.WriteStartObject("usage");
        writer.WriteStartObject("hardware");
        writer.WriteNumber("cpu", used.Micros);
        writer.WriteNumber("payload_io_read", used.PayloadRead);
        writer.WriteNumber("payload_io_write", used.PayloadWritten);
        writer.WriteNumber("payload_index_io_read", 0);
        writer.WriteNumber("payload_index_io_write", 0);
        writer.WriteNumber("vector_io_read", used.VectorsRead);
        writer.WriteNumber("vector_io_write", used.VectorsWritten);
        writer.WriteEndObject();
        writer.WriteNull("inference");
        writer.WriteEndObject();
    }

    /// <summary>As gRPC says it.</summary>
    public Usage ToMessage() => new() { Hardware = new HardwareUsage { Cpu = (ulong)Micros, PayloadIoRead = (ulong)PayloadRead, PayloadIoWrite = (ulong)PayloadWritten, VectorIoRead = (ulong)VectorsRead, VectorIoWrite = (ulong)VectorsWritten } };
}
