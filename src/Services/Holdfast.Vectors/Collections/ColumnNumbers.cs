using System.Text.Json;
using System.Text.Json.Nodes;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Collections;

/// <summary>
/// Which number a vector's name has: entries of the log, segment files and snapshots know vectors by numbers, so these never change and are never given twice. As long as a collection has the vectors that it was
/// created with, numbers follow the order of names; from the first change on a configuration lists the names, with null for a deleted one.
/// </summary>
internal static class ColumnNumbers
{
    private const string Member = "columns";

    /// <summary>Columns in the order of their numbers.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="named">Its columns in the order of their names, as a new collection has them.</param>
    /// <exception cref="VectorFault">There are more than rows have bits for.</exception>
    public static IReadOnlyList<VectorParams> Order(JsonElement config, IReadOnlyList<VectorParams> named)
    {
        if (!config.TryGetProperty(Member, out var names) || names.ValueKind != JsonValueKind.Array) return named;
        var columns = new List<VectorParams>();
        foreach (var name in names.EnumerateArray())
            columns.Add(name.ValueKind == JsonValueKind.String && named.FirstOrDefault(column => column.Name == name.GetString()) is { } known ? known : VectorParams.Deleted(columns.Count));
        return columns.Count <= CollectionLimits.ColumnsMax ? columns : throw VectorFault.BadInput($"a collection has at most {CollectionLimits.ColumnsMax} named vectors, those that were deleted included");
    }

    /// <summary>Gives the next number to a name, or takes a name from its number.</summary>
    /// <param name="root">The configuration that is changed.</param>
    /// <param name="before">The columns by their numbers.</param>
    /// <param name="made">The new name; null for none.</param>
    /// <param name="deleted">The number that is deleted; -1 for none.</param>
    public static void Write(JsonObject root, IReadOnlyList<VectorParams> before, string? made, int deleted)
    {
        var names = new JsonArray();
        for (var column = 0; column < before.Count; column++) names.Add((JsonNode?)(before[column].IsGone || column == deleted ? null : JsonValue.Create(before[column].Name)));
        if (made is not null) names.Add((JsonNode?)JsonValue.Create(made));
        root[Member] = names;
    }

    /// <summary>A configuration without the list: clients know of no numbers.</summary>
    public static string Without(string json)
    {
        var root = JsonNode.Parse(json)!.AsObject();
        return root.Remove(Member) ? CollectionChange.Text(root) : json;
    }
}
