using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>What a collection's strict mode has to say about a request, in Qdrant's words. A collection without one is never looked at twice.</summary>
internal static class StrictCheck
{
    /// <summary>Reads with a filter.</summary>
    public static async ValueTask OnReadAsync(VectorCall call, CollectionRecord collection, Filter? filter)
    {
        await TenantCheck.OnReadAsync(call, collection, filter).ConfigureAwait(false);
        await OnFilterAsync(call, collection, filter, "unindexed_filtering_retrieve").ConfigureAwait(false);
    }

    /// <summary>Writes with a filter.</summary>
    public static ValueTask OnWriteAsync(VectorCall call, CollectionRecord collection, Filter? filter) => OnFilterAsync(call, collection, filter, "unindexed_filtering_update");

    /// <summary>How many, how thoroughly.</summary>
    public static void OnSearch(CollectionRecord collection, int limit, JsonElement? parameters)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict) return;
        rules.RequireAtMost(limit, "max_query_limit", "limit");
        if (parameters is not { } given) return;
        rules.RequireAllowed(Json.Truth(given, "exact"), "search_allow_exact", "Exact search", "exact");
        rules.RequireAtMost(Json.Count(given, "hnsw_ef"), "search_max_hnsw_ef", "hnsw_ef");
        if (Json.Field(given, "quantization") is { } quantization) rules.RequireAtMost(Json.Number(quantization, "oversampling"), "search_max_oversampling", "oversampling");
    }

    /// <summary>How many points are written, and whether there is still room.</summary>
    public static async ValueTask OnUpsertAsync(VectorCall call, CollectionRecord collection, int points)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict) return;
        rules.RequireAtMost(points, "upsert_max_batchsize", "upsert limit");
        var mayHold = rules.Limits.GetValueOrDefault("max_points_count", double.PositiveInfinity);
        var mayTake = rules.Limits.GetValueOrDefault("max_collection_vector_size_bytes", double.PositiveInfinity);
        if (double.IsPositiveInfinity(mayHold) && double.IsPositiveInfinity(mayTake)) return;
        var facts = await call.Face.FactsAsync(collection, new ReadScope { Level = Vectors.Routing.ReadLevel.Eventual, Cancel = call.Cancelled }).ConfigureAwait(false);
        var there = facts.Sum(each => each.Answer.Facts?.Points ?? 0);
        if (there + points > mayHold) throw VectorFault.Strict(FormattableString.Invariant($"Max points count limit of {mayHold} reached!"), "Consider deleting points or increasing the limit.");
        var bytes = there * (double)collection.Config.Columns.Sum(column => column.RowBytes);
        if (bytes >= mayTake) throw VectorFault.Strict(FormattableString.Invariant($"Max vector storage size limit of {Math.Ceiling(mayTake / (1 << 20))}MB reached!"), "Consider deleting points or increasing the limit.");
    }

    /// <summary>One more payload index.</summary>
    public static void OnIndex(CollectionRecord collection, int indexes)
    {
        var rules = collection.Config.Rules;
        if (rules.IsStrict && rules.Limits.TryGetValue("max_payload_index_count", out var most) && indexes >= most)
            throw VectorFault.Strict(FormattableString.Invariant($"Collection already has the maximum number of payload indices ({most})"), "Please delete an existing index before creating a new one.");
    }

    private static async ValueTask OnFilterAsync(VectorCall call, CollectionRecord collection, Filter? filter, string permission)
    {
        var rules = collection.Config.Rules;
        if (filter is null || !rules.IsStrict) return;
        if (rules.Limits.TryGetValue("filter_max_conditions", out var conditions) && FilterKeys.Count(filter) is var count && count > conditions)
            throw VectorFault.Strict(FormattableString.Invariant($"Filter condition limit reached ({count} > {conditions})"), "Reduce the amount of conditions of your filter.");
        if (rules.Limits.TryGetValue("condition_max_size", out var size) && FilterKeys.LargestCondition(filter) is var largest && largest > size)
            throw VectorFault.Strict(FormattableString.Invariant($"Condition size limit reached ({largest} > {size})"), "Reduce the size of your condition.");
        if (!rules.Forbids(permission)) return;
        var facts = await call.Face.FactsAsync(collection, new ReadScope { Level = Vectors.Routing.ReadLevel.Eventual, Cancel = call.Cancelled }).ConfigureAwait(false);
        var indexed = facts.SelectMany(each => each.Answer.Facts?.Indexes ?? []).Select(each => each.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var (key, types) in FilterKeys.Of(filter))
            if (types.Length > 0 && !indexed.Contains(key))
                throw VectorFault.Strict($"Index required but not found for \"{key}\" of one of the following types: [{string.Join(", ", types.Order(StringComparer.Ordinal))}]", "Create an index for this key or use a different filter.");
    }
}
