using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Reads that are no searches, as bodies ask for them.</summary>
internal static class Reads
{
    private const int ScrollDefault = 10;

    /// <summary>Points by their names.</summary>
    public static async Task<(CollectionRecord Collection, List<FoundPoint> Points, ContentShown Shown)> RetrieveAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var shown = ContentShown.Read(body, collection.Config, hasPayloadByDefault: true);
        return (collection, await call.Face.RetrieveAsync(collection, PointIds.ReadAll(Json.Required(body, "ids")), shown.Wanted, call.ScopeOf(body)).ConfigureAwait(false), shown);
    }

    /// <summary>A page of points in the order of their names, or of a payload's values; of the latter there is no next page.</summary>
    public static async Task<(CollectionRecord Collection, List<FoundPoint> Points, ContentShown Shown, PointId? Next)> ScrollAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var limit = Json.Count(body, "limit") ?? ScrollDefault;
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        StrictCheck.OnSearch(collection, limit, null);
        var filter = FilterParser.Parse(Json.Field(body, "filter"));
        await StrictCheck.OnReadAsync(call, collection, filter).ConfigureAwait(false);
        var shown = ContentShown.Read(body, collection.Config, hasPayloadByDefault: true);
        var from = Json.Field(body, "offset") is { } offset ? PointIds.Read(offset) : (PointId?)null;
        if (Json.Field(body, "order_by") is { } order)
        {
            if (from is not null) throw VectorFault.BadInput("Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and a filter to exclude the IDs that you've already seen for the `order_by.start_from` value");
            return (collection, await call.Face.OrderedAsync(collection, OrderBodies.Read(order), limit, filter, shown.Wanted, call.ScopeOf(body)).ConfigureAwait(false), shown, null);
        }

        var (points, next) = await call.Face.ScrollAsync(collection, from, limit, filter, shown.Wanted, call.ScopeOf(body)).ConfigureAwait(false);
        return (collection, points, shown, next);
    }

    /// <summary>How many points pass. Always exact, whatever <c>exact</c> says.</summary>
    public static async Task<long> CountAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var filter = FilterParser.Parse(Json.Field(body, "filter"));
        await StrictCheck.OnReadAsync(call, collection, filter).ConfigureAwait(false);
        return await call.Face.CountAsync(collection, filter, call.ScopeOf(body)).ConfigureAwait(false);
    }

    /// <summary>Values at a key, and how many points have each.</summary>
    public static async Task<List<KeyValuePair<string, long>>> FacetAsync(VectorCall call, JsonElement body)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var key = Json.Text(body, "key") ?? throw VectorFault.BadJson("missing field `key`");
        var limit = Json.Count(body, "limit") ?? 10;
        if (limit == 0) throw VectorFault.Invalid("limit", "value 0 invalid, must be 1 or larger");
        StrictCheck.OnSearch(collection, limit, null);
        var filter = FilterParser.Parse(Json.Field(body, "filter"));
        await StrictCheck.OnReadAsync(call, collection, filter).ConfigureAwait(false);
        return await call.Face.FacetAsync(collection, key, limit, filter, call.ScopeOf(body)).ConfigureAwait(false);
    }
}
