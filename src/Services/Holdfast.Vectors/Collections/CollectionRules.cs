using System.Text.Json;

namespace Holdfast.Vectors.Collections;

/// <summary>What a collection's configuration says besides its vectors: how points find their shard, and what its strict mode allows.</summary>
internal sealed record CollectionRules
{
    /// <summary>Whether clients name the shard that a point belongs to.</summary>
    public bool IsCustomSharded { get; init; }

    /// <summary>Nothing is limited unless this is set.</summary>
    public bool IsStrict { get; init; }

    /// <summary>The strict mode's numbers by their names; absent ones limit nothing.</summary>
    public IReadOnlyDictionary<string, double> Limits { get; init; } = new Dictionary<string, double>();

    /// <summary>The strict mode's truths by their names.</summary>
    public IReadOnlyDictionary<string, bool> Permissions { get; init; } = new Dictionary<string, bool>();

    /// <summary>Vectors that a point may have at most in a column of many, by the column's name.</summary>
    public IReadOnlyDictionary<string, double> MultiVectorsMax { get; init; } = new Dictionary<string, double>();

    /// <summary>Components that a point's sparse vector may have at most, by the column's name.</summary>
    public IReadOnlyDictionary<string, double> SparseLengthsMax { get; init; } = new Dictionary<string, double>();

    /// <summary>Reads them from a configuration.</summary>
    public static CollectionRules Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        var isCustom = document.RootElement.GetProperty("params").TryGetProperty("sharding_method", out var method) && method.ValueKind == JsonValueKind.String && method.GetString() == "custom";
        if (!document.RootElement.TryGetProperty("strict_mode_config", out var strict) || strict.ValueKind != JsonValueKind.Object) return new CollectionRules { IsCustomSharded = isCustom };
        var (limits, permissions) = (new Dictionary<string, double>(StringComparer.Ordinal), new Dictionary<string, bool>(StringComparer.Ordinal));
        foreach (var property in strict.EnumerateObject())
            if (property.Value.ValueKind == JsonValueKind.Number) limits[property.Name] = property.Value.GetDouble();
            else if (property.Value.ValueKind is JsonValueKind.True or JsonValueKind.False) permissions[property.Name] = property.Value.GetBoolean();
        return new CollectionRules { IsCustomSharded = isCustom, IsStrict = permissions.GetValueOrDefault("enabled"), Limits = limits, Permissions = permissions, MultiVectorsMax = ByName(strict, "multivector_config", "max_vectors"), SparseLengthsMax = ByName(strict, "sparse_config", "max_length") };
    }

    private static Dictionary<string, double> ByName(JsonElement strict, string member, string limit)
    {
        var limits = new Dictionary<string, double>(StringComparer.Ordinal);
        if (!strict.TryGetProperty(member, out var columns) || columns.ValueKind != JsonValueKind.Object) return limits;
        foreach (var column in columns.EnumerateObject())
            if (column.Value.ValueKind == JsonValueKind.Object && column.Value.TryGetProperty(limit, out var most) && most.ValueKind == JsonValueKind.Number) limits[column.Name] = most.GetDouble();
        return limits;
    }

    /// <summary>Refuses a number above a limit of the strict mode.</summary>
    /// <param name="value">What the request asks for; null for nothing.</param>
    /// <param name="limit">The limit's name.</param>
    /// <param name="name">The request's word for it.</param>
    public void RequireAtMost(double? value, string limit, string name)
    {
        if (!IsStrict || value is not { } asked || !Limits.TryGetValue(limit, out var most) || asked <= most) return;
        throw VectorFault.Strict(FormattableString.Invariant($"Limit exceeded {asked} > {most} for \"{name}\""), FormattableString.Invariant($"Reduce the \"{name}\" parameter to or below {most}."));
    }

    /// <summary>Refuses what the strict mode forbids by a <c>false</c>.</summary>
    public void RequireAllowed(bool isAsked, string permission, string name, string parameter)
    {
        if (IsStrict && isAsked && Permissions.TryGetValue(permission, out var isAllowed) && !isAllowed) throw VectorFault.Strict($"{name} disabled!", $"Set {parameter}=false.");
    }

    /// <summary>Whether the strict mode says no to this.</summary>
    public bool Forbids(string permission) => IsStrict && Permissions.TryGetValue(permission, out var isAllowed) && !isAllowed;
}
