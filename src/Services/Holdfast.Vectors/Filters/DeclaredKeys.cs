using System.Collections.Immutable;
using System.Text.Json;
using Holdfast.Vectors.Texts;

namespace Holdfast.Vectors.Filters;

/// <summary>
/// What a collection's payload indexes say of the values at their keys: how they are compared, and which of them name tenants. Read once from the list of indexes, which is part of the state: the same on every
/// replica. Immutable.
/// </summary>
internal sealed record DeclaredKeys
{
    /// <summary>Of a collection without payload indexes.</summary>
    public static readonly DeclaredKeys None = new();

    /// <summary>Keys that were declared, with their types.</summary>
    public IReadOnlyList<(PayloadPath Path, string Type)> Types { get; private init; } = [];

    /// <summary>Keys whose text is compared by words, and how these are made.</summary>
    public IReadOnlyDictionary<string, TextAnalyser> Texts { get; private init; } = ImmutableDictionary<string, TextAnalyser>.Empty;

    /// <summary>Keys whose values are UUIDs: the same in each of their spellings.</summary>
    public IReadOnlySet<string> Uuids { get; private init; } = ImmutableHashSet<string>.Empty;

    /// <summary>The key whose values name tenants; null where there is none. Of several the first by name.</summary>
    public TenantKey? Tenants { get; private init; }

    /// <summary>Reads what was declared: Qdrant's JSON by key.</summary>
    public static DeclaredKeys Of(ImmutableSortedDictionary<string, string> indexes)
    {
        if (indexes.IsEmpty) return None;
        var (types, texts, uuids) = (new List<(PayloadPath Path, string Type)>(), new Dictionary<string, TextAnalyser>(StringComparer.Ordinal), new HashSet<string>(StringComparer.Ordinal));
        TenantKey? tenants = null;
        foreach (var (key, schema) in indexes)
        {
            if (AnalyserOf(schema) is { } analyser) texts[key] = analyser;
            if (PayloadPath.Parse(key) is not { } path) continue;
            var (type, isOfTenants) = Read(schema);
            types.Add((path, type));
            if (type == "uuid") uuids.Add(key);
            if (isOfTenants) tenants ??= new TenantKey(path, type == "uuid");
        }

        return new DeclaredKeys { Types = types, Texts = texts, Uuids = uuids, Tenants = tenants };
    }

    private static (string Type, bool IsOfTenants) Read(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        var root = document.RootElement;
        if (root.ValueKind != JsonValueKind.Object) return (root.ValueKind == JsonValueKind.String ? root.GetString()! : "", false);
        var type = root.TryGetProperty("type", out var named) && named.ValueKind == JsonValueKind.String ? named.GetString()! : "";
        return (type, root.TryGetProperty("is_tenant", out var isTenant) && isTenant.ValueKind == JsonValueKind.True);
    }

    private static TextAnalyser? AnalyserOf(string schema)
    {
        try
        {
            return TextAnalyser.Read(schema);
        }
        catch (Exception wrong) when (wrong is VectorFault or JsonException)
        {
            // Refused where it is proposed; an entry that a newer program wrote is compared by plain words, alike on every replica of this one.
            return TextAnalyser.Plain;
        }
    }
}
