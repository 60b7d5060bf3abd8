using System.Text.Json;

namespace Holdfast.Vectors.Points;

/// <summary>Point ids in JSON: an unsigned number, or a UUID as text.</summary>
internal static class PointIds
{
    /// <summary>Reads one.</summary>
    public static PointId Read(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Number && element.TryGetUInt64(out var number)) return PointId.Of(number);
        if (element.ValueKind == JsonValueKind.String && PointId.TryParseUuid(element.GetString(), out var uuid)) return uuid;
        throw VectorFault.BadJson($"value {element.GetRawText()} is not a valid point ID, valid values are either an unsigned integer or a UUID");
    }

    /// <summary>Reads a list.</summary>
    public static List<PointId> ReadAll(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: expected a sequence of point IDs");
        return [.. element.EnumerateArray().Select(Read)];
    }

    /// <summary>Writes one.</summary>
    public static void Write(Utf8JsonWriter writer, in PointId id)
    {
        if (id.IsUuid) writer.WriteStringValue(id.ToString());
        else writer.WriteNumberValue(id.Number);
    }
}
