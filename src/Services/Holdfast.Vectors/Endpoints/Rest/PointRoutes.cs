using System.Globalization;
using System.Text.Json;
using Holdfast.Vectors.Endpoints.Access;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Endpoints.Operations;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;

namespace Holdfast.Vectors.Endpoints.Rest;

/// <summary>Points: write, change, delete, read by name, scroll, count.</summary>
internal static class PointRoutes
{
    public static readonly IReadOnlyList<RestRoute> All =
    [
        new("PUT", "/collections/{name}/points", AccessRight.Write, Write(Changes.UpsertAsync)),
        new("POST", "/collections/{name}/points", AccessRight.Read, RetrieveAsync),
        new("GET", "/collections/{name}/points/{id}", AccessRight.Read, GetAsync),
        new("POST", "/collections/{name}/points/delete", AccessRight.Write, Write(Changes.DeleteAsync)),
        new("POST", "/collections/{name}/points/payload", AccessRight.Write, Write(Changes.SetPayloadAsync)),
        new("PUT", "/collections/{name}/points/payload", AccessRight.Write, Write(Changes.OverwritePayloadAsync)),
        new("POST", "/collections/{name}/points/payload/delete", AccessRight.Write, Write(Changes.DeletePayloadAsync)),
        new("POST", "/collections/{name}/points/payload/clear", AccessRight.Write, Write(Changes.ClearPayloadAsync)),
        new("PUT", "/collections/{name}/points/vectors", AccessRight.Write, Write(Changes.UpdateVectorsAsync)),
        new("POST", "/collections/{name}/points/vectors/delete", AccessRight.Write, Write(Changes.DeleteVectorsAsync)),
        new("POST", "/collections/{name}/points/batch", AccessRight.Write, BatchAsync),
        new("POST", "/collections/{name}/points/scroll", AccessRight.Read, ScrollAsync),
        new("POST", "/collections/{name}/points/count", AccessRight.Read, CountAsync),
        new("POST", "/collections/{name}/facet", AccessRight.Read, FacetAsync),
    ];

    /// <summary>What a write answers: who does not wait is told that it is acknowledged, as in Qdrant. It is completed all the same: a quorum has it and it shows here, whatever <c>wait</c> said (S24).</summary>
    public static WriteResult Operation(VectorCall call, WriteDone done)
    {
        var number = call.Wrote(done);
        return writer => WriteOperation(writer, call, number);
    }

    private static void WriteOperation(Utf8JsonWriter writer, VectorCall call, ulong number)
    {
        writer.WriteStartObject();
        writer.WriteNumber("operation_id", number);
        writer.WriteString("status", call.Waits ? "completed" : "acknowledged");
        writer.WriteEndObject();
    }

    private static Func<VectorCall, ValueTask<WriteResult>> Write(Func<VectorCall, CollectionRecord, JsonElement, Task<WriteDone>> change) => async call =>
    {
        if (call.QueryOf("ordering") is not (null or "weak" or "medium" or "strong")) throw VectorFault.BadInput($"ordering \"{call.QueryOf("ordering")}\" is none of weak, medium, strong");
        return Operation(call, await change(call, await call.CollectionAsync().ConfigureAwait(false), call.Body).ConfigureAwait(false));
    };

    private static async ValueTask<WriteResult> BatchAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var numbers = await Changes.BatchAsync(call, collection, Json.Required(call.Body, "operations")).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartArray();
            foreach (var number in numbers) WriteOperation(writer, call, number);
            writer.WriteEndArray();
        };
    }

    private static async ValueTask<WriteResult> GetAsync(VectorCall call)
    {
        var collection = await call.CollectionAsync().ConfigureAwait(false);
        var text = call.Part("id");
        PointId id;
        if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) id = PointId.Of(number);
        else if (!PointId.TryParseUuid(text, out id)) throw VectorFault.BadInput($"Can not recognize \"{text}\" as point id");
        var found = await call.Face.RetrieveAsync(collection, [id], ContentWanted.Everything, call.ScopeOf(default)).ConfigureAwait(false);
        if (found.Count == 0) throw VectorFault.NotFound($"Point with id {id} does not exists!");
        return writer => PointBodies.Write(writer, collection, found[0], ContentShown.Of(PayloadSelection.All, VectorSelection.All, collection.Config));
    }

    private static async ValueTask<WriteResult> RetrieveAsync(VectorCall call)
    {
        var (collection, points, shown) = await Reads.RetrieveAsync(call, call.Body).ConfigureAwait(false);
        return writer => PointBodies.WriteList(writer, collection, points, shown);
    }

    private static async ValueTask<WriteResult> ScrollAsync(VectorCall call)
    {
        var (collection, points, shown, next) = await Reads.ScrollAsync(call, call.Body).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WritePropertyName("points");
            PointBodies.WriteList(writer, collection, points, shown);
            writer.WritePropertyName("next_page_offset");
            if (next is { } id) PointIds.Write(writer, id);
            else writer.WriteNullValue();
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> CountAsync(VectorCall call)
    {
        var count = await Reads.CountAsync(call, call.Body).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("count", count);
            writer.WriteEndObject();
        };
    }

    private static async ValueTask<WriteResult> FacetAsync(VectorCall call)
    {
        var values = await Reads.FacetAsync(call, call.Body).ConfigureAwait(false);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteStartArray("hits");
            foreach (var (value, count) in values)
            {
                writer.WriteStartObject();
                writer.WritePropertyName("value");
                writer.WriteRawValue(value, skipInputValidation: true);
                writer.WriteNumber("count", count);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }
}
