using System.Text.Json;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Vectors in bodies: a sequence of numbers; of sequences, for a multi-vector; an object with indices and values, for a sparse one; or text, of which the server makes a sparse one (model "qdrant/bm25").</summary>
internal static class VectorBodies
{
    private const string Bm25Model = "qdrant/bm25";

    /// <summary>A point's vectors: the only one, or an object of named ones.</summary>
    /// <param name="vector">The body's part.</param>
    /// <param name="point">The point's place in the body, for what is said of it.</param>
    public static List<NamedVector> ReadAll(JsonElement vector, int point)
    {
        if (vector.ValueKind == JsonValueKind.Array || (vector.ValueKind == JsonValueKind.Object && IsOne(vector))) return [Read("", vector, isQuery: false, point)];
        if (vector.ValueKind == JsonValueKind.Object) return [.. vector.EnumerateObject().Select(each => Read(each.Name, each.Value, isQuery: false, point))];
        throw VectorFault.BadJson("data did not match any variant of untagged enum VectorStruct: a vector is a sequence of numbers, or an object of named ones");
    }

    /// <summary>One vector. Of text, a question is made into another vector than a document.</summary>
    /// <param name="name">Its column's name.</param>
    /// <param name="vector">The body's part.</param>
    /// <param name="isQuery">Whether it is a question.</param>
    /// <param name="point">Of a point's vector, the point's place in the body.</param>
    public static NamedVector Read(string name, JsonElement vector, bool isQuery, int? point = null)
    {
        if (vector.ValueKind == JsonValueKind.Array) return vector.GetArrayLength() > 0 && vector[0].ValueKind == JsonValueKind.Array ? Multi(name, vector, point) : new NamedVector(name, Json.Vector(vector));
        if (vector.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: a vector is a sequence of numbers, or an object with indices and values");
        if (Json.Field(vector, "indices") is { } indices) return new NamedVector(name, Json.Vector(Json.Required(vector, "values")), Places(indices));
        if (Json.Text(vector, "text") is not { } text) throw VectorFault.NotHere("this kind of vector; sequences of numbers, sparse ones and text by qdrant/bm25 are");
        var model = Json.Text(vector, "model") ?? throw VectorFault.BadJson("missing field `model`");
        if (!model.Equals(Bm25Model, StringComparison.OrdinalIgnoreCase)) throw VectorFault.NotHere($"vectors of text by the model {model}; {Bm25Model} is");
        var maker = Of(Json.Field(vector, "options"));
        return isQuery ? maker.Query(name, text) : maker.Document(name, text);
    }

    /// <summary>Writes one.</summary>
    public static void Write(Utf8JsonWriter writer, in NamedVector vector, VectorParams column)
    {
        if (vector.Indices is { } indices)
        {
            writer.WriteStartObject();
            writer.WriteStartArray("indices");
            foreach (var place in indices) writer.WriteNumberValue(place);
            writer.WriteEndArray();
            writer.WritePropertyName("values");
            Write(writer, vector.Values);
            writer.WriteEndObject();
        }
        else if (column.Kind == VectorKind.Multi)
        {
            writer.WriteStartArray();
            for (var one = 0; one < vector.Values.Length; one += column.Size) Write(writer, vector.Values.AsSpan(one, column.Size));
            writer.WriteEndArray();
        }
        else
        {
            Write(writer, vector.Values);
        }
    }

    private static bool IsOne(JsonElement vector) => vector.TryGetProperty("indices", out var indices) && indices.ValueKind == JsonValueKind.Array && vector.TryGetProperty("values", out _);

    private static Bm25 Of(JsonElement? options)
    {
        var maker = new Bm25();
        if (options is not { ValueKind: JsonValueKind.Object } given) return maker;
        return maker with
        {
            Saturation = Json.Number(given, "k") ?? maker.Saturation,
            LengthShare = Json.Number(given, "b") ?? maker.LengthShare,
            LengthUsual = Json.Number(given, "avg_len") ?? maker.LengthUsual,
            Analyser = Json.Text(given, "language") is { } language ? Bm25.For(language) : maker.Analyser,
        };
    }

    private static NamedVector Multi(string name, JsonElement vectors, int? point)
    {
        var all = new List<float>();
        var size = -1;
        foreach (var each in vectors.EnumerateArray())
        {
            var one = Json.Vector(each);
            if (one.Length == 0) throw VectorFault.Invalid($"{VectorNorm.Place(name, point)}.data", "all vectors must be non-empty");
            if (size >= 0 && one.Length != size) throw VectorFault.Invalid($"{VectorNorm.Place(name, point)}.data", $"all vectors must have the same dimension, found vector with dimension {one.Length}");
            size = one.Length;
            all.AddRange(one);
        }

        return new NamedVector(name, [.. all]);
    }

    private static uint[] Places(JsonElement indices)
    {
        if (indices.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: indices is a sequence of whole numbers");
        return [.. indices.EnumerateArray().Select(each => each.ValueKind == JsonValueKind.Number && each.TryGetUInt32(out var place) ? place : throw VectorFault.BadJson("invalid type: indices are whole numbers below 2^32"))];
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<float> vector)
    {
        writer.WriteStartArray();
        foreach (var component in vector) writer.WriteNumberValue(component);
        writer.WriteEndArray();
    }
}
