using System.Text.Json;
using Microsoft.Extensions.VectorData;
using Microsoft.Extensions.VectorData.ProviderServices;

namespace Holdfast.VectorData;

/// <summary>A collection as it is made for records: a vector a property, words of full-text properties, indexes of payload fields.</summary>
internal static class CollectionSchema
{
    /// <summary>Properties whose words are found by BM25.</summary>
    public static IEnumerable<DataPropertyModel> TextsOf(CollectionModel model) => model.DataProperties.Where(static property => property.IsFullTextIndexed && property.Type == typeof(string));

    /// <summary>Writes it as members of the request that makes it.</summary>
    /// <exception cref="NotSupportedException">A property asks for a distance or an index that is not known here.</exception>
    public static void Write(Utf8JsonWriter writer, CollectionModel model, int replicas)
    {
        writer.WriteNumber("replication_factor", replicas);
        writer.WriteStartObject("vectors");
        foreach (var property in model.VectorProperties)
        {
            if (property.IndexKind is not (null or IndexKind.Hnsw)) throw new NotSupportedException($"{property.ModelName} asks for an index of the kind {property.IndexKind}: {IndexKind.Hnsw} is known");
            writer.WriteStartObject(property.StorageName);
            writer.WriteNumber("size", property.Dimensions);
            writer.WriteString("distance", DistanceOf(property));
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        if (!TextsOf(model).Any()) return;
        writer.WriteStartObject("sparse_vectors");
        foreach (var property in TextsOf(model))
        {
            writer.WriteStartObject(RecordJson.WordsOf(property));
            writer.WriteString("modifier", "idf");
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>The kind of index of a payload field.</summary>
    public static string IndexOf(DataPropertyModel property)
    {
        if (property.IsFullTextIndexed) return "text";
        var type = RecordModel.ElementOf(property.Type) ?? property.Type;
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(bool)) return "bool";
        if (type == typeof(int) || type == typeof(long)) return "integer";
        if (type == typeof(float) || type == typeof(double)) return "float";
        if (type == typeof(DateTime) || type == typeof(DateTimeOffset)) return "datetime";
        return type == typeof(Guid) ? "uuid" : "keyword";
    }

    private static string DistanceOf(VectorPropertyModel property) => property.DistanceFunction switch
    {
        null or DistanceFunction.CosineSimilarity => "Cosine",
        DistanceFunction.DotProductSimilarity => "Dot",
        DistanceFunction.EuclideanDistance => "Euclid",
        DistanceFunction.ManhattanDistance => "Manhattan",
        var other => throw new NotSupportedException($"{property.ModelName} asks for {other}: CosineSimilarity, DotProductSimilarity, EuclideanDistance and ManhattanDistance are known"),
    };
}
