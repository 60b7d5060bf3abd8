using System.Buffers;
using System.Text.Json;
using Google.Protobuf.Collections;
using Holdfast.Vectors.Points;
using Proto = Holdfast.Vectors.Protocol;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>Points of gRPC's messages with their payloads as JSON; one serves a whole request.</summary>
internal sealed class PayloadReader
{
    private readonly ArrayBufferWriter<byte> buffer = new();
    private Utf8JsonWriter? writer;

    /// <summary>A point.</summary>
    public PointWrite Read(Proto.PointStruct point) => new(ProtoPoints.Read(point.Id), Read(point.Payload), ProtoPoints.Read(point.Vectors));

    /// <summary>A payload.</summary>
    public Payload Read(MapField<string, Proto.Value> payload)
    {
        if (payload.Count == 0) return Payload.Empty;
        buffer.ResetWrittenCount();
        if (writer is null) writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions);
        else writer.Reset();
        writer.WriteStartObject();
        foreach (var (key, value) in payload)
        {
            writer.WritePropertyName(key);
            Write(writer, value, 0);
        }

        writer.WriteEndObject();
        writer.Flush();
        return Payload.FromNormalised(buffer.WrittenSpan);
    }

    private static void Write(Utf8JsonWriter writer, Proto.Value value, int depth)
    {
        if (depth > 62) throw VectorFault.BadInput("a payload is nested deeper than 62 levels");
        switch (value.KindCase)
        {
            case Proto.Value.KindOneofCase.DoubleValue when double.IsFinite(value.DoubleValue): writer.WriteNumberValue(value.DoubleValue); break;
            case Proto.Value.KindOneofCase.IntegerValue: writer.WriteNumberValue(value.IntegerValue); break;
            case Proto.Value.KindOneofCase.StringValue: writer.WriteStringValue(value.StringValue); break;
            case Proto.Value.KindOneofCase.BoolValue: writer.WriteBooleanValue(value.BoolValue); break;
            case Proto.Value.KindOneofCase.StructValue:
                writer.WriteStartObject();
                foreach (var (key, inner) in value.StructValue.Fields)
                {
                    writer.WritePropertyName(key);
                    Write(writer, inner, depth + 1);
                }

                writer.WriteEndObject();
                break;
            case Proto.Value.KindOneofCase.ListValue:
                writer.WriteStartArray();
                foreach (var inner in value.ListValue.Values) Write(writer, inner, depth + 1);
                writer.WriteEndArray();
                break;
            default: writer.WriteNullValue(); break;
        }
    }
}
