using System.Text.Json;
using Holdfast.Vectors.Endpoints.Facade;
using Holdfast.Vectors.Filters;
using Holdfast.Vectors.Points;
using Holdfast.Vectors.Queries;
using Holdfast.Vectors.Shards;

namespace Holdfast.Vectors.Endpoints.Operations;

/// <summary>Writes, as bodies ask for them; each is checked whole before its first part is proposed.</summary>
internal static class Changes
{
    /// <summary>By name, what an operation of a batch does.</summary>
    private static readonly Dictionary<string, Func<VectorCall, CollectionRecord, JsonElement, Task<WriteDone>>> Operations = new(StringComparer.Ordinal)
    {
        ["upsert"] = UpsertAsync,
        ["delete"] = DeleteAsync,
        ["set_payload"] = SetPayloadAsync,
        ["overwrite_payload"] = OverwritePayloadAsync,
        ["delete_payload"] = DeletePayloadAsync,
        ["clear_payload"] = ClearPayloadAsync,
        ["update_vectors"] = UpdateVectorsAsync,
        ["delete_vectors"] = DeleteVectorsAsync,
    };

    /// <summary>Points, whole. With <c>update_filter</c> those that are there already must pass it.</summary>
    public static async Task<WriteDone> UpsertAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        var filter = FilterParser.Parse(Json.Field(body, "update_filter"));
        var mode = Json.Text(body, "update_mode") switch
        {
            null or "upsert" => UpsertMode.Any,
            "insert_only" => UpsertMode.InsertOnly,
            "update_only" => UpsertMode.UpdateOnly,
            var other => throw VectorFault.BadJson($"unknown variant `{other}`, expected one of `upsert`, `insert_only`, `update_only`"),
        };
        await StrictCheck.OnWriteAsync(call, collection, filter).ConfigureAwait(false);
        var points = PointBodies.Points(body);
        await StrictCheck.OnUpsertAsync(call, collection, points).ConfigureAwait(false);
        await TenantCheck.OnUpsertAsync(call, collection, points).ConfigureAwait(false);
        return await call.Face.UpsertAsync(collection, points, new UpsertRule(mode, filter?.Json ?? ""), Collections.ShardLayout.ReadKeys(Json.Field(body, "shard_key")), call.Cancelled).ConfigureAwait(false);
    }

    /// <summary>Points that go.</summary>
    public static Task<WriteDone> DeleteAsync(VectorCall call, CollectionRecord collection, JsonElement body) => ToPointsAsync(call, collection, body, ShardCommand.Delete);

    /// <summary>Keys that points get.</summary>
    public static async Task<WriteDone> SetPayloadAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        await StrictCheck.OnRoomAsync(call, collection, 0).ConfigureAwait(false);
        var payload = Payload.From(Json.Required(body, "payload"));
        var path = Json.Text(body, "key") ?? "";
        return await ToPointsAsync(call, collection, body, (ids, filter) => ShardCommand.SetPayload(ids, payload, path, filter)).ConfigureAwait(false);
    }

    /// <summary>A payload instead of theirs.</summary>
    public static async Task<WriteDone> OverwritePayloadAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        await StrictCheck.OnRoomAsync(call, collection, 0).ConfigureAwait(false);
        var payload = Payload.From(Json.Required(body, "payload"));
        return await ToPointsAsync(call, collection, body, (ids, filter) => ShardCommand.OverwritePayload(ids, payload, filter)).ConfigureAwait(false);
    }

    /// <summary>Keys that points lose.</summary>
    public static Task<WriteDone> DeletePayloadAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        var keys = PayloadSelection.Texts(Json.Required(body, "keys"));
        return ToPointsAsync(call, collection, body, (ids, filter) => ShardCommand.DeletePayload(ids, keys, filter));
    }

    /// <summary>Points that lose all keys.</summary>
    public static Task<WriteDone> ClearPayloadAsync(VectorCall call, CollectionRecord collection, JsonElement body) => ToPointsAsync(call, collection, body, ShardCommand.ClearPayload);

    /// <summary>Vectors instead of theirs, where they are named.</summary>
    public static Task<WriteDone> UpdateVectorsAsync(VectorCall call, CollectionRecord collection, JsonElement body) =>
        UpdateVectorsAsync(call, collection, PointBodies.PointList(Json.Required(body, "points")), FilterParser.Parse(Json.Field(body, "update_filter")), Collections.ShardLayout.ReadKeys(Json.Field(body, "shard_key")));

    /// <summary>The same, of points that were read.</summary>
    public static async Task<WriteDone> UpdateVectorsAsync(VectorCall call, CollectionRecord collection, IReadOnlyList<PointWrite> points, Filter? filter, IReadOnlyList<string>? keys)
    {
        await StrictCheck.OnWriteAsync(call, collection, filter).ConfigureAwait(false);
        if (points.Count == 0) throw VectorFault.Invalid("points", "must specify points to update");
        collection.Config.Rules.RequireAtMost(points.Count, "upsert_max_batchsize", "update limit");
        StrictCheck.OnVectors(collection, points);
        await StrictCheck.OnRoomAsync(call, collection, 0).ConfigureAwait(false);
        return Found(call, await call.Face.UpdateVectorsAsync(collection, points, filter, keys, call.Cancelled).ConfigureAwait(false));
    }

    /// <summary>Vectors that points lose.</summary>
    public static Task<WriteDone> DeleteVectorsAsync(VectorCall call, CollectionRecord collection, JsonElement body)
    {
        var names = PayloadSelection.Texts(Json.Field(body, "vector") ?? Json.Required(body, "vectors"));
        if (names.Length == 0) throw VectorFault.Invalid("vector", "must specify vector names to delete");
        var bits = 0UL;
        foreach (var name in names) bits |= 1UL << collection.Config.ColumnOf(name);
        return ToPointsAsync(call, collection, body, (ids, filter) => ShardCommand.DeleteVectors(ids, bits, filter));
    }

    /// <summary>Several operations, one behind another: each is whole or not at all, and the first that is refused ends the batch.</summary>
    public static async Task<List<ulong>> BatchAsync(VectorCall call, CollectionRecord collection, JsonElement operations)
    {
        if (operations.ValueKind != JsonValueKind.Array) throw VectorFault.BadJson("invalid type: operations is a sequence");
        var planned = new List<(Func<VectorCall, CollectionRecord, JsonElement, Task<WriteDone>> Do, JsonElement Body)>();
        foreach (var operation in operations.EnumerateArray())
        {
            if (operation.ValueKind != JsonValueKind.Object || operation.EnumerateObject().FirstOrDefault() is not { Value.ValueKind: not JsonValueKind.Undefined } named || !Operations.TryGetValue(named.Name, out var known))
                throw VectorFault.BadJson("data did not match any variant of untagged enum UpdateOperation");
            planned.Add((known, named.Value));
        }

        var numbers = new List<ulong>(planned.Count);
        foreach (var (act, body) in planned) numbers.Add(call.Wrote(await act(call, collection, body).ConfigureAwait(false)));
        return numbers;
    }

    /// <summary>As Qdrant has it: who waits is told of a point that is not there, after all that are were changed; a deletion misses nothing.</summary>
    private static WriteDone Found(VectorCall call, WriteDone done)
    {
        if (!call.Waits || done.Missed is not { } missed) return done;
        call.Wrote(done);
        throw VectorFault.NotFound($"No point with id {missed} found");
    }

    private static async Task<WriteDone> ToPointsAsync(VectorCall call, CollectionRecord collection, JsonElement body, CommandOf command)
    {
        if (body.ValueKind == JsonValueKind.Array) return Found(call, await call.Face.ChangeAsync(collection, PointIds.ReadAll(body), command, null, call.Cancelled).ConfigureAwait(false));
        var keys = Collections.ShardLayout.ReadKeys(Json.Field(body, "shard_key"));
        if (Json.Field(body, "points") is { } points) return Found(call, await call.Face.ChangeAsync(collection, PointIds.ReadAll(points), command, keys, call.Cancelled).ConfigureAwait(false));
        var filter = FilterParser.Parse(Json.Field(body, "filter")) ?? throw VectorFault.BadInput("either `points` or `filter` must be given");
        await StrictCheck.OnWriteAsync(call, collection, filter).ConfigureAwait(false);
        return await call.Face.ChangeAsync(collection, filter, command, keys, call.Cancelled).ConfigureAwait(false);
    }
}
