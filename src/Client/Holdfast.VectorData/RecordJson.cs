using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace Holdfast.VectorData;

/// <summary>Records as points, and points as records.</summary>
internal static class RecordJson
{
    /// <summary>A body of JSON.</summary>
    public static ReadOnlyMemory<byte> Body(Action<Utf8JsonWriter> fill)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            fill(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenMemory;
    }

    /// <summary>A record as a point.</summary>
    /// <param name="writer">Where it is written.</param>
    /// <param name="model">What it consists of.</param>
    /// <param name="record">The record.</param>
    /// <param name="embedded">By property, a vector that was made for this record; absent where the record has its own.</param>
    public static void WritePoint(Utf8JsonWriter writer, CollectionModel model, object record, IReadOnlyDictionary<VectorPropertyModel, float[]> embedded)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("id");
        WriteValue(writer, model.KeyProperty.GetValueAsObject(record));
        writer.WriteStartObject("vector");
        foreach (var property in model.VectorProperties)
        {
            if (!embedded.TryGetValue(property, out var vector) && !TryVector(property.GetValueAsObject(record), out vector)) continue;
            writer.WritePropertyName(property.StorageName);
            WriteVector(writer, vector);
        }

        foreach (var property in model.DataProperties)
            if (property.IsFullTextIndexed && property.GetValueAsObject(record) is string text)
            {
                writer.WritePropertyName(WordsOf(property));
                WriteWords(writer, text);
            }

        writer.WriteEndObject();
        writer.WriteStartObject("payload");
        foreach (var property in model.DataProperties)
        {
            if (property.GetValueAsObject(record) is not { } value) continue;
            writer.WritePropertyName(property.StorageName);
            WriteValue(writer, value);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>A point as a record.</summary>
    public static TRecord ReadPoint<TRecord>(CollectionModel model, JsonElement point, bool hasVectors)
        where TRecord : class
    {
        var record = model.CreateRecord<TRecord>()!;
        model.KeyProperty.SetValueAsObject(record, ReadValue(point.GetProperty("id"), model.KeyProperty.Type));
        if (point.TryGetProperty("payload", out var payload) && payload.ValueKind == JsonValueKind.Object)
            foreach (var property in model.DataProperties)
                if (payload.TryGetProperty(property.StorageName, out var value)) property.SetValueAsObject(record, ReadValue(value, property.Type));
        if (hasVectors && point.TryGetProperty("vector", out var vectors) && vectors.ValueKind == JsonValueKind.Object)
            foreach (var property in model.VectorProperties)
                if (vectors.TryGetProperty(property.StorageName, out var vector)) property.SetValueAsObject(record, AsProperty([.. vector.EnumerateArray().Select(component => component.GetSingle())], property.Type));
        return record;
    }

    /// <summary>A key or a value.</summary>
    public static void WriteValue(Utf8JsonWriter writer, object? value)
    {
        switch (value)
        {
            case null: writer.WriteNullValue(); break;
            case string text: writer.WriteStringValue(text); break;
            case bool truth: writer.WriteBooleanValue(truth); break;
            case int number: writer.WriteNumberValue(number); break;
            case long number: writer.WriteNumberValue(number); break;
            case ulong number: writer.WriteNumberValue(number); break;
            case float number: writer.WriteNumberValue(number); break;
            case double number: writer.WriteNumberValue(number); break;
            case Guid id: writer.WriteStringValue(id); break;
            case DateTimeOffset moment: writer.WriteStringValue(moment.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)); break;
            case DateTime moment: writer.WriteStringValue(moment.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture)); break;
            case IEnumerable list:
                writer.WriteStartArray();
                foreach (var each in list) WriteValue(writer, each);
                writer.WriteEndArray();
                break;
            default: throw new NotSupportedException($"a value of type {value.GetType().Name} cannot be stored");
        }
    }

    /// <summary>The name of the sparse vector that holds the words of a text.</summary>
    public static string WordsOf(DataPropertyModel property) => property.StorageName + ".words";

    /// <summary>Text of which the server makes a sparse vector.</summary>
    public static void WriteWords(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("text", text);
        writer.WriteString("model", "qdrant/bm25");
        writer.WriteEndObject();
    }

    /// <summary>A vector.</summary>
    public static void WriteVector(Utf8JsonWriter writer, float[] vector)
    {
        writer.WriteStartArray();
        foreach (var component in vector) writer.WriteNumberValue(component);
        writer.WriteEndArray();
    }

    /// <summary>The components of what is a vector already.</summary>
    public static bool TryVector(object? value, out float[] vector)
    {
        vector = value switch
        {
            float[] components => components,
            ReadOnlyMemory<float> components => components.ToArray(),
            Embedding<float> embedding => embedding.Vector.ToArray(),
            _ => [],
        };
        return vector.Length > 0;
    }

    private static object AsProperty(float[] vector, Type type) => type == typeof(float[]) ? vector : type == typeof(Embedding<float>) ? new Embedding<float>(vector) : new ReadOnlyMemory<float>(vector);

    private static object? ReadValue(JsonElement value, Type type)
    {
        if (value.ValueKind == JsonValueKind.Null) return null;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return value.GetString();
        if (type == typeof(bool)) return value.GetBoolean();
        if (type == typeof(int)) return value.GetInt32();
        if (type == typeof(long)) return value.GetInt64();
        if (type == typeof(ulong)) return value.GetUInt64();
        if (type == typeof(float)) return value.GetSingle();
        if (type == typeof(double)) return value.GetDouble();
        if (type == typeof(Guid)) return value.GetGuid();
        if (type == typeof(DateTimeOffset)) return value.GetDateTimeOffset();
        if (type == typeof(DateTime)) return value.GetDateTime().ToUniversalTime();
        if (RecordModel.ElementOf(type) is not { } element) throw new NotSupportedException($"a property of type {type.Name} cannot be read");
        return element switch
        {
            _ when element == typeof(string) => ReadList(value, type, static each => each.GetString()!),
            _ when element == typeof(bool) => ReadList(value, type, static each => each.GetBoolean()),
            _ when element == typeof(int) => ReadList(value, type, static each => each.GetInt32()),
            _ when element == typeof(long) => ReadList(value, type, static each => each.GetInt64()),
            _ when element == typeof(float) => ReadList(value, type, static each => each.GetSingle()),
            _ when element == typeof(double) => ReadList(value, type, static each => each.GetDouble()),
            _ when element == typeof(Guid) => ReadList(value, type, static each => each.GetGuid()),
            _ when element == typeof(DateTimeOffset) => ReadList(value, type, static each => each.GetDateTimeOffset()),
            _ when element == typeof(DateTime) => ReadList(value, type, static each => each.GetDateTime().ToUniversalTime()),
            _ => throw new NotSupportedException($"a property of type {type.Name} cannot be read"),
        };
    }

    private static object ReadList<T>(JsonElement value, Type type, Func<JsonElement, T> read)
    {
        var items = value.EnumerateArray().Select(read);
        return type.IsArray ? items.ToArray() : items.ToList();
    }
}
