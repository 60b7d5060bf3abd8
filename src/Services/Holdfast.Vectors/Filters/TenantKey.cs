using System.Text.Json;
using Holdfast.Vectors.Points;

namespace Holdfast.Vectors.Filters;

/// <summary>The payload key whose values name tenants. A point belongs to the first that it names: that is where its row lies.</summary>
/// <param name="Path">The key.</param>
/// <param name="AreUuids">Whether tenants are UUIDs, the same in each of their spellings.</param>
internal sealed record TenantKey(PayloadPath Path, bool AreUuids)
{
    /// <inheritdoc/>
    public bool Equals(TenantKey? other) => other is not null && Path.Text == other.Path.Text && AreUuids == other.AreUuids;

    /// <inheritdoc/>
    public override int GetHashCode() => Path.Text.Length;

    /// <summary>The tenant of a row; null when its payload names none.</summary>
    public string? Of(Segment segment, int row)
    {
        using var payload = segment.PayloadOf(row).Parse();
        foreach (var value in Path.Values(payload.RootElement))
            if (value.ValueKind == JsonValueKind.String) return AreUuids ? UuidText.Of(value.GetString()!) : value.GetString();
            else if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return TextOf(number);
        return null;
    }

    /// <summary>The one tenant that a filter asks for, whatever else it asks; null when there is none, or there are several.</summary>
    public string? In(Filter filter)
    {
        foreach (var condition in filter.Must)
        {
            var tenant = condition switch
            {
                FieldCondition { Predicate: MatchAny { Truth: null } any } field when field.Path.Text == Path.Text && any.Texts.Count + any.Numbers.Count == 1 => One(any),
                FilterCondition inner => In(inner.Filter),
                _ => null,
            };
            if (tenant is not null) return tenant;
        }

        return null;
    }

    private string One(MatchAny any) => any.Texts.Count == 0 ? TextOf(any.Numbers.Single()) : AreUuids ? UuidText.Of(any.Texts.Single()) : any.Texts.Single();

    /// <summary>A number is another tenant than the same digits as text: a control sign tells them apart.</summary>
    private static string TextOf(long number) => $"\0{number.ToString(System.Globalization.CultureInfo.InvariantCulture)}";
}
