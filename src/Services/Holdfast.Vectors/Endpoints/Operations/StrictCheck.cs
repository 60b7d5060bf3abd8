using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;

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

    /// <summary>How many points are written, what they have, and whether there is still room.</summary>
    public static async ValueTask OnUpsertAsync(VectorCall call, CollectionRecord collection, IReadOnlyList<PointWrite> points)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict) return;
        rules.RequireAtMost(points.Count, "upsert_max_batchsize", "upsert limit");
        OnVectors(collection, points);
        await OnRoomAsync(call, collection, points.Count).ConfigureAwait(false);
    }

    /// <summary>How long the vectors are that points get.</summary>
    public static void OnVectors(CollectionRecord collection, IReadOnlyList<PointWrite> points)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict || (rules.MultiVectorsMax.Count == 0 && rules.SparseLengthsMax.Count == 0)) return;
        foreach (var vector in points.SelectMany(point => point.Vectors))
        {
            if (rules.SparseLengthsMax.TryGetValue(vector.Name, out var length) && vector.Indices is { } indices && indices.Length > length) throw Exceeded($"Sparse vector '{vector.Name}'", length, "indices", indices.Length);
            var size = collection.Config.Columns[collection.Config.ColumnOf(vector.Name)].Size;
            if (rules.MultiVectorsMax.TryGetValue(vector.Name, out var most) && size > 0 && vector.Values.Length / size is var count && count > most) throw Exceeded($"Multivector '{vector.Name}'", most, "vectors", count);
        }

        static VectorFault Exceeded(string what, double most, string of, int given) => VectorFault.Strict(FormattableString.Invariant($"{what} has a limit of {most} {of}, but {given} were provided!"), FormattableString.Invariant($"Reduce the number of {of} to or below {most}."));
    }

    /// <summary>Whether there is still room: for points, vectors and payloads in the collection, and for more in this node's memory. Sizes are as of a moment ago.</summary>
    public static async ValueTask OnRoomAsync(VectorCall call, CollectionRecord collection, int points)
    {
        var rules = collection.Config.Rules;
        if (!rules.IsStrict) return;
        if (rules.Limits.TryGetValue("max_resident_memory_percent", out var percent) && Environment.WorkingSet is var resident && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes is > 0 and var memory && resident * 100.0 / memory > percent)
            throw VectorFault.Strict(FormattableString.Invariant($"Resident memory limit of {percent}% reached ({resident * 100.0 / memory:F0}% of {memory >> 20}MB are used)"), "Consider deleting points or increasing the limit.");
        var payloadMax = rules.Limits.GetValueOrDefault("max_collection_payload_size_bytes", double.PositiveInfinity);
        var mayHold = rules.Limits.GetValueOrDefault("max_points_count", double.PositiveInfinity);
        var mayTake = rules.Limits.GetValueOrDefault("max_collection_vector_size_bytes", double.PositiveInfinity);
        if (double.IsPositiveInfinity(mayHold) && double.IsPositiveInfinity(mayTake) && double.IsPositiveInfinity(payloadMax)) return;
        var facts = await call.Face.FactsAsync(collection, new ReadScope { Level = Vectors.Routing.ReadLevel.Eventual, Cancel = call.Cancelled }).ConfigureAwait(false);
        var there = facts.Sum(each => each.Answer.Facts?.Points ?? 0);
        if (facts.Sum(each => each.Answer.Count) >= payloadMax) throw VectorFault.Strict(FormattableString.Invariant($"Max payload storage size limit of {Math.Ceiling(payloadMax / (1 << 20))}MB reached!"), "Consider deleting points or increasing the limit.");
        if (there + points > mayHold) throw VectorFault.Strict(FormattableString.Invariant($"Max points count limit of {mayHold} reached!"), "Consider deleting points or increasing the limit.");
        var bytes = there * (double)collection.Config.Columns.Sum(column => (long)column.VectorBytes);
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
