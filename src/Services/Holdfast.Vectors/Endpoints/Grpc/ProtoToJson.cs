using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>
/// Qdrant's gRPC messages as the bodies of its REST: most fields have the same names in both, and what has another shape there stands in <see cref="ProtoShapes"/>. So that one reader understands both protocols.
/// </summary>
internal static class ProtoToJson
{
    private const int DepthMax = 64;

    /// <summary>A message as a document; dispose it.</summary>
    public static JsonDocument Document(IMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions)) Write(writer, WireFields.Read(message.Descriptor, message.ToByteArray()), 0);
        return JsonDocument.Parse(buffer.WrittenMemory);
    }

    /// <summary>Writes a message as REST has it.</summary>
    public static void Write(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (depth > DepthMax) throw VectorFault.BadInput($"the message is nested deeper than {DepthMax} levels");
        if (ProtoShapes.TryWrite(writer, message, depth)) return;
        writer.WriteStartObject();
        WriteFields(writer, message, depth);
        writer.WriteEndObject();
    }

    /// <summary>Writes a message's fields into the object that is open.</summary>
    public static void WriteFields(Utf8JsonWriter writer, WireFields message, int depth, Func<string, bool>? isLeftOut = null)
    {
        foreach (var (field, values) in message.All)
        {
            if (isLeftOut?.Invoke(field.Name) == true) continue;
            if (field.FieldType == FieldType.Message && field.MessageType.Name == "PointsSelector" && !field.IsRepeated)
            {
                ProtoShapes.WriteSelected(writer, WireFields.Read(field.MessageType, values[^1].Bytes), depth);
                continue;
            }

            writer.WritePropertyName(ProtoShapes.NameOf(field));
            WriteField(writer, field, values, depth);
        }
    }

    /// <summary>Writes a field's value: a list, a map, or one.</summary>
    public static void WriteField(Utf8JsonWriter writer, FieldDescriptor field, IReadOnlyList<WireValue> values, int depth)
    {
        if (field.IsMap)
        {
            writer.WriteStartObject();
            foreach (var entry in values.Select(value => WireFields.Read(field.MessageType, value.Bytes)))
            {
                writer.WritePropertyName(entry.Text("key") ?? "");
                var value = field.MessageType.FindFieldByName("value");
                WriteOne(writer, value, entry.Of("value") is { Count: > 0 } sent ? sent[^1] : default, depth);
            }

            writer.WriteEndObject();
        }
        else if (field.IsRepeated)
        {
            writer.WriteStartArray();
            foreach (var value in values) WriteOne(writer, field, value, depth);
            writer.WriteEndArray();
        }
        else
        {
            WriteOne(writer, field, values[^1], depth);
        }
    }

    /// <summary>Writes one value.</summary>
    public static void WriteOne(Utf8JsonWriter writer, FieldDescriptor field, WireValue value, int depth)
    {
        switch (field.FieldType)
        {
            case FieldType.Message: Write(writer, WireFields.Read(field.MessageType, value.Bytes), depth + 1); break;
            case FieldType.String: writer.WriteStringValue(value.Bytes.Span); break;
            case FieldType.Bool: writer.WriteBooleanValue(value.Number != 0); break;
            case FieldType.Float: WriteNumber(writer, BitConverter.UInt32BitsToSingle((uint)value.Number)); break;
            case FieldType.Double: WriteNumber(writer, BitConverter.UInt64BitsToDouble(value.Number)); break;
            case FieldType.Enum: writer.WriteStringValue(ProtoShapes.WordOf(field.EnumType, (int)value.Number)); break;
            case FieldType.Int32 or FieldType.Int64: writer.WriteNumberValue((long)value.Number); break;
            default: writer.WriteNumberValue(value.Number); break;
        }
    }

    /// <summary>Words such as <c>AverageVector</c> as <c>average_vector</c>.</summary>
    public static string Snake(string word)
    {
        var snake = new StringBuilder(word.Length + 4);
        for (var at = 0; at < word.Length; at++)
        {
            if (at > 0 && char.IsAsciiLetterUpper(word[at]) && !char.IsAsciiLetterUpper(word[at - 1])) snake.Append('_');
            snake.Append(char.ToLower(word[at], CultureInfo.InvariantCulture));
        }

        return snake.ToString();
    }

    /// <summary>What is no finite number has no word in JSON: it becomes one that is too large, and is refused where vectors are looked at.</summary>
    private static void WriteNumber(Utf8JsonWriter writer, double number)
    {
        if (double.IsFinite(number)) writer.WriteNumberValue(number);
        else writer.WriteRawValue("1e999", skipInputValidation: true);
    }

    private static void WriteNumber(Utf8JsonWriter writer, float number)
    {
        if (float.IsFinite(number)) writer.WriteNumberValue(number);
        else writer.WriteRawValue("1e999", skipInputValidation: true);
    }
}
