using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Points in bodies: how they are read and how they are shown.</summary>
internal static class PointBodies
{
    /// <summary>The points of an upsert: a list, or columns of ids, vectors and payloads.</summary>
    public static List<PointWrite> Points(JsonElement body)
    {
        if (Json.Field(body, "points") is { } points) return PointList(points);
        var batch = Json.Field(body, "batch") ?? throw VectorFault.BadJson("data did not match any variant of untagged enum PointInsertOperations: missing field `points` or `batch`");
        var ids = PointIds.ReadAll(Json.Required(batch, "ids"));
        var payloads = Json.Field(batch, "payloads")?.EnumerateArray().ToArray();
        var vectors = Json.Required(batch, "vectors");
        if (payloads is not null && payloads.Length != ids.Count) throw VectorFault.BadInput($"number of ids and payloads must be equal ({ids.Count} != {payloads.Length})");
        var columns = vectors.ValueKind == JsonValueKind.Array
            ? [("", vectors.EnumerateArray().ToArray())]
            : vectors.EnumerateObject().Select(each => (each.Name, each.Value.EnumerateArray().ToArray())).ToArray();
        foreach (var (_, values) in columns)
            if (values.Length != ids.Count) throw VectorFault.BadInput($"number of ids and vectors must be equal ({ids.Count} != {values.Length})");
        return [.. ids.Select((id, at) => new PointWrite(id, payloads is null ? Payload.Empty : Payload.From(payloads[at]), [.. columns.Select(column => new NamedVector(column.Item1, Json.Vector(column.Item2[at])))]))];
    }

    /// <summary>A list of points.</summary>
    public static List<PointWrite> PointList(JsonElement points)
    {
        if (points.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: points is a sequence");
        var list = new List<PointWrite>(points.GetArrayLength());
        foreach (var point in points.EnumerateArray())
        {
            var payload = Json.Field(point, "payload") is { } given ? Payload.From(given) : Payload.Empty;
            list.Add(new PointWrite(PointIds.Read(Json.Required(point, "id")), payload, VectorsOf(Json.Required(point, "vector"))));
        }

        return list;
    }

    /// <summary>A point, as reads show it.</summary>
    public static void Write(Utf8JsonWriter writer, CollectionConfig config, in PointRow point, PayloadSelection payload, VectorSelection vectors)
    {
        writer.WriteStartObject();
        WriteContent(writer, config, point, payload, vectors);
        writer.WriteEndObject();
    }

    /// <summary>A point that was found, with its score.</summary>
    public static void WriteScored(Utf8JsonWriter writer, CollectionConfig config, in ScoredRow point, PayloadSelection payload, VectorSelection vectors)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version", point.Segment.Head(point.Row).Version);
        writer.WriteNumber("score", point.Score);
        WriteContent(writer, config, new PointRow(point.Segment, point.Row), payload, vectors);
        writer.WriteEndObject();
    }

    private static void WriteContent(Utf8JsonWriter writer, CollectionConfig config, in PointRow point, PayloadSelection payload, VectorSelection vectors)
    {
        writer.WritePropertyName("id");
        PointIds.Write(writer, point.Id);
        if (payload.IsWanted)
        {
            writer.WritePropertyName("payload");
            writer.WriteRawValue(payload.Of(point.Payload).Json, skipInputValidation: true);
        }

        if (!vectors.IsWanted) return;
        writer.WritePropertyName("vector");
        if (!config.HasNames)
        {
            WriteVector(writer, point.Segment.Columns[0].Read(point.Row));
            return;
        }

        writer.WriteStartObject();
        for (var column = 0; column < point.Segment.Columns.Length; column++)
        {
            var name = point.Segment.Columns[column].Params.Name;
            if ((point.Segment.Head(point.Row).Has & (1UL << column)) == 0 || (vectors.Only is not null && !vectors.Only.Contains(name))) continue;
            writer.WritePropertyName(name);
            WriteVector(writer, point.Segment.Columns[column].Read(point.Row));
        }

        writer.WriteEndObject();
    }

    private static List<NamedVector> VectorsOf(JsonElement vector)
    {
        if (vector.ValueKind == JsonValueKind.Array) return [new NamedVector("", Json.Vector(vector))];
        if (vector.ValueKind == JsonValueKind.Object) return [.. vector.EnumerateObject().Select(each => new NamedVector(each.Name, Json.Vector(each.Value)))];
        throw VectorFault.BadJson("data did not match any variant of untagged enum VectorStruct: a vector is a sequence of numbers, or an object of named ones");
    }

    private static void WriteVector(Utf8JsonWriter writer, float[] vector)
    {
        writer.WriteStartArray();
        foreach (var component in vector) writer.WriteNumberValue(component);
        writer.WriteEndArray();
    }
}
