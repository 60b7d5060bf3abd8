using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>A change of a collection's configuration: what is named gets the new value, the rest stays.</summary>
internal static class CollectionChange
{
    private static readonly (string Asked, string Kept)[] Merged = [("hnsw_config", "hnsw_config"), ("optimizers_config", OptimizerRules.Name), ("strict_mode_config", "strict_mode_config"), ("params", "params"), ("metadata", "metadata")];

    /// <summary>The changed configuration.</summary>
    /// <exception cref="VectorFault">It asks for something that cannot be.</exception>
    public static CollectionConfig Apply(CollectionConfig config, JsonElement request)
    {
        if (request.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: expected an object");
        OptimizerRules.Require(request);
        var root = JsonNode.Parse(config.Json)!.AsObject();
        foreach (var (asked, kept) in Merged)
            if (request.TryGetProperty(asked, out var change) && change.ValueKind == JsonValueKind.Object) root[kept] = Merge(root[kept] as JsonObject, change);
        if (request.TryGetProperty("quantization_config", out var quantization) && quantization.ValueKind != JsonValueKind.Null) root["quantization_config"] = JsonNode.Parse(quantization.GetRawText());
        if (request.TryGetProperty("vectors", out var vectors) && vectors.ValueKind == JsonValueKind.Object) ChangeVectors(root["params"]!["vectors"]!.AsObject(), vectors);
        if (request.TryGetProperty("sparse_vectors", out var sparse) && sparse.ValueKind == JsonValueKind.Object && root["params"]!["sparse_vectors"] is JsonObject known) ChangeNamed(known, sparse);
        return CollectionConfig.Parse(Text(root));
    }

    /// <summary>With a vector more: <c>{"dense":{size, distance, …}}</c> or <c>{"sparse":{modifier, …}}</c>. A vector that is there as it is asked for stays as it is.</summary>
    /// <exception cref="VectorFault">The name is taken by another, or it asks for something that cannot be.</exception>
    public static CollectionConfig MakeVector(CollectionConfig config, string name, JsonElement request)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > CollectionLimits.NameBytesMax || name.Any(char.IsControl)) throw VectorFault.Invalid("vector_name", "a vector's name has 1 to 255 bytes and no control characters");
        if (request.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: expected an object");
        var isDense = request.TryGetProperty("dense", out var vector);
        if (!isDense && !request.TryGetProperty("sparse", out vector)) throw VectorFault.BadJson("data did not match any variant of untagged enum VectorNameConfig: expected `dense` or `sparse`");
        if (vector.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: a vector's configuration is an object");
        var root = JsonNode.Parse(config.Json)!.AsObject();
        var parameters = root["params"]!.AsObject();
        if (isDense && parameters["vectors"]!.AsObject()["size"] is JsonValue) throw VectorFault.BadInput("the collection has one vector without a name: named ones cannot stand beside it, sparse ones can");
        var kind = isDense ? "vectors" : "sparse_vectors";
        var all = parameters[kind] as JsonObject ?? [];
        var isThere = config.Columns.Any(column => column.Name == name && !column.IsGone);
        if (isThere && all[name] is not JsonObject) throw VectorFault.BadInput($"Vector name {name} already exists, and is of another kind");
        var before = isThere ? config.Columns[config.ColumnOf(name)] : null;
        parameters[kind] = all;
        all[name] = JsonNode.Parse(vector.GetRawText());
        if (!isThere) ColumnNumbers.Write(root, config.Columns, name, -1);
        var changed = CollectionConfig.Parse(Text(root));
        if (before is null) return changed;
        var asked = changed.Columns[changed.ColumnOf(name)];
        return (asked.Size, asked.Distance, asked.Kind, asked.Datatype) == (before.Size, before.Distance, before.Kind, before.Datatype) ? config : throw VectorFault.BadInput($"Vector name {name} already exists with another size, distance or type");
    }

    /// <summary>Without a vector; its points keep what else they have.</summary>
    /// <exception cref="VectorFault">There is none of that name.</exception>
    public static CollectionConfig DeleteVector(CollectionConfig config, string name)
    {
        var number = config.ColumnOf(name);
        var root = JsonNode.Parse(config.Json)!.AsObject();
        var parameters = root["params"]!.AsObject();
        if (name.Length == 0) throw VectorFault.BadInput("the only vector without a name cannot be deleted");
        parameters["vectors"]!.AsObject().Remove(name);
        if (parameters["sparse_vectors"] is JsonObject sparse && sparse.Remove(name) && sparse.Count == 0) parameters.Remove("sparse_vectors");
        ColumnNumbers.Write(root, config.Columns, null, number);
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

    /// <summary>What a change names gets the new value; what it leaves null stays.</summary>
    /// <exception cref="VectorFault">The change is no object.</exception>
    internal static JsonObject Merge(JsonObject? old, JsonElement change)
    {
        if (change.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: a configuration is an object");
        var merged = old?.DeepClone().AsObject() ?? [];
        foreach (var property in change.EnumerateObject())
            if (property.Value.ValueKind != JsonValueKind.Null) merged[property.Name] = JsonNode.Parse(property.Value.GetRawText());
        return merged;
    }

    /// <summary>The configuration as text.</summary>
    internal static string Text(JsonObject root)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, PayloadEdit.WriterOptions)) root.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
