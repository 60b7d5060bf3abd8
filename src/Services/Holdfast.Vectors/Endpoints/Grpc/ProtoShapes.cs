using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Reflection;

namespace Holdfast.Vectors.Endpoints.Grpc;

/// <summary>What has another shape in Qdrant's gRPC than in its REST, by the message's name.</summary>
internal static class ProtoShapes
{
    private static readonly Dictionary<string, Action<Utf8JsonWriter, WireFields, int>> Shapes = new(StringComparer.Ordinal)
    {
        ["PointId"] = WritePointId,
        ["ShardKey"] = WriteOnly,
        ["ShardKeySelector"] = WriteShardKeys,
        ["Value"] = WriteValue,
        ["Struct"] = static (writer, message, depth) => WriteMap(writer, message, "fields", depth),
        ["ListValue"] = static (writer, message, depth) => WriteList(writer, message, "values", depth),
        ["DenseVector"] = static (writer, message, depth) => WriteList(writer, message, "data", depth),
        ["MultiDenseVector"] = static (writer, message, depth) => WriteList(writer, message, "vectors", depth),
        ["Vector"] = WriteVector,
        ["Vectors"] = WriteOnly,
        ["NamedVectors"] = static (writer, message, depth) => WriteMap(writer, message, "vectors", depth),
        ["PointStruct"] = WritePoint,
        ["VectorInput"] = WriteOnly,
        ["VectorExample"] = WriteOnly,
        ["TargetVector"] = WriteOnly,
        ["ContextInput"] = static (writer, message, depth) => WriteList(writer, message, "pairs", depth),
        ["WithPayloadSelector"] = WriteWithPayload,
        ["WithVectorsSelector"] = WriteOnly,
        ["VectorsSelector"] = static (writer, message, depth) => WriteList(writer, message, "names", depth),
        ["PayloadIncludeSelector"] = static (writer, message, depth) => WriteList(writer, message, "fields", depth),
        ["PayloadExcludeSelector"] = static (writer, message, depth) => WriteList(writer, message, "fields", depth),
        ["StartFrom"] = WriteOnly,
        ["Timestamp"] = WriteTimestamp,
        ["LookupLocation"] = WriteLookup,
        ["Query"] = WriteQuery,
        ["Formula"] = static (writer, message, depth) => WriteOnlyField(writer, message, "expression", depth),
        ["Expression"] = WriteExpression,
        ["MultExpression"] = static (writer, message, depth) => WriteList(writer, message, "mult", depth),
        ["SumExpression"] = static (writer, message, depth) => WriteList(writer, message, "sum", depth),
        ["Condition"] = WriteCondition,
        ["FieldCondition"] = WriteFieldCondition,
        ["Match"] = WriteMatch,
        ["RepeatedStrings"] = static (writer, message, depth) => WriteList(writer, message, "strings", depth),
        ["RepeatedIntegers"] = static (writer, message, depth) => WriteList(writer, message, "integers", depth),
        ["VectorsConfig"] = WriteOnly,
        ["VectorParamsMap"] = static (writer, message, depth) => WriteMap(writer, message, "map", depth),
        ["VectorsConfigDiff"] = WriteVectorsDiff,
        ["VectorParamsDiffMap"] = static (writer, message, depth) => WriteMap(writer, message, "map", depth),
        ["SparseVectorConfig"] = static (writer, message, depth) => WriteMap(writer, message, "map", depth),
        ["QuantizationConfigDiff"] = WriteQuantizationDiff,
        ["MaxOptimizationThreads"] = WriteOnly,
        ["BinaryQuantizationQueryEncoding"] = WriteOnly,
        ["PayloadIndexParams"] = WriteIndexParams,
        ["NaiveFeedbackStrategy"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "a", "b", "c"),
        ["FeedbackItem"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "score"),
        ["StemmingAlgorithm"] = WriteStemmer,
        ["GeoPoint"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "lon", "lat"),
        ["GeoRadius"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "radius"),
        ["MinShould"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "min_count"),
        ["MultiVectorConfig"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "comparator"),
        ["ProductQuantization"] = static (writer, message, depth) => WriteWithZeros(writer, message, depth, "compression"),
    };

    /// <summary>Writes a message that has a shape of its own.</summary>
    public static bool TryWrite(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (!Shapes.TryGetValue(message.Type.Name, out var write)) return false;
        write(writer, message, depth);
        return true;
    }

    /// <summary>REST's name of a field.</summary>
    public static string NameOf(FieldDescriptor field) => field.Name switch
    {
        "shard_key_selector" => "shard_key",
        "vectors_config" => "vectors",
        "sparse_vectors_config" => "sparse_vectors",
        "vectors" when field.ContainingType.Name is "PointStruct" or "PointVectors" => "vector",
        "delete_points" => "delete",
        "optimizer_config" => "optimizers_config",
        "dense_config" when field.ContainingType.Name == "CreateVectorNameRequest" => "dense",
        "sparse_config" when field.ContainingType.Name == "CreateVectorNameRequest" => "sparse",
        _ => field.Name,
    };

    /// <summary>REST's word for an enum's value.</summary>
    public static string WordOf(EnumDescriptor type, int number)
    {
        var name = type.FindValueByNumber(number)?.Name ?? throw VectorFault.BadInput($"{type.Name} has no value {number.ToString(CultureInfo.InvariantCulture)}");
        return type.Name switch
        {
            "Distance" or "CompressionRatio" => name,
            "FieldType" => ProtoToJson.Snake(name["FieldType".Length..]),
            "Datatype" when number == 0 => "float32",
            "Fusion" or "Setting" => name.ToLowerInvariant(),
            _ => ProtoToJson.Snake(name),
        };
    }

    /// <summary>The points that a change is about: their names, or a filter, beside the change's other fields.</summary>
    public static void WriteSelected(Utf8JsonWriter writer, WireFields selector, int depth)
    {
        if (selector.Message("points") is { } names)
        {
            writer.WritePropertyName("points");
            WriteList(writer, names, "ids", depth);
        }
        else if (selector.Message("filter") is { } filter)
        {
            writer.WritePropertyName("filter");
            ProtoToJson.Write(writer, filter, depth + 1);
        }
    }

    private static void WritePointId(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Text("uuid") is { } uuid) writer.WriteStringValue(uuid);
        else writer.WriteNumberValue(message.Of("num") is { Count: > 0 } sent ? sent[^1].Number : 0);
    }

    /// <summary>A point may have no vectors here; REST says so with an empty object.</summary>
    private static void WritePoint(Utf8JsonWriter writer, WireFields message, int depth)
    {
        writer.WriteStartObject();
        ProtoToJson.WriteFields(writer, message, depth);
        if (!message.Has("vectors"))
        {
            writer.WriteStartObject("vector");
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>The one field that is there, without its name.</summary>
    private static void WriteOnly(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value)) writer.WriteNullValue();
        else ProtoToJson.WriteOne(writer, field, value, depth);
    }

    private static void WriteOnlyField(Utf8JsonWriter writer, WireFields message, string name, int depth)
    {
        if (message.Message(name) is { } inner) ProtoToJson.Write(writer, inner, depth + 1);
        else writer.WriteNullValue();
    }

    private static void WriteList(Utf8JsonWriter writer, WireFields message, string name, int depth) => ProtoToJson.WriteField(writer, message.Type.FindFieldByName(name), message.Of(name), depth);

    private static void WriteMap(Utf8JsonWriter writer, WireFields message, string name, int depth) => ProtoToJson.WriteField(writer, message.Type.FindFieldByName(name), message.Of(name), depth);

    private static void WriteValue(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value) || field.Name == "null_value") writer.WriteNullValue();
        else ProtoToJson.WriteOne(writer, field, value, depth);
    }

    /// <summary>Old clients write the numbers beside one another, new ones say what kind of vector it is.</summary>
    private static void WriteVector(Utf8JsonWriter writer, WireFields message, int depth)
    {
        foreach (var kind in new[] { "dense", "sparse", "multi_dense", "document", "image", "object" })
            if (message.Message(kind) is { } inner)
            {
                ProtoToJson.Write(writer, inner, depth + 1);
                return;
            }

        if (message.Message("indices") is { } indices)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("indices");
            WriteList(writer, indices, "data", depth);
            writer.WritePropertyName("values");
            WriteList(writer, message, "data", depth);
            writer.WriteEndObject();
            return;
        }

        var count = message.Of("vectors_count") is { Count: > 0 } sent ? (int)sent[^1].Number : 1;
        var (field, data) = (message.Type.FindFieldByName("data"), message.Of("data"));
        if (count <= 1)
        {
            ProtoToJson.WriteField(writer, field, data, depth);
            return;
        }

        writer.WriteStartArray();
        foreach (var part in data.Chunk(Math.Max(1, data.Count / count))) ProtoToJson.WriteField(writer, field, part, depth);
        writer.WriteEndArray();
    }

    private static void WriteWithPayload(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Message("exclude") is { } exclude)
        {
            writer.WriteStartObject();
            writer.WritePropertyName("exclude");
            WriteList(writer, exclude, "fields", depth);
            writer.WriteEndObject();
        }
        else
        {
            WriteOnly(writer, message, depth);
        }
    }

    private static void WriteTimestamp(Utf8JsonWriter writer, WireFields message, int depth)
    {
        var seconds = message.Of("seconds") is { Count: > 0 } whole ? (long)whole[^1].Number : 0;
        var nanos = message.Of("nanos") is { Count: > 0 } part ? (int)part[^1].Number : 0;
        writer.WriteStringValue(DateTime.UnixEpoch.AddSeconds(seconds).AddTicks(nanos / 100).ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture));
    }

    private static void WriteLookup(Utf8JsonWriter writer, WireFields message, int depth)
    {
        writer.WriteStartObject();
        writer.WriteString("collection", message.Text("collection_name") ?? "");
        if (message.Text("vector_name") is { } vector) writer.WriteString("vector", vector);
        writer.WriteEndObject();
    }

    private static void WriteQuery(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Message("nearest_with_mmr") is { } diverse)
        {
            ProtoToJson.Write(writer, diverse, depth + 1);
            return;
        }

        writer.WriteStartObject();
        if (message.Message("formula") is { } formula)
        {
            writer.WritePropertyName("formula");
            ProtoToJson.Write(writer, formula, depth + 1);
            writer.WritePropertyName("defaults");
            WriteMap(writer, formula, "defaults", depth);
        }
        else
        {
            ProtoToJson.WriteFields(writer, message, depth);
        }

        writer.WriteEndObject();
    }

    private static void WriteExpression(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value)) throw VectorFault.BadInput("an expression is empty");
        if (field.Name is "constant" or "variable" or "condition")
        {
            ProtoToJson.WriteOne(writer, field, value, depth);
            return;
        }

        writer.WriteStartObject();
        ProtoToJson.WriteFields(writer, message, depth);
        writer.WriteEndObject();
    }

    private static void WriteCondition(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value)) throw VectorFault.BadInput("Malformed Condition type");
        switch (field.Name)
        {
            case "field" or "filter":
                ProtoToJson.WriteOne(writer, field, value, depth);
                return;
            case "has_id":
                writer.WriteStartObject();
                writer.WritePropertyName("has_id");
                WriteList(writer, message.Message("has_id")!, "has_id", depth);
                break;
            case "has_vector":
                writer.WriteStartObject();
                writer.WriteString("has_vector", message.Message("has_vector")!.Text("has_vector") ?? "");
                break;
            default:
                writer.WriteStartObject();
                ProtoToJson.WriteFields(writer, message, depth);
                break;
        }

        writer.WriteEndObject();
    }

    /// <summary>Numbers that REST wants said, and the wire leaves out where they are zero.</summary>
    /// <summary>A list of keys, or one and the key that takes its place while it is not there.</summary>
    private static void WriteShardKeys(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Message("fallback") is null)
        {
            WriteList(writer, message, "shard_keys", depth);
            return;
        }

        if (message.Of("shard_keys") is not { Count: 1 } target) throw VectorFault.BadInput("A fallback shard key takes the place of exactly one shard key");
        writer.WriteStartObject();
        writer.WritePropertyName("target");
        ProtoToJson.WriteOne(writer, message.Type.FindFieldByName("shard_keys"), target[0], depth);
        writer.WritePropertyName("fallback");
        ProtoToJson.WriteOne(writer, message.Type.FindFieldByName("fallback"), message.Of("fallback")![^1], depth);
        writer.WriteEndObject();
    }

    /// <summary>A zero, and an enum's first word, is not sent; REST wants it said.</summary>
    private static void WriteWithZeros(Utf8JsonWriter writer, WireFields message, int depth, params ReadOnlySpan<string> fields)
    {
        writer.WriteStartObject();
        foreach (var field in fields)
            if (!message.Has(field))
            {
                writer.WritePropertyName(field);
                ProtoToJson.WriteOne(writer, message.Type.FindFieldByName(field), default, depth);
            }

        ProtoToJson.WriteFields(writer, message, depth);
        writer.WriteEndObject();
    }

    private static void WriteFieldCondition(Utf8JsonWriter writer, WireFields message, int depth)
    {
        writer.WriteStartObject();
        if (!message.Has("key")) writer.WriteString("key", "");
        ProtoToJson.WriteFields(writer, message, depth, static name => name == "datetime_range");
        if (message.Message("datetime_range") is { } moments)
        {
            writer.WritePropertyName("range");
            ProtoToJson.Write(writer, moments, depth + 1);
        }

        writer.WriteEndObject();
    }

    private static void WriteMatch(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value)) throw VectorFault.BadInput("Malformed Match condition");
        writer.WriteStartObject();
        writer.WritePropertyName(field.Name switch
        {
            "keyword" or "integer" or "boolean" => "value",
            "keywords" or "integers" => "any",
            "except_keywords" or "except_integers" => "except",
            var same => same,
        });
        ProtoToJson.WriteOne(writer, field, value, depth);
        writer.WriteEndObject();
    }

    /// <summary>The only vector has no name: REST calls it by the empty one.</summary>
    private static void WriteVectorsDiff(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Message("params") is not { } only)
        {
            WriteOnly(writer, message, depth);
            return;
        }

        writer.WriteStartObject();
        writer.WritePropertyName("");
        ProtoToJson.Write(writer, only, depth + 1);
        writer.WriteEndObject();
    }

    private static void WriteQuantizationDiff(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Has("disabled"))
        {
            writer.WriteStringValue("Disabled");
            return;
        }

        writer.WriteStartObject();
        ProtoToJson.WriteFields(writer, message, depth);
        writer.WriteEndObject();
    }

    private static void WriteIndexParams(Utf8JsonWriter writer, WireFields message, int depth)
    {
        if (message.Only is not var (field, value)) throw VectorFault.BadInput("Malformed payload index params");
        writer.WriteStartObject();
        writer.WriteString("type", field.Name[..field.Name.IndexOf('_', StringComparison.Ordinal)]);
        ProtoToJson.WriteFields(writer, WireFields.Read(field.MessageType, value.Bytes), depth, static name => name is "tokenizer");
        if (field.Name == "text_index_params" && WireFields.Read(field.MessageType, value.Bytes).Of("tokenizer") is { Count: > 0 } tokenizer)
            writer.WriteString("tokenizer", WordOf(field.MessageType.FindFieldByName("tokenizer").EnumType, (int)tokenizer[^1].Number) is var word && word == "unknown" ? "word" : word);
        writer.WriteEndObject();
    }

    private static void WriteStemmer(Utf8JsonWriter writer, WireFields message, int depth)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "snowball");
        writer.WriteString("language", message.Message("snowball")?.Text("language") ?? "english");
        writer.WriteEndObject();
    }
}
