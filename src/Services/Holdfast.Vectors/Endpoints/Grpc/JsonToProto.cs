using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>REST's objects as gRPC's messages, by the names of their fields: for configurations, which are kept as JSON. What the message does not know is left out.</summary>
internal static class JsonToProto
{
    /// <summary>Reads an object as a message.</summary>
    public static TMessage Read<TMessage>(MessageParser<TMessage> parser, MessageDescriptor type, JsonElement element)
        where TMessage : IMessage<TMessage> => parser.ParseFrom(Encode(type, element));

    private static byte[] Encode(MessageDescriptor type, JsonElement element)
    {
        using var bytes = new MemoryStream();
        using (var output = new CodedOutputStream(bytes, leaveOpen: true))
        {
            if (type.Name == "Value") ProtoPoints.Value(element).WriteTo(output);
            else if (type.Name == "VectorsConfig") WriteField(output, type.FindFieldByName(element.TryGetProperty("size", out var size) && size.ValueKind == JsonValueKind.Number ? "params" : "params_map"), element);
            else if (type.Name is "VectorParamsMap" or "SparseVectorConfig") WriteField(output, type.FindFieldByName("map"), element);
            else if (type.Name == "MaxOptimizationThreads") WriteField(output, type.FindFieldByName(element.ValueKind == JsonValueKind.Number ? "value" : "setting"), element);
            else if (type.Name == "BinaryQuantizationQueryEncoding") WriteField(output, type.FindFieldByName("setting"), element);
            else if (element.ValueKind == JsonValueKind.Object) WriteFields(output, type, element);
        }

        return bytes.ToArray();
    }

    private static void WriteFields(CodedOutputStream output, MessageDescriptor type, JsonElement element)
    {
        foreach (var property in element.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Null) continue;
            var field = type.Fields.InDeclarationOrder().FirstOrDefault(each => each.Name == property.Name || ProtoShapes.NameOf(each) == property.Name);
            if (field is not null) WriteField(output, field, property.Value);
        }
    }

    private static void WriteField(CodedOutputStream output, FieldDescriptor field, JsonElement value)
    {
        if (field.IsMap)
        {
            if (value.ValueKind != JsonValueKind.Object) return;
            foreach (var property in value.EnumerateObject())
            {
                using var entry = new MemoryStream();
                using (var inner = new CodedOutputStream(entry, leaveOpen: true))
                {
                    inner.WriteTag(1, WireFormat.WireType.LengthDelimited);
                    inner.WriteString(property.Name);
                    WriteField(inner, field.MessageType.FindFieldByName("value"), property.Value);
                }

                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(entry.ToArray()));
            }
        }
        else if (field.IsRepeated)
        {
            if (value.ValueKind != JsonValueKind.Array) return;
            foreach (var each in value.EnumerateArray()) WriteOne(output, field, each);
        }
        else
        {
            WriteOne(output, field, value);
        }
    }

    private static void WriteOne(CodedOutputStream output, FieldDescriptor field, JsonElement value)
    {
        switch (field.FieldType, value.ValueKind)
        {
            case (FieldType.Message, _):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteBytes(ByteString.CopyFrom(Encode(field.MessageType, value)));
                break;
            case (FieldType.String, JsonValueKind.String):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.LengthDelimited);
                output.WriteString(value.GetString());
                break;
            case (FieldType.Bool, JsonValueKind.True or JsonValueKind.False):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteBool(value.GetBoolean());
                break;
            case (FieldType.Enum, JsonValueKind.String) when field.EnumType.Values.FirstOrDefault(each => ProtoShapes.WordOf(field.EnumType, each.Number) == value.GetString()) is { } word:
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteEnum(word.Number);
                break;
            case (FieldType.Float, JsonValueKind.Number):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed32);
                output.WriteFloat(value.GetSingle());
                break;
            case (FieldType.Double, JsonValueKind.Number):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Fixed64);
                output.WriteDouble(value.GetDouble());
                break;
            case (FieldType.UInt32 or FieldType.UInt64 or FieldType.Int32 or FieldType.Int64, JsonValueKind.Number) when value.TryGetInt64(out var number):
                output.WriteTag(field.FieldNumber, WireFormat.WireType.Varint);
                output.WriteInt64(number);
                break;
        }
    }
}
