using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Routing;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>
/// What a collection allows each of its tenants. A tenant is a value at the payload key whose index says <c>is_tenant</c>, as Qdrant has it; the limits stand in the strict mode beside Qdrant's own:
/// <c>tenant_read_rate_limit</c> and <c>tenant_write_rate_limit</c> a minute and node, <c>tenant_max_points</c> and <c>tenant_max_vector_size_bytes</c>. Quotas of storage are asked before a write is proposed:
/// tenants that write at several nodes at once may pass them by a batch each.
/// </summary>
internal static class TenantCheck
{
    /// <summary>The strict mode's words for it.</summary>
    public const string ReadRate = "tenant_read_rate_limit";

    /// <inheritdoc cref="ReadRate"/>
    public const string WriteRate = "tenant_write_rate_limit";

    /// <inheritdoc cref="ReadRate"/>
    public const string PointsMost = "tenant_max_points";

    /// <inheritdoc cref="ReadRate"/>
    public const string BytesMost = "tenant_max_vector_size_bytes";

    /// <summary>A read whose filter names a tenant.</summary>
    public static async ValueTask OnReadAsync(VectorCall call, CollectionRecord collection, Filter? filter)
    {
        var rules = collection.Config.Rules;
        if (filter is null || !rules.IsStrict || !rules.Limits.TryGetValue(ReadRate, out var perMinute)) return;
        if (await KeyAsync(call, collection).ConfigureAwait(false) is not { } key) return;
        foreach (var tenant in NamedBy(filter, key).Distinct()) call.Room.Rates.Pass(collection, tenant, isWrite: false, perMinute);
    }

    /// <summary>Points that are written: each belongs to the tenant that its payload names.</summary>
    public static async ValueTask OnUpsertAsync(VectorCall call, CollectionRecord collection, IReadOnlyList<PointWrite> points)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict || !new[] { WriteRate, PointsMost, BytesMost }.Any(rules.Limits.ContainsKey)) return;
        if (await KeyAsync(call, collection).ConfigureAwait(false) is not { } key || PayloadPath.Parse(key) is not { } path) return;
        foreach (var part in points.SelectMany(point => ValuesOf(point.Payload, path)).GroupBy(tenant => tenant, StringComparer.Ordinal))
        {
            if (rules.Limits.TryGetValue(WriteRate, out var perMinute)) call.Room.Rates.Pass(collection, part.Key, isWrite: true, perMinute);
            await RequireRoomAsync(call, collection, key, part.Key, part.Count()).ConfigureAwait(false);
        }
    }

    private static async ValueTask RequireRoomAsync(VectorCall call, CollectionRecord collection, string key, string tenant, int more)
    {
        var rules = collection.Config.Rules;
        var (mayHold, mayTake) = (rules.Limits.GetValueOrDefault(PointsMost, double.PositiveInfinity), rules.Limits.GetValueOrDefault(BytesMost, double.PositiveInfinity));
        if (double.IsPositiveInfinity(mayHold) && double.IsPositiveInfinity(mayTake)) return;
        var there = await call.Face.CountAsync(collection, FilterOf(key, tenant), ReadScope.Strong(call.Cancelled)).ConfigureAwait(false);
        var bytes = (there + more) * (double)collection.Config.Columns.Sum(column => column.RowBytes);
        if (there + more <= mayHold && bytes <= mayTake) return;
        call.Room.Meters.NoteTenantRefused(collection.Name);
        throw there + more > mayHold
            ? VectorFault.Strict(FormattableString.Invariant($"Max points count limit of {mayHold} reached for tenant {tenant}!"), "Consider deleting points of this tenant or increasing the limit.")
            : VectorFault.Strict(FormattableString.Invariant($"Max vector storage size limit of {Math.Ceiling(mayTake / (1 << 20))}MB reached for tenant {tenant}!"), "Consider deleting points of this tenant or increasing the limit.");
    }

    /// <summary>The payload key that names tenants; null when no index says so.</summary>
    private static async ValueTask<string?> KeyAsync(VectorCall call, CollectionRecord collection) =>
        await call.Room.Tenants.KeyOfAsync(collection.Id, async () =>
        {
            var facts = await call.Face.FactsAsync(collection, new ReadScope { Level = ReadLevel.Eventual, Cancel = call.Cancelled }).ConfigureAwait(false);
            return facts.SelectMany(each => each.Answer.Facts?.Indexes ?? []).Where(each => IsOfTenants(each.Value)).Select(each => each.Key).Order(StringComparer.Ordinal).FirstOrDefault();
        }).ConfigureAwait(false);

    private static bool IsOfTenants(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("is_tenant", out var isTenant) && isTenant.ValueKind == JsonValueKind.True;
    }

    /// <summary>The tenants that a filter asks for: what must match at the key.</summary>
    private static IEnumerable<string> NamedBy(Filter filter, string key) => filter.Must.SelectMany(condition => condition switch
    {
        FieldCondition { Predicate: MatchAny any } field when field.Path.Text == key => any.Texts.Concat(any.Numbers.Select(number => number.ToString(System.Globalization.CultureInfo.InvariantCulture))),
        FilterCondition inner => NamedBy(inner.Filter, key),
        _ => [],
    });

    private static List<string> ValuesOf(Payload payload, PayloadPath path)
    {
        using var document = payload.Parse();
        return [.. path.Values(document.RootElement).Where(value => value.ValueKind is JsonValueKind.String or JsonValueKind.Number).Select(value => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText()).Distinct(StringComparer.Ordinal)];
    }

    private static Filter? FilterOf(string key, string tenant)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("must");
            writer.WriteStartObject();
            writer.WriteString("key", key);
            writer.WriteStartObject("match");
            if (long.TryParse(tenant, out var number)) writer.WriteNumber("value", number);
            else writer.WriteString("value", tenant);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return FilterParser.Parse(System.Text.Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
