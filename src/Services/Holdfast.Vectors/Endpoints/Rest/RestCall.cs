using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>A request as its route sees it: path parts by name, query by name, body as JSON. What it asks for is in the protocol's words; anything wrong is a <see cref="VectorFault"/>.</summary>
internal sealed class RestCall(VectorFace face, IReadOnlyDictionary<string, string> parts, string query, JsonElement body, CancellationToken cancelled)
{
    private static readonly JsonElement NoBody = JsonDocument.Parse("{}").RootElement.Clone();

    /// <summary>What everything is asked of.</summary>
    public VectorFace Face => face;

    /// <summary>The client is gone.</summary>
    public CancellationToken Cancelled => cancelled;

    /// <summary>The body; an empty object when there was none.</summary>
    public JsonElement Body => body.ValueKind == JsonValueKind.Undefined ? NoBody : body;

    /// <summary>The collection's name in the path.</summary>
    public string CollectionName => parts["name"];

    /// <summary>How fresh reads must be. Qdrant's words that ask for more than one replica are met by the default; a number, <c>eventual</c>, is this node's own state.</summary>
    public ReadLevel Level => QueryOf("consistency") switch
    {
        null or "majority" or "quorum" or "all" or "strong" or "session" => ReadLevel.Strong,
        "eventual" => ReadLevel.Eventual,
        var number when int.TryParse(number, out var replicas) && replicas >= 1 => replicas > 1 ? ReadLevel.Strong : ReadLevel.Eventual,
        var other => throw VectorFault.BadInput($"consistency \"{other}\" is none of majority, quorum, all, strong, session, eventual, or a number"),
    };

    /// <summary>A part of the path.</summary>
    public string Part(string name) => parts[name];

    /// <summary>A field of the query; null when it is not there.</summary>
    public string? QueryOf(string name)
    {
        foreach (var pair in query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? pair : pair[..equals];
            if (Uri.UnescapeDataString(key) == name) return equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }

        return null;
    }

    /// <summary>The collection in the path.</summary>
    public ValueTask<CollectionRecord> CollectionAsync() => face.RequireAsync(CollectionName, cancelled);

    /// <summary>A field of the body; null when it is absent or null.</summary>
    public JsonElement? Field(string name) => Json.Field(Body, name);
}

/// <summary>Reading JSON in the protocol's manner: absent and null are the same, and what has the wrong type is said with its name.</summary>
internal static class Json
{
    /// <summary>A field; null when it is absent or null.</summary>
    public static JsonElement? Field(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object) throw VectorFault.BadJson("invalid type: expected an object");
        return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    /// <summary>A field that must be there.</summary>
    public static JsonElement Required(JsonElement element, string name) => Field(element, name) ?? throw VectorFault.BadJson($"missing field `{name}`");

    /// <summary>A whole number, not negative.</summary>
    public static int? Count(JsonElement element, string name) =>
        Field(element, name) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out var number) ? (int)Math.Min(number, int.MaxValue - 1024)
        : throw VectorFault.BadJson($"invalid type: {name} is a whole number that is not negative");

    /// <summary>A number.</summary>
    public static float? Number(JsonElement element, string name) =>
        Field(element, name) is not { } value ? null : value.ValueKind == JsonValueKind.Number ? value.GetSingle() : throw VectorFault.BadJson($"invalid type: {name} is a number");

    /// <summary>A truth; false when it is absent.</summary>
    public static bool Truth(JsonElement element, string name) => Field(element, name) switch
    {
        null or { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.True } => true,
        _ => throw VectorFault.BadJson($"invalid type: {name} is a truth"),
    };

    /// <summary>Text.</summary>
    public static string? Text(JsonElement element, string name) =>
        Field(element, name) is not { } value ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw VectorFault.BadJson($"invalid type: {name} is a string");

    /// <summary>A vector.</summary>
    public static float[] Vector(JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: a vector is a sequence of numbers");
        var vector = new float[array.GetArrayLength()];
        var at = 0;
        foreach (var component in array.EnumerateArray())
            vector[at++] = component.ValueKind == JsonValueKind.Number && component.TryGetSingle(out var number) ? number : throw VectorFault.BadJson("invalid type: a vector's components are numbers");
        return vector;
    }
}
