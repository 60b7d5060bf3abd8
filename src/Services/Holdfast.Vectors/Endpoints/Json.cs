using System.Text.Json;

namespace Holdfast.Vectors.Endpoints;

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
