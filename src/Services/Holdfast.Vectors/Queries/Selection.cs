using System.Text.Json;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Queries;

/// <summary>Which keys of a payload are wanted.</summary>
internal sealed record PayloadSelection
{
    /// <summary>Nothing.</summary>
    public static readonly PayloadSelection None = new() { IsWanted = false };

    /// <summary>Everything.</summary>
    public static readonly PayloadSelection All = new() { IsWanted = true };

    /// <summary>Whether any of it.</summary>
    public bool IsWanted { get; init; }

    /// <summary>Only these keys; null for all.</summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>All but these keys.</summary>
    public IReadOnlyList<string> Except { get; init; } = [];

    /// <summary>The wanted part of a payload.</summary>
    public Payload Of(Payload payload)
    {
        if (Except.Count > 0) return PayloadEdit.Remove(payload, Paths(Except));
        return Only is null ? payload : PayloadEdit.Keep(payload, Paths(Only));
    }

    /// <summary>Reads <c>with_payload</c>: a truth, a list of keys, or an object with <c>include</c> or <c>exclude</c>.</summary>
    public static PayloadSelection Read(JsonElement? element, bool isWantedByDefault) => element switch
    {
        null or { ValueKind: JsonValueKind.Null } => isWantedByDefault ? All : None,
        { ValueKind: JsonValueKind.True } => All,
        { ValueKind: JsonValueKind.False } => None,
        { ValueKind: JsonValueKind.Array } keys => All with { Only = Texts(keys) },
        { ValueKind: JsonValueKind.Object } both when both.TryGetProperty("include", out var include) => All with { Only = Texts(include) },
        { ValueKind: JsonValueKind.Object } both when both.TryGetProperty("exclude", out var exclude) => All with { Except = Texts(exclude) },
        _ => throw VectorFault.BadJson("with_payload is a truth, a list of keys, or an object with include or exclude"),
    };

    private static PayloadPath[] Paths(IReadOnlyList<string> keys) => [.. keys.Select(key => PayloadPath.Parse(key) ?? PayloadPath.OfNames(key))];

    internal static string[] Texts(JsonElement list) => list.ValueKind == JsonValueKind.Array && list.EnumerateArray().All(each => each.ValueKind == JsonValueKind.String)
        ? [.. list.EnumerateArray().Select(each => each.GetString()!)]
        : throw VectorFault.BadJson("invalid type: expected a sequence of strings");
}

/// <summary>Which vectors of a point are wanted.</summary>
internal sealed record VectorSelection
{
    /// <summary>None.</summary>
    public static readonly VectorSelection None = new() { IsWanted = false };

    /// <summary>All.</summary>
    public static readonly VectorSelection All = new() { IsWanted = true };

    /// <summary>Whether any.</summary>
    public bool IsWanted { get; init; }

    /// <summary>Only these columns; null for all.</summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>Reads <c>with_vector</c>: a truth, or a list of names.</summary>
    public static VectorSelection Read(JsonElement? element) => element switch
    {
        null or { ValueKind: JsonValueKind.Null or JsonValueKind.False } => None,
        { ValueKind: JsonValueKind.True } => All,
        { ValueKind: JsonValueKind.Array } names => All with { Only = PayloadSelection.Texts(names) },
        { ValueKind: JsonValueKind.String } name => All with { Only = [name.GetString()!] },
        _ => throw VectorFault.BadJson("with_vector is a truth or a list of names"),
    };
}
