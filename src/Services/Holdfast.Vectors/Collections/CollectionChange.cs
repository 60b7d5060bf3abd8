using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>A change of a collection's configuration: what is named gets the new value, the rest stays.</summary>
internal static class CollectionChange
{
    private static readonly (string Asked, string Kept)[] Merged = [("hnsw_config", "hnsw_config"), ("optimizers_config", "optimizer_config"), ("strict_mode_config", "strict_mode_config"), ("params", "params"), ("metadata", "metadata")];

    /// <summary>The changed configuration.</summary>
    /// <exception cref="VectorFault">It asks for something that cannot be.</exception>
    public static CollectionConfig Apply(CollectionConfig config, JsonElement request)
    {
        if (request.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: expected an object");
        var root = JsonNode.Parse(config.Json)!.AsObject();
        foreach (var (asked, kept) in Merged)
            if (request.TryGetProperty(asked, out var change) && change.ValueKind == JsonValueKind.Object) root[kept] = Merge(root[kept] as JsonObject, change);
        if (request.TryGetProperty("quantization_config", out var quantization) && quantization.ValueKind != JsonValueKind.Null) root["quantization_config"] = JsonNode.Parse(quantization.GetRawText());
        if (request.TryGetProperty("vectors", out var vectors) && vectors.ValueKind == JsonValueKind.Object) ChangeVectors(root["params"]!["vectors"]!.AsObject(), vectors);
        if (request.TryGetProperty("sparse_vectors", out var sparse) && sparse.ValueKind == JsonValueKind.Object && root["params"]!["sparse_vectors"] is JsonObject known) ChangeNamed(known, sparse);
        return CollectionConfig.Parse(Text(root));
    }

    private static void ChangeVectors(JsonObject known, JsonElement changes)
    {
        if (known["size"] is not JsonValue)
        {
            ChangeNamed(known, changes);
            return;
        }

        // The only vector has no name, and a change calls it by the empty one.
        foreach (var change in changes.EnumerateObject())
        {
            if (change.Name.Length > 0) throw VectorFault.NoSuchVector(change.Name);
            ChangeOne(known, change.Value);
        }
    }

    private static void ChangeNamed(JsonObject known, JsonElement changes)
    {
        foreach (var change in changes.EnumerateObject())
            ChangeOne(known[change.Name] as JsonObject ?? throw VectorFault.NoSuchVector(change.Name), change.Value);
    }

    private static void ChangeOne(JsonObject vector, JsonElement change)
    {
        foreach (var property in change.EnumerateObject())
        {
            if (property.Name is not ("hnsw_config" or "quantization_config" or "on_disk" or "index" or "modifier")) throw VectorFault.BadJson($"unknown field `{property.Name}`");
            if (property.Value.ValueKind == JsonValueKind.Object && property.Name != "quantization_config") vector[property.Name] = Merge(vector[property.Name] as JsonObject, property.Value);
            else if (property.Value.ValueKind != JsonValueKind.Null) vector[property.Name] = JsonNode.Parse(property.Value.GetRawText());
        }
    }

    private static JsonObject Merge(JsonObject? old, JsonElement change)
    {
        var merged = old?.DeepClone().AsObject() ?? [];
        foreach (var property in change.EnumerateObject())
            if (property.Value.ValueKind != JsonValueKind.Null) merged[property.Name] = JsonNode.Parse(property.Value.GetRawText());
        return merged;
    }

    private static string Text(JsonObject root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions)) root.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
