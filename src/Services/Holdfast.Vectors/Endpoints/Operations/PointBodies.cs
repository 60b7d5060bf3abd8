using System.Text.Json;
using Holdfast.Vectors.Collections;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

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
        return [.. ids.Select((id, at) => new PointWrite(id, payloads is null ? Payload.Empty : Payload.From(payloads[at]), [.. columns.Select(column => VectorBodies.Read(column.Item1, column.Item2[at], isQuery: false, at))]))];
    }

    /// <summary>A list of points.</summary>
    public static List<PointWrite> PointList(JsonElement points)
    {
        if (points.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: points is a sequence");
        var list = new List<PointWrite>(points.GetArrayLength());
        foreach (var point in points.EnumerateArray())
        {
            var at = list.Count;
            var payload = Json.Field(point, "payload") is { } given ? Payload.From(given) : Payload.Empty;
            list.Add(new PointWrite(PointIds.Read(Json.Required(point, "id")), payload, VectorBodies.ReadAll(Json.Required(point, "vector"), at)));
        }

        return list;
    }

    /// <summary>A point, as reads show it.</summary>
    public static void Write(Utf8JsonWriter writer, CollectionRecord collection, FoundPoint point, ContentShown shown)
    {
        writer.WriteStartObject();
        WriteContent(writer, collection, point, shown);
        writer.WriteEndObject();
    }

    /// <summary>A point that was found, with its score.</summary>
    public static void WriteScored(Utf8JsonWriter writer, CollectionRecord collection, FoundPoint point, ContentShown shown)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version", point.Version);
        writer.WriteNumber("score", point.Score);
        WriteContent(writer, collection, point, shown);
        writer.WriteEndObject();
    }

    /// <summary>A list of points.</summary>
    public static void WriteList(Utf8JsonWriter writer, CollectionRecord collection, IEnumerable<FoundPoint> points, ContentShown shown)
    {
        writer.WriteStartArray();
        foreach (var point in points) Write(writer, collection, point, shown);
        writer.WriteEndArray();
    }

    private static void WriteContent(Utf8JsonWriter writer, CollectionRecord collection, FoundPoint point, ContentShown shown)
    {
        writer.WritePropertyName("id");
        PointIds.Write(writer, point.Id);
        if (shown.Payload.IsWanted)
        {
            writer.WritePropertyName("payload");
            writer.WriteRawValue(shown.Payload.Of(point.Payload).Json, skipInputValidation: true);
        }

        if (shown.Vectors.IsWanted)
        {
            writer.WritePropertyName("vector");
            WriteVectors(writer, collection.Config, point.Vectors);
        }

        if (collection.Layout.Keys.Count > 0 && collection.Layout.KeyOf(point.Shard) is { } key)
        {
            writer.WritePropertyName("shard_key");
            writer.WriteRawValue(key, skipInputValidation: true);
        }

        if (point.Order is not { } order) return;
        if (order.IsWhole) writer.WriteNumber("order_value", (long)order.Number);
        else writer.WriteNumber("order_value", order.Number);
    }

    private static void WriteVectors(Utf8JsonWriter writer, CollectionConfig config, IReadOnlyList<NamedVector> vectors)
    {
        if (vectors is [{ Name.Length: 0 } only])
        {
            VectorBodies.Write(writer, only, config.Columns[config.ColumnOf("")]);
            return;
        }

        writer.WriteStartObject();
        foreach (var vector in vectors)
        {
            writer.WritePropertyName(vector.Name);
            VectorBodies.Write(writer, vector, config.Columns[config.ColumnOf(vector.Name)]);
        }

        writer.WriteEndObject();
    }
}
