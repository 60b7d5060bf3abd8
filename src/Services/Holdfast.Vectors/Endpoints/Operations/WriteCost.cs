using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>As how many requests a write counts against its collection's rate: as the points that it is about; one that names them by a filter as half of those that there are, which is what Qdrant takes a filter for that no index answers.</summary>
internal static class WriteCost
{
    /// <summary>The cost of a call's body; one at least.</summary>
    public static async ValueTask<long> OfAsync(VectorCall call, CollectionRecord collection)
    {
        if (call.Body.ValueKind != JsonValueKind.Object) return Math.Max(1, LengthOf(call.Body));
        var parts = Json.Field(call.Body, "operations") is { ValueKind: JsonValueKind.Array } operations
            ? operations.EnumerateArray().Where(each => each.ValueKind == JsonValueKind.Object).SelectMany(each => each.EnumerateObject()).Select(each => each.Value).ToArray()
            : [call.Body];
        var named = parts.Sum(NamedIn);
        var filters = parts.Count(part => part.ValueKind == JsonValueKind.Object && Json.Field(part, "points") is null && Json.Field(part, "filter") is not null);
        if (filters == 0) return Math.Max(1, named);
        var facts = await call.Face.FactsAsync(collection, new ReadScope { Level = Vectors.Routing.ReadLevel.Eventual, Cancel = call.Cancelled }).ConfigureAwait(false);
        return Math.Max(1, named + (filters * (facts.Sum(each => each.Answer.Facts?.Points ?? 0) / 2)));
    }

    private static long NamedIn(JsonElement part) => part.ValueKind != JsonValueKind.Object ? LengthOf(part)
        : Json.Field(part, "points") is { } points ? LengthOf(points)
        : Json.Field(part, "batch") is { ValueKind: JsonValueKind.Object } batch && Json.Field(batch, "ids") is { } ids ? LengthOf(ids)
        : 0;

    private static long LengthOf(JsonElement list) => list.ValueKind == JsonValueKind.Array ? list.GetArrayLength() : 0;
}
